// What the Worker weighs and how fast it starts: `make bench-size`, and first in `make bench`. Size is what counts against Cloudflare's limits
// (gzipped, all modules together); start-up is the time from starting workerd on the bundle to the first 200.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";

const ROOT = path.resolve(import.meta.dirname, "..");
const BUNDLE = path.join(ROOT, "build/bundle");
const ROUNDS = 5;
const KINDS = { ".js": "esModule", ".wasm": "wasm" };

const modules = readdirSync(BUNDLE).filter((name) => KINDS[path.extname(name)]);
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`.padStart(12);

console.log(`${"module".padEnd(24)}${"raw".padStart(12)}${"gzip -9".padStart(12)}`);
const total = { raw: 0, gzip: 0 };
for (const name of modules) {
  const content = readFileSync(path.join(BUNDLE, name));
  const gzip = gzipSync(content, { level: 9 }).length;
  total.raw += content.length;
  total.gzip += gzip;
  console.log(name.replace(/^[0-9a-f]{40}-/, "").padEnd(24) + kib(content.length) + kib(gzip));
}
console.log("total".padEnd(24) + kib(total.raw) + kib(total.gzip));

const times = [];
for (let round = 0; round < ROUNDS; round++) times.push(await startUp());
times.sort((a, b) => a - b);
const [first, last] = [times[0], times[ROUNDS - 1]].map(Math.round);
console.log(`start-up: ${Math.round(times[ROUNDS >> 1])} ms to the first 200 (${first}..${last}, ${ROUNDS} rounds)`);

/** Milliseconds from starting workerd until the gateway says that its configuration is fine. */
async function startUp() {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), "bench-"));
  writeFileSync(path.join(folder, "config.capnp"), configuration(port));
  const began = performance.now();
  const workerd = spawn(path.join(ROOT, "node_modules/.bin/workerd"), ["serve", path.join(folder, "config.capnp"), "-I/", "--experimental"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  workerd.stderr.on("data", (chunk) => (said += chunk));
  const gone = new Promise((resolve) => workerd.once("close", resolve));
  try {
    while (performance.now() - began < 30_000 && workerd.exitCode === null) {
      const reply = await fetch(`http://127.0.0.1:${port}/auth/healthz`).catch(() => null);
      if (reply?.ok) return performance.now() - began;
      if (reply) throw new Error(`the gateway answered ${reply.status}: ${await reply.text()}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    throw new Error(`workerd did not start: ${said}`);
  } finally {
    workerd.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true });
  }
}

function configuration(port) {
  const settings = readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
  const date = /^compatibility_date = "(.+)"/m.exec(settings)[1];
  const variables = { OIDC_ISSUER: "http://127.0.0.1:1", OIDC_CLIENT_ID: "bench", OIDC_CLIENT_SECRET: "bench", UPSTREAM: "http://127.0.0.1:1" };
  const bindings = Object.entries(variables).map(([name, value]) => `(name = "${name}", text = "${value}")`);
  const actors = [...settings.matchAll(/name = "(\w+)"\s+class_name = "(\w+)"/g)];
  for (const [, name, className] of actors) bindings.push(`(name = "${name}", durableObjectNamespace = "${className}")`);
  const classes = actors.map(([, , name]) => `(className = "${name}", uniqueKey = "bench-${name}", enableSql = true)`);
  // The entry comes first: workerd takes the first module for the main one.
  const ordered = modules.toSorted((a, b) => (b === "entry.js") - (a === "entry.js"));
  const parts = ordered.map((name) => `(name = "${name}", ${KINDS[path.extname(name)]} = embed "${path.join(BUNDLE, name)}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "gateway", worker = .gateway) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "gateway") ]
);
const gateway :Workerd.Worker = (
  modules = [ ${parts.join(", ")} ],
  compatibilityDate = "${date}",
  bindings = [ ${bindings.join(", ")} ],
  durableObjectNamespaces = [ ${classes.join(", ")} ],
  durableObjectStorage = (inMemory = void)
);
`;
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
