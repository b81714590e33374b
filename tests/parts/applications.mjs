// Real applications to put behind the gateway, as `scripts/install.sh applications` installs them, on loopback ports.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import path from "node:path";
import { WebSocketServer } from "ws";
import { request } from "./http.mjs";
import { freePort, start, stop, until } from "./process.mjs";

const HERE = path.join(import.meta.dirname, "applications");

/** The folder of what these files describe. */
function installed(kind, files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(path.join(HERE, file)));
  const wanted = hash.digest("hex").slice(0, 12);
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  const folder = path.join(cache, "edge-oauth-sessions", `${kind}-${wanted}`);
  if (!existsSync(path.join(folder, "complete"))) throw new Error(`${kind} is missing: run scripts/install.sh applications`);
  return folder;
}

/** The folder with the applications that Node runs. */
function node() {
  const entries = readdirSync(path.join(HERE, "node"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.relative(HERE, path.join(entry.parentPath, entry.name)));
  return installed("applications", files.sort());
}

/** A program that serves `path` at this port, once it does. */
async function serving(name, port, target, command, args, options) {
  const child = start(command, args, options);
  const origin = `http://127.0.0.1:${port}`;
  let over = false;
  child.gone.then(() => {
    over = true;
  });
  await until(`${name} answers`, () => {
    if (over) throw new Error(`${name} ended:\n${child.output.slice(-4000)}`);
    return request(`${origin}${target}`).catch(() => undefined);
  }, 30_000);
  return { origin, close: () => stop(child) };
}

const listening = async (server) => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
};

/** Django with these settings beside its own. */
export async function startDjango(settings = {}) {
  const port = await freePort();
  const python = path.join(installed("django", ["django.txt"]), "bin/python");
  return serving("Django", port, "/form", python, [path.join(HERE, "django-server.py"), String(port), JSON.stringify(settings)]);
}

/** SvelteKit on adapter-node: a page with a form. `env(origin)` is what it is told beside its own `origin`. */
export async function startSvelteKit(env = () => ({})) {
  const port = await freePort();
  const options = { cwd: path.join(node(), "sveltekit"), env: { HOST: "127.0.0.1", PORT: String(port), ...env(`http://127.0.0.1:${port}`) } };
  return serving("SvelteKit", port, "/", process.execPath, ["build"], options);
}

/** Next.js: a page with a form that a Server Action takes. */
export async function startNextJs() {
  const port = await freePort();
  const folder = node();
  const next = path.join(folder, "node_modules/next/dist/bin/next");
  const args = [next, "start", "--hostname", "127.0.0.1", "--port", String(port)];
  return serving("Next.js", port, "/", process.execPath, args, { cwd: path.join(folder, "nextjs"), env: { NEXT_TELEMETRY_DISABLED: "1" } });
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
  const require = createRequire(path.join(node(), "package.json"));
  const express = require("express");
  const application = express();
  if (trustProxy !== undefined) application.set("trust proxy", trustProxy);
  application.use((request, response) => {
    const { protocol, host, hostname, secure, ip } = request;
    response.json({ protocol, host, hostname, secure, ip });
  });
  return listening(createServer(application));
}
