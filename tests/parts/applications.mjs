// Real applications to put behind the gateway, as `scripts/install.sh applications` installs them, on loopback ports.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import path from "node:path";
import { WebSocketServer } from "ws";
import { request } from "./http.mjs";
import { freePort, start, stop, until } from "./process.mjs";

const HERE = path.join(import.meta.dirname, "applications");

/** The folder of what this list names. */
function installed(kind, list) {
  const wanted = createHash("sha256").update(readFileSync(path.join(HERE, list))).digest("hex").slice(0, 12);
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  const folder = path.join(cache, "edge-oauth-sessions", `${kind}-${wanted}`);
  if (!existsSync(path.join(folder, "complete"))) throw new Error(`${kind} is missing: run scripts/install.sh applications`);
  return folder;
}

const listening = async (server) => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
};

/** Django with these settings beside its own. */
export async function startDjango(settings = {}) {
  const port = await freePort();
  const python = path.join(installed("django", "django.txt"), "bin/python");
  const child = start(python, [path.join(HERE, "django-server.py"), String(port), JSON.stringify(settings)]);
  const origin = `http://127.0.0.1:${port}`;
  let over = false;
  child.gone.then(() => {
    over = true;
  });
  await until("Django answers", () => {
    if (over) throw new Error(`Django ended:\n${child.output.slice(-4000)}`);
    return request(`${origin}/form`).catch(() => undefined);
  }, 30_000);
  return { origin, close: () => stop(child) };
}

/**
 * A Node server with `ws` that echoes, and lets a handshake in as gorilla/websocket does by default, and Grafana: where the host of its
 * Origin is its Host. `trusts`: a host that it lets in as well.
 */
export async function startWs({ trusts } = {}) {
  const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>ws</h1>"));
  const verifyClient = ({ origin, req }) => [req.headers.host, trusts].includes(new URL(origin).host);
  const sockets = new WebSocketServer({ server, verifyClient });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
  return listening(server);
}

/** Express: what it takes for its own address, and the client's. */
export async function startExpress({ trustProxy }) {
  const require = createRequire(path.join(installed("applications", "package.json"), "package.json"));
  const express = require("express");
  const application = express();
  if (trustProxy !== undefined) application.set("trust proxy", trustProxy);
  application.use((request, response) => {
    const { protocol, host, hostname, secure, ip } = request;
    response.json({ protocol, host, hostname, secure, ip });
  });
  return listening(createServer(application));
}
