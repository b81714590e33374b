// Requests written to the socket byte by byte, for what no HTTP client would send: doubled headers, odd spellings,
// targets that every URL parser would tidy up.
import assert from "node:assert/strict";
import net from "node:net";
import tls from "node:tls";

/**
 * Sends `lines` (without line ends; the first is the request line) and resolves to `{ status, headers, text }`. The
 * connection is closed behind the answer.
 */
export function raw(origin, lines, { body = "", ca, limit = 15_000 } = {}) {
  const { protocol, hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const options = { host: hostname, port: Number(port), ca, servername: hostname };
    const socket = protocol === "https:" ? tls.connect(options) : net.connect(options);
    let bytes = Buffer.alloc(0);
    socket.setTimeout(limit, () => socket.destroy(new Error(`no answer within ${limit} ms: ${lines[0]}`)));
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
    });
    socket.on("close", () => {
      if (bytes.length === 0) reject(new Error(`the connection was closed without an answer: ${lines[0]}`));
      else resolve(parse(bytes));
    });
    socket.write(`${[...lines, "connection: close"].join("\r\n")}\r\n\r\n${body}`);
  });
}

/** A GET with these header lines and no others but `Host`. */
export const rawGet = (origin, target, headers = [], options) =>
  raw(origin, [`GET ${target} HTTP/1.1`, `host: ${new URL(origin).host}`, ...headers], options);

function parse(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  const [statusLine, ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]);
  const chunked = headers.some(([name, value]) => name === "transfer-encoding" && value.includes("chunked"));
  const body = bytes.subarray(end + 4);
  const text = (chunked ? unchunked(body) : body).toString();
  return {
    status: Number(statusLine.split(" ")[1]),
    headers: Object.fromEntries(headers),
    setCookies: headers.filter(([name]) => name === "set-cookie").map(([, value]) => value),
    text,
    json: () => JSON.parse(text),
  };
}

function unchunked(body) {
  const parts = [];
  for (let at = 0; at < body.length; ) {
    const lineEnd = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.subarray(at, lineEnd).toString(), 16);
    if (!length) break;
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
  return Buffer.concat(parts);
}

/** A GET with a browser's session and these header lines: what the application saw. */
export async function sessionGet({ origin }, { sessionHeader }, lines, target = "/seen") {
  const answer = await rawGet(origin, target, [`cookie: ${sessionHeader}`, ...lines]);
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}
