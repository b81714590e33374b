// What the examples' servers have in common: a port of their own on loopback, files, their look, an end, and the routes of their
// wrangler.toml.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

const STYLE = new URL("style.css", import.meta.url);

/** Starts a server that answers by `answer(request, response)`, and has `/style.css`: `{ origin, server, close }`. */
export async function serve(answer) {
  const server = createServer((request, response) => {
    const answered = request.url === "/style.css" ? file(response, STYLE, "text/css") : answer(request, response);
    Promise.resolve(answered).catch((error) => {
      console.error("example:", error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Answers with a file. */
export async function file(response, url, type) {
  response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(await readFile(url));
}

export const json = (response, status, value) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

/** Text for HTML. */
export const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** The folder of the module with this address. */
export const folderOf = (url) => path.dirname(fileURLToPath(url));

/** The ROUTES of the wrangler.toml in `folder`, with each upstream where it is now: `{ "http://localhost:3000": origin }`. */
export async function routesOf(folder, upstreams) {
  const { unstable_readConfig } = await import("wrangler");
  const { vars } = unstable_readConfig({ config: path.join(folder, "wrangler.toml") }, { hideWarnings: true });
  return vars.ROUTES.map((route) => {
    const upstream = upstreams[route.upstream];
    if (!upstream) throw new Error(`nothing is at ${route.upstream}`);
    return { ...route, upstream };
  });
}
