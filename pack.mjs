// Packs what Rust decides about into one text: src/gateway/request/mod.rs and headers.rs read it.
import { HotPath } from "./build/index.js";

/** The fields of `request.cf` and of its `botManagement` that Rust looks at. */
const [FIELDS, BOT_FIELDS] = HotPath.fields().split(";").map((names) => names.split(","));

let lines = "";
const collect = (value, name) => {
  lines += `${name},${value}\n`;
};

/** Headers, one a line. */
export function pack(headers) {
  lines = "";
  headers.forEach(collect);
  return lines;
}

const text = (value) => (typeof value === "object" || value === undefined ? "" : value);

/** A request's head in one text. */
export function packHead(request) {
  lines = `${request.method}\n${request.url}\n`;
  request.headers.forEach(collect);
  lines += "\n";
  const cf = request.cf;
  if (cf) {
    for (const name of FIELDS) lines += `${text(cf[name])}\n`;
    const bot = cf.botManagement;
    lines += `${text(bot?.[BOT_FIELDS[0]])}\n${text(bot?.[BOT_FIELDS[1]])}`;
  }
  return lines;
}
