// Packs what Rust decides about into one text: src/gateway/request/head.rs and headers.rs read it.
import { HotPath } from "./build/index.js";

/** The fields of `request.cf` and of its `botManagement` that Rust looks at. */
const [FIELDS, BOT_FIELDS] = HotPath.fields().split(";").map((names) => names.split(","));

let lines = "";
let hasCookie = false;
const collect = (value, name) => {
  lines += `${name},${value}\n`;
  if (name === "cookie") hasCookie = true;
};

/** Whether Rust looks at the visitor of a request without a cookie; none until it knows the configuration. */
let looksAtStrangers;

/** Headers, one a line. */
export function pack(headers) {
  lines = "";
  headers.forEach(collect);
  return lines;
}

const text = (value) => (typeof value === "object" || value === undefined ? "" : value);

/** A request's head in one text, with the visitor. */
export function packHead(request) {
  return packWith(request, true);
}

/** The same, with the visitor only where Rust looks at it. */
export function packForPlan(request) {
  return packWith(request, (looksAtStrangers ??= HotPath.looks_at_strangers()) !== false);
}

function packWith(request, withStrangers) {
  lines = `${request.method}\n${request.url}\n`;
  hasCookie = false;
  request.headers.forEach(collect);
  lines += "\n";
  if (!hasCookie && !withStrangers) return lines;
  const cf = request.cf;
  if (cf) {
    for (const name of FIELDS) lines += `${text(cf[name])}\n`;
    const bot = cf.botManagement;
    lines += `${text(bot?.[BOT_FIELDS[0]])}\n${text(bot?.[BOT_FIELDS[1]])}`;
  }
  return lines;
}
