// `make dev`: the gateway on workerd, a demo OpenID provider and a demo application, all on this machine, and the
// gateway's events in readable lines. Ctrl-C stops all of it.
//
//   PORT=8787      where the gateway listens
//   TOKEN_LIFE=30  seconds that an access token lives
//   EXAMPLE=spa    one of examples/ in place of the demo application
//   FRESH=1        forget the sessions and logins of the last time
//   PROVIDER=oidc  or auth0, workos: what stands in for these two is in auth0.mjs and workos.mjs
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startApplication } from "./application.mjs";
import { readable } from "./log-lines.mjs";
import { PROVIDERS } from "./providers.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** The Worker's folder. `make dev` gives one that compiles soon; the other one is what is deployed. */
const WORKER = join(ROOT, process.env.WORKER || ".");
const START_SECONDS = 300; // a first build in wrangler's own build step takes minutes
const colour = Boolean(process.stdout.isTTY) && !process.env.NO_COLOR;

/** What to undo at the end, last first. */
const started = [];
let stopping = null;

function stop(code, why) {
  stopping ??= (async () => {
    if (why) console.error(why);
    for (const undo of started.reverse()) await undo().catch((error) => console.error(error.message));
    process.exit(code);
  })();
  return stopping;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0, "\nstopping"));
process.on("uncaughtException", (error) => stop(1, `demo: ${error.stack}`));
process.on("unhandledRejection", (error) => stop(1, `demo: ${error?.stack ?? error}`));

const port = await numberOf("PORT", 8787, 1, 65535);
const seconds = await numberOf("TOKEN_LIFE", 30, 1, 86400);
const examples = readdirSync(join(ROOT, "examples")).filter((name) => existsSync(join(ROOT, "examples", name, "start.mjs")));
const start = await oneOf("PROVIDER", PROVIDERS, "oidc");
await oneOf("EXAMPLE", Object.fromEntries(examples.map((name) => [name, name])));
if (!(await isFree(port))) await stop(1, `port ${port} is taken: choose another one with make dev PORT=${port + 1}`);
// `make dev` looks at what it was given before it compiles anything.
if (process.argv.includes("--check")) process.exit(0);
const origin = `http://localhost:${port}`;
// An origin of its own, where no page of the application can read what is typed into the console. Browsers find
// *.localhost on this machine.
const adminOrigin = `http://admin.localhost:${port}`;
// In the checkout, where nobody tidies up while it runs; the port makes it this run's own. It survives a restart, sessions and
// logins included, where the provider remembers what it has issued.
const storage = join(ROOT, `.wrangler/demo-${port}-${process.env.PROVIDER || "oidc"}`);
const folder = join(storage, "provider");
const forget = () => rm(storage, { recursive: true, force: true });
if (process.env.FRESH || !start.remembers) await forget();
await mkdir(folder, { recursive: true });
if (!start.remembers) started.push(forget);
const kept = await settings(join(storage, "settings.json"));
const { adminToken } = kept;
const provider = await start({ origin, seconds, folder, port: kept.providerPort });
started.push(provider.close);
const application = await startBehind(process.env.EXAMPLE);
started.push(application.close);

console.log(`starting the gateway on port ${port}`);
startGateway({
  ...provider.variables,
  PUBLIC_ORIGIN: origin,
  ROUTES: JSON.stringify(application.routes),
  ADMIN_ORIGIN: adminOrigin,
  ADMIN_TOKEN: adminToken,
});
await untilHealthy();
console.log(`
  Open        ${origin}/
  Users       ${provider.users}
  Provider    ${provider.name}
  Console     ${adminOrigin}/auth/admin/ (token ${adminToken})
  Application ${application.routes.map(({ match, upstream }) => `${match} at ${upstream}`).join(", ")} (behind the gateway)
  Tokens      live ${seconds} s: use the page, and watch the alarm refresh them; idle sessions are not refreshed
  Ctrl-C      stops all of it
`);
watch();

/** What stays the same from one start to the next: the administrators' token, and where the provider listens. */
async function settings(file) {
  const known = existsSync(file) ? JSON.parse(await readFile(file, "utf8")) : {};
  const { adminToken = randomBytes(24).toString("base64url"), providerPort = await listen(0, "127.0.0.1") } = known;
  if (!(await isFree(providerPort))) await stop(1, `port ${providerPort} of the demo provider is taken: make dev FRESH=1 chooses another one`);
  await writeFile(file, JSON.stringify({ adminToken, providerPort }), { mode: 0o600 });
  return { adminToken, providerPort };
}

/** What is behind the gateway: the example of this name, or the demo application. */
async function startBehind(example) {
  if (!example) {
    const { origin, close } = await startApplication({ issuer: provider.issuer });
    return { routes: [{ match: "/*", upstream: origin }], close };
  }
  const { start } = await import(new URL(`../examples/${example}/start.mjs`, import.meta.url));
  return start();
}

/** wrangler in a process group of its own, so that workerd, its child's child, can be stopped with it. */
function startGateway(variables) {
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const args = ["dev", "--config", join(WORKER, "wrangler.toml"), "--port", port, "--ip", "127.0.0.1", "--inspector-port", "0", "--persist-to", storage];
  // As if nothing had been configured yet: with `routes` wrangler would give the gateway their host, and `.dev.vars`
  // is for running it before an application of one's own.
  args.push("--infer-origin-from-routes=false", "--env-file", "/dev/null", "--show-interactive-dev-session=false");
  for (const [name, value] of Object.entries(variables)) args.push("--var", `${name}:${value}`);
  const child = spawn(process.execPath, [wrangler, ...args.map(String)], {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1", ...provider.environment },
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const last = []; // what it said lately, for when it dies
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      last.push(line);
      if (last.length > 15) last.shift();
      const text = stopping ? null : readable(line, { colour });
      if (text) console.log(text);
    });
  }
  child.once("error", (error) => stop(1, `the gateway could not be started: ${error.message}`));
  child.once("exit", (code, signal) => {
    if (!stopping) stop(1, `${last.join("\n")}\nthe gateway stopped (${signal ?? `exit code ${code}`})`);
  });
  started.push(async () => {
    // The group even where wrangler itself has died: workerd may have outlived it.
    signalGroup(child.pid, "SIGTERM");
    const killTimer = setTimeout(() => signalGroup(child.pid, "SIGKILL"), 3000);
    await ended;
    clearTimeout(killTimer);
    signalGroup(child.pid, "SIGKILL");
  });
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // nobody is left in it
  }
}

/** Waits for the gateway's own word; a configuration that it refuses is shown as it says it. */
async function untilHealthy() {
  const deadline = Date.now() + START_SECONDS * 1000;
  for (;;) {
    const reply = await fetch(`${origin}/auth/healthz`, { signal: AbortSignal.timeout(5000) }).catch(() => null);
    if (reply?.ok) return;
    if (reply?.status === 500) return stop(1, `the gateway refuses its configuration:\n${await reply.text()}`);
    if (stopping) return stopping;
    if (Date.now() > deadline) return stop(1, `the gateway did not answer within ${START_SECONDS} s`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/**
 * Notices a gateway that is there but answers no more: where its workerd dies, wrangler starts another and goes on
 * waiting for the first. While a build runs or fails (there is no stamp then) wrangler holds requests on purpose.
 */
async function watch() {
  for (let missed = 0; missed < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const reply = await fetch(`${origin}/auth/healthz`, { signal: AbortSignal.timeout(4000) }).catch(() => null);
    missed = reply || !existsSync(join(WORKER, "build/.inputs")) ? 0 : missed + 1;
  }
  stop(1, "the gateway answers no more");
}

/** The whole number that the variable holds; says what it must be where it holds another thing. */
async function numberOf(name, otherwise, least, most) {
  const number = Number(process.env[name] || otherwise);
  if (!Number.isInteger(number) || number < least || number > most) {
    await stop(1, `${name} must be a whole number from ${least} to ${most}`);
  }
  return number;
}

/** What the variable names, of these; says which there are where it names none. */
async function oneOf(name, known, otherwise) {
  const wanted = process.env[name] || otherwise;
  if (wanted !== undefined && !Object.hasOwn(known, wanted)) await stop(1, `${name} must be one of: ${Object.keys(known).join(", ")}`);
  return known[wanted];
}

/** Whether the port is free on both loopback addresses, as browsers may try either. */
async function isFree(port) {
  return (await listen(port, "127.0.0.1")) !== null && (await listen(port, "::1")) !== null;
}

/** The port that could be listened on, or null where it is taken. A host without IPv6 counts as free. */
function listen(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code }) => resolve(code === "EADDRINUSE" || code === "EACCES" ? null : port));
    server.listen(port, host, () => {
      const { port: got } = server.address();
      server.close(() => resolve(got));
    });
  });
}
