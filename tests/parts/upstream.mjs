// The application behind the gateway: it answers with what it was sent, byte for byte, or as a test tells it to.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { sleep } from "./process.mjs";

/**
 * Starts the application and resolves to `{ origin, requests, answer, close }`.
 *
 * - `requests`: what has arrived, oldest first
 * - `answer(path, reply)`: from now on `path` is answered by `reply(request, response, seen)`
 *
 * Without one every path answers JSON: `{ method, url, headers, length, sha256 }`, `headers` being the flat list of
 * names and values in the spelling and order in which they came.
 */
export async function startUpstream() {
  const replies = new Map([
    ["/stream", stream],
    ["/events", events],
  ]);
  const requests = [];
  const server = createServer(async (request, response) => {
    const seen = { method: request.method, url: request.url, headers: request.rawHeaders };
    requests.push(seen);
    const reply = replies.get(request.url.split("?")[0]);
    if (reply) return reply(request, response, seen);
    await receive(request, seen).catch(() => {});
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(seen));
  });
  server.keepAliveTimeout = 60_000;
  // This includes connections that became WebSockets, which the server no longer counts.
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    port: server.address().port,
    requests,
    server,
    answer: (path, reply) => replies.set(path, reply),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Reads the body into `seen`: its length and SHA-256, and when its pieces came. */
export async function receive(request, seen) {
  const hash = createHash("sha256");
  Object.assign(seen, { length: 0, pieces: [] });
  for await (const chunk of request) {
    seen.length += chunk.length;
    seen.pieces.push(Date.now());
    hash.update(chunk);
  }
  seen.sha256 = hash.digest("hex");
}

/** Three pieces, 150 ms apart. */
async function stream(_, response) {
  response.writeHead(200, { "content-type": "text/plain" });
  for (const piece of ["one\n", "two\n", "three\n"]) {
    response.write(piece);
    await sleep(150);
  }
  response.end();
}

/** Server-sent events, one every 100 ms, for as long as anybody listens. */
function events(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let number = 0;
  const timer = setInterval(() => response.write(`data: ${++number}\n\n`), 100);
  request.on("close", () => clearInterval(timer));
}

/** The values of a header in a flat list of names and values. */
export const valuesOf = (headers, name) =>
  headers.filter((_, at) => at % 2 === 1 && headers[at - 1].toLowerCase() === name.toLowerCase());

/** The names in a flat list of names and values, in lower case. */
export const namesOf = (headers) => headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
