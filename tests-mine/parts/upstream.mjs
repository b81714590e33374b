// The application behind the gateway: it answers with what it was asked, or as a test scripts it.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

export async function startUpstream() {
  const upstream = { requests: [], script: undefined };
  const server = createServer(async (request, response) => {
    const chunks = [];
    const headers = Object.fromEntries(pairs(request.rawHeaders).map(([name, value]) => [name.toLowerCase(), value]));
    const seen = { method: request.method, url: request.url, headers, raw: pairs(request.rawHeaders) };
    upstream.requests.push(seen);
    if (upstream.script && (await upstream.script(request, response)) !== false) return;
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    seen.body = { length: body.length, sha256: createHash("sha256").update(body).digest("hex") };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(seen));
  });
  const upgraded = new Set();
  server.on("upgrade", (request, socket) => {
    upgraded.add(socket);
    upstream.upgrade(request, socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  upstream.origin = `http://127.0.0.1:${server.address().port}`;
  upstream.stop = async () => {
    server.closeAllConnections();
    upgraded.forEach((socket) => socket.destroy());
    await new Promise((resolve) => server.close(resolve));
  };
  return upstream;
}

function pairs(raw) {
  return raw.flatMap((_, at) => (at % 2 ? [] : [[raw[at], raw[at + 1]]]));
}
