// The product under test: plain workerd on the bundle that would be deployed, with a generated configuration and
// storage that survives a restart.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const ROOT = path.join(import.meta.dirname, "../..");
const WORKERD = path.join(ROOT, "node_modules/.bin/workerd");
const quote = JSON.stringify;
const KINDS = { ".js": "esModule", ".mjs": "esModule", ".wasm": "wasm" };

// Nothing that a test starts outlives it.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Compatibility date and SQLite classes, as wrangler.toml has them. */
async function deployment() {
  const { unstable_readConfig } = await import("wrangler");
  const config = unstable_readConfig({ config: path.join(ROOT, "wrangler.toml") }, { hideWarnings: true });
  return { date: config.compatibility_date, flags: config.compatibility_flags ?? [], objects: config.durable_objects.bindings };
}

/**
 * Starts the gateway.
 *
 * - `vars`: variables beside those that every gateway needs
 * - `bundle`: the folder of the bundle
 * - `tls`: `{ key, cert }` in PEM: an https socket
 * - `main`: the text of a module to run in place of the bundle's own main module, `entry.js`
 */
export async function startGateway({ port, provider, upstream, vars = {}, bundle = path.join(ROOT, "build/bundle"), tls, main }) {
  if (!existsSync(path.join(bundle, "entry.js"))) throw new Error(`${bundle} holds no bundle: run \`make test\``);
  const folder = mkdtempSync(path.join(tmpdir(), "gateway-"));
  const storage = mkdtempSync(path.join(tmpdir(), "gateway-storage-"));
  port ??= await freePort();
  const askPort = await freePort();
  const origin = `${tls ? "https" : "http"}://${tls ? "localhost" : "127.0.0.1"}:${port}`;
  const variables = {
    OIDC_ISSUER: provider?.issuer,
    OIDC_CLIENT_ID: provider?.clientId,
    OIDC_CLIENT_SECRET: provider?.clientSecret,
    UPSTREAM: upstream?.origin,
    PUBLIC_ORIGIN: origin,
    ADMIN_TOKEN: "an-administrators-token-of-the-tests",
    ...vars,
  };
  for (const file of readdirSync(bundle)) if (KINDS[path.extname(file)]) symlinkSync(path.join(bundle, file), path.join(folder, file));
  if (main) writeFileSync(path.join(folder, "main.mjs"), main);
  if (tls) {
    writeFileSync(path.join(folder, "key.pem"), tls.key);
    writeFileSync(path.join(folder, "cert.pem"), tls.cert);
  }
  writeFileSync(path.join(folder, "ask.mjs"), ASK);
  writeFileSync(path.join(folder, "workerd.capnp"), capnp({ folder, storage, port, askPort, variables, tls, main, ...(await deployment()) }));

  const gateway = { origin, port, folder, lines: [], output: "" };
  gateway.url = (to) => new URL(to, origin).href;
  /** The log lines of the actors, as objects. */
  gateway.events = (name) => gateway.lines.filter(({ event }) => !name || event === name);
  gateway.start = async () => {
    const child = spawn(WORKERD, ["serve", "--experimental", path.join(folder, "workerd.capnp")], { stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    gateway.child = child;
    let rest = "";
    const read = (chunk) => {
      gateway.output += chunk;
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.startsWith('{"event"')) gateway.lines.push(JSON.parse(line));
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", (chunk) => (gateway.output += chunk));
    child.once("exit", () => running.delete(child));
    await listening(port, child, gateway);
  };
  gateway.end = async (signal) => {
    const { child } = gateway;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  /** As a crash or a power cut would: nothing is finished, nothing is said. */
  gateway.kill = () => gateway.end("SIGKILL");
  gateway.restart = async () => {
    await gateway.kill();
    await gateway.start();
  };
  gateway.stop = async () => {
    await gateway.kill();
    rmSync(folder, { recursive: true, force: true });
    rmSync(storage, { recursive: true, force: true });
  };
  /** Sends bytes to a session actor, as a deployment of another version could; a new actor without an id. */
  gateway.ask = async (bytes, id = "") => {
    const response = await fetch(`http://127.0.0.1:${askPort}/${id}`, { method: "POST", body: new Uint8Array(bytes), signal: AbortSignal.timeout(20_000) });
    if (!response.ok) throw new Error(await response.text());
    return new Uint8Array(await response.arrayBuffer());
  };
  await gateway.start();
  return gateway;
}

// Another Worker beside the gateway: it hands bytes to an actor and gives the reply back.
const ASK = `export default { async fetch(request, env) {
  const id = new URL(request.url).pathname.slice(1);
  const actor = env.SESSIONS.get(id ? env.SESSIONS.idFromString(id) : env.SESSIONS.newUniqueId());
  try { return new Response(await actor.ask(new Uint8Array(await request.arrayBuffer()))); }
  catch (error) { return new Response(String(error), { status: 500 }); }
} };`;

function capnp({ folder, storage, port, askPort, variables, tls, main, date, flags, objects }) {
  const modules = readdirSync(folder).filter((file) => KINDS[path.extname(file)] && file !== "main.mjs" && file !== "ask.mjs");
  const ordered = [main ? "main.mjs" : "entry.js", ...modules.filter((file) => main || file !== "entry.js")];
  const list = (items) => `[${items.join(", ")}]`;
  const bindings = [
    ...Object.entries(variables).filter(([, value]) => value !== undefined).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(String(value))})`),
    ...objects.map(({ name, class_name }) => `(name = ${quote(name)}, durableObjectNamespace = ${quote(class_name)})`),
  ];
  const http = `cfBlobHeader = "MF-CF-Blob"`;
  const socket = tls
    ? `https = (options = (${http}), tlsOptions = (keypair = (privateKey = embed "key.pem", certificateChain = embed "cert.pem")))`
    : `http = (${http})`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "ask", worker = .ask),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    (name = "storage", disk = (path = ${quote(storage)}, writable = true)) ],
  sockets = [
    (name = "gateway", address = "127.0.0.1:${port}", service = "main", ${socket}),
    (name = "ask", address = "127.0.0.1:${askPort}", service = "ask", http = ()) ] );
const main :Workerd.Worker = (
  compatibilityDate = ${quote(date)}, compatibilityFlags = ${list(flags.map(quote))},
  modules = ${list(ordered.map((file) => `(name = ${quote(file)}, ${KINDS[path.extname(file)]} = embed ${quote(file)})`))},
  bindings = ${list(bindings)},
  durableObjectNamespaces = ${list(objects.map(({ class_name }) => `(className = ${quote(class_name)}, uniqueKey = ${quote(class_name)}, enableSql = true)`))},
  durableObjectStorage = (localDisk = "storage") );
const ask :Workerd.Worker = (
  compatibilityDate = ${quote(date)},
  modules = [(name = "ask.mjs", esModule = embed "ask.mjs")],
  bindings = [(name = "SESSIONS", durableObjectNamespace = (className = "SessionActor", serviceName = "main"))] );
`;
}

async function listening(port, child, gateway) {
  const { connect } = await import("node:net");
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`workerd did not start:\n${gateway.output}`);
    const open = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.end());
    });
    if (open) return;
    await sleep(25);
  }
  throw new Error(`workerd does not listen:\n${gateway.output}`);
}
