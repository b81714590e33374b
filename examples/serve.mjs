// What the examples' servers have in common: a port of their own on loopback, files, their look, and an end.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

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
