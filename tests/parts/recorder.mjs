// A proxy before a stand-in of a provider: it writes down what was asked, and puts a test's answers in place of the
// stand-in's. Sockets may hang and drop the client, as with the hostile provider.
import http from "node:http";
import https from "node:https";
import { DROP, HANG, write } from "./hostile.mjs";
import { request } from "./http.mjs";
import { sleep } from "./process.mjs";

/**
 * Starts the proxy at an address of its own and resolves to it.
 *
 * - `target`: the stand-in's origin; `ca`: whom to trust for it
 * - `paths`: names of the endpoints, by path, as `calls` and `answers` use them; others are passed on unseen
 * - `tls`: `{ certificateChain, privateKey }` where it serves https
 * - `own`: by endpoint, `async (call, pass) => answer`: what the stand-in lacks, or gets wrong
 *
 * `calls.<endpoint>` is what was asked: `{ method, query, params, headers, text, at }`, `params` being the form's or the
 * JSON body's. `answers.<endpoint> = async (valid, call) => answer`, where `valid()` makes the usual answer: `{ status,
 * headers, json | body }`, or HANG, or DROP.
 */
export async function startRecorder({ target, ca, paths, tls, own = {}, port = 0 }) {
  const calls = Object.fromEntries(Object.values(paths).map((name) => [name, []]));
  const answers = {};
  const options = tls && { cert: tls.certificateChain, key: tls.privateKey };
  const server = (tls ? https : http).createServer(options ?? {}, (incoming, response) => {
    serve(incoming, response).catch((error) => write(response, { status: 502, body: `recorder: ${error.stack}` }));
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const origin = `${tls ? "https" : "http"}://127.0.0.1:${server.address().port}`;
  return { origin, calls, answers, close };

  async function serve(incoming, response) {
    const url = new URL(incoming.url, origin);
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const call = {
      method: incoming.method,
      path: url.pathname + url.search,
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers,
      text: body.toString(),
      at: Date.now(),
    };
    call.params = paramsOf(call);
    const endpoint = Object.entries(paths).find(([path]) => path === url.pathname || (path.endsWith("/") && url.pathname.startsWith(path)))?.[1];
    const pass = () => forward(call, body);
    const valid = () => (own[endpoint] ? own[endpoint](call, pass) : pass());
    if (endpoint) calls[endpoint].push(call);
    const answer = await (endpoint && answers[endpoint] ? answers[endpoint](valid, call) : valid());
    call.answer = answer;
    if (answer === HANG) return;
    if (answer === DROP) return void incoming.socket.destroy();
    write(response, answer);
  }

  /** The stand-in's answer; it sees the proxy's host as its own. */
  async function forward({ method, path, headers }, body) {
    const { connection, "transfer-encoding": _, ...rest } = headers;
    const answer = await request(`${target}${path}`, { method, headers: rest, body: body.length ? body : undefined, ca });
    const kept = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !HOP.has(name)));
    const isJson = /json/.test(answer.headers["content-type"] ?? "");
    return { status: answer.status, headers: kept, ...(isJson ? { json: answer.json() } : { body: answer.bytes }) };
  }

  function close() {
    return new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
}

/** For `own`: an endpoint that answers once a second at most, for tokens that differ by the second. */
export function oneASecond() {
  let last = 0;
  const second = () => Math.floor(Date.now() / 1000);
  return async (_, pass) => {
    while (second() === last) await sleep(50);
    last = second();
    return pass();
  };
}

const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"]);

function paramsOf({ headers, text }) {
  const type = headers["content-type"] ?? "";
  if (/json/.test(type)) return JSON.parse(text);
  return /form/.test(type) ? Object.fromEntries(new URLSearchParams(text)) : {};
}
