// One HTTP request, with everything of the answer that a test could want to see. Nothing is followed, nothing is
// decoded, and headers go out as they are given.
import dns from "node:dns";
import http from "node:http";
import https from "node:https";

/** A request that its tests forgot to bound ends here. */
const LIMIT = 40_000;

/**
 * Sends a request and resolves to `{ status, headers, raw, setCookies, body, text, json() }`; `raw` is the list of
 * names and values as they came.
 */
export async function request(url, { method = "GET", headers = {}, body, ca, signal, limit = LIMIT } = {}) {
  const { response, ...answer } = await open(url, { method, headers, body, ca, signal, limit });
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return { ...answer, bytes, text: bytes.toString(), json: () => JSON.parse(bytes.toString()) };
}

/** The same up to the headers; the body is a stream, `response`. */
export function open(url, { method = "GET", headers = {}, body, ca, signal, limit = LIMIT } = {}) {
  const { protocol } = new URL(url);
  const client = protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const framed = { ...(typeof body === "string" || body instanceof Uint8Array ? { "content-length": Buffer.byteLength(body) } : {}), ...headers };
    const outgoing = client.request(url, { method, headers: framed, ca, signal, agent: agent(protocol, ca) }, (response) => {
      resolve({
        status: response.statusCode,
        headers: response.headers,
        raw: response.rawHeaders,
        setCookies: response.headers["set-cookie"] ?? [],
        url: new URL(url),
        response,
      });
    });
    outgoing.setTimeout(limit, () => outgoing.destroy(new Error(`no answer within ${limit} ms: ${method} ${url}`)));
    outgoing.on("error", reject);
    // Without an upgrade handler the client would drop the connection without a word.
    outgoing.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, headers: response.headers, raw: response.rawHeaders, response });
    });
    if (body && typeof body.pipe === "function") body.pipe(outgoing);
    else outgoing.end(body);
  });
}

/** Browsers find `*.localhost` on this machine; not every system's resolver does. */
function lookup(name, options, found) {
  if (!name.endsWith(".localhost")) return dns.lookup(name, options, found);
  const address = { address: "127.0.0.1", family: 4 };
  return options.all ? found(null, [address]) : found(null, address.address, address.family);
}

const agents = new Map();

function agent(protocol, ca) {
  const key = `${protocol}${ca ?? ""}`;
  const Agent = protocol === "https:" ? https.Agent : http.Agent;
  if (!agents.has(key)) agents.set(key, new Agent({ keepAlive: true, maxSockets: 256, ca, timeout: LIMIT, lookup }));
  return agents.get(key);
}
