// `edge-oauth-sessions serve`: the gateway on plain workerd, on one machine, without Cloudflare. `health` asks whether it is well.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, parseEnv } from "node:util";
import { UsageError } from "./options.mjs";
import { NAMES } from "./variables.mjs";
import { configuration } from "./workerd.mjs";

const WORKER = fileURLToPath(new URL("../worker", import.meta.url));
const MAIN = "entry.mjs";
/** What Cloudflare alone has. */
const BINDINGS = ["SESSIONS", "DIRECTORY", "SESSION_KV", "SESSION_DB", "LOGIN_LIMIT", "METRICS"];

const familyOf = (name) => name.split("_", 1)[0];
/** What the names of variables begin with. */
const FAMILIES = new Set(NAMES.map(familyOf));

const FLAGS = {
  host: { type: "string", default: "127.0.0.1" },
  port: { type: "string", default: "8787" },
  storage: { type: "string", default: "edge-oauth-sessions-data" },
  variables: { type: "string" },
  "behind-proxy": { type: "boolean", default: false },
};

function parse(args) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: FLAGS, allowPositionals: false }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new UsageError("--port must be a whole number from 1 to 65535");
  const file = values.variables;
  let given = {};
  if (file !== undefined) {
    try {
      given = parseEnv(readFileSync(file, "utf8"));
    } catch (error) {
      throw new UsageError(`--variables ${file} cannot be read: ${error.code}`);
    }
  }
  // The file is for the gateway alone. Of the environment it gets what looks like its own, so that it can name a slip.
  const ours = Object.entries(process.env).filter(([name]) => FAMILIES.has(familyOf(name)));
  const variables = Object.fromEntries([...ours, ...Object.entries(given)].filter(([name]) => !BINDINGS.includes(name)));
  return { ...values, port, behindProxy: values["behind-proxy"], variables };
}

/** The program, which wrangler brings. */
function workerd() {
  const wrangler = createRequire(createRequire(import.meta.url).resolve("wrangler/package.json"));
  return join(dirname(wrangler.resolve("workerd/package.json")), "bin/workerd");
}

/** The Worker's modules, the main one first. */
function modules() {
  const others = readdirSync(WORKER).filter((name) => name.endsWith(".mjs") && name !== MAIN);
  return [MAIN, ...others, ...readdirSync(join(WORKER, "build")).map((name) => `build/${name}`)];
}

/** Whether another program listens there. Anything else that is wrong with the address workerd names. */
function isTaken({ host, port }) {
  const server = createServer();
  return new Promise((done) => {
    server.once("error", ({ code }) => done(code === "EADDRINUSE"));
    server.listen({ port, host: host === "*" ? undefined : host }, () => server.close(() => done(false)));
  });
}

/** Runs until it is stopped. */
export async function serve(args) {
  const options = parse(args);
  if (await isTaken(options)) {
    console.error(`error: port ${options.port} is taken: choose another one with --port`);
    process.exitCode = 1;
    return;
  }
  const storage = resolve(options.storage);
  mkdirSync(storage, { recursive: true, mode: 0o700 });
  // It holds secrets: nobody else reads it, and it goes as soon as workerd has ended.
  const folder = mkdtempSync(join(tmpdir(), "edge-oauth-sessions-"));
  const file = join(folder, "config.capnp");
  writeFileSync(file, configuration({ ...options, storage, modules: modules() }), { mode: 0o600 });
  const child = spawn(workerd(), ["serve", "--experimental", `--import-path=${WORKER}`, file], { stdio: "inherit" });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill("SIGTERM"));
  child.once("error", (error) => {
    remove();
    console.error(`error: workerd could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.once("exit", (code, signal) => {
    remove();
    process.exitCode = signal === "SIGTERM" ? 0 : (code ?? 1);
  });
  tell(options, storage, child);
}

/** Says once it answers where it listens, and what is wrong with its configuration. */
async function tell(options, storage, child) {
  for (;;) {
    // workerd ends at once where it cannot listen.
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (child.exitCode !== null || child.signalCode !== null) return;
    const { status, text } = await healthOf(options);
    if (status !== 0) {
      console.log(`listening on ${options.host}:${options.port}, sessions in ${storage}`);
      if (status !== 200) console.error(problemsIn(text));
      return;
    }
  }
}

/** The problems of a configuration, one a line; any other answer as it is. */
function problemsIn(text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    return text;
  }
  if (!Array.isArray(answer?.problems)) return text;
  const lines = answer.problems.map(({ variable, message }) => `${variable} ${message}`);
  const hint = "serve does not read wrangler.toml; put the variables into a file and use --variables FILE.";
  return ["The configuration is invalid. Every request gets an error until you mend it and restart serve.", ...lines, hint].join("\n");
}

/** Says what is wrong with a gateway that serves with the same options, if anything is. */
export async function health(args) {
  const { status, text } = await healthOf(parse(args));
  console.log(text);
  process.exitCode = status === 200 ? 0 : 1;
}

/** What the gateway of these options says of itself; the status is 0 where it does not answer. */
async function healthOf({ host, port, behindProxy, variables }) {
  const origin = (variables.PUBLIC_ORIGIN ?? "").split(",")[0].trim();
  // Another one than an origin is a problem that the gateway itself names.
  const { host: name, protocol } = new URL(URL.canParse(origin) && origin.includes("://") ? origin : `http://${host}:${port}`);
  const headers = { host: name, ...(behindProxy ? { "x-forwarded-proto": protocol.slice(0, -1) } : {}) };
  const path = `${variables.AUTH_PREFIX || "/auth"}/healthz`;
  const at = host === "0.0.0.0" || host === "*" ? "127.0.0.1" : host;
  const answer = await new Promise((done, failed) => {
    const asked = request({ host: at, port, path, headers, timeout: 5000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => done({ status: response.statusCode, text, location: response.headers.location }));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer within 5 s"))).on("error", failed).end();
  }).catch((error) => ({ status: 0, text: `there is no answer at ${at}:${port}: ${error.message}` }));
  const { status, location } = answer;
  if (status !== 308) return answer;
  return { status, text: `the gateway answers ${status} to ${location}: a proxy in front has to end TLS. Start it, and ask for its health, with --behind-proxy` };
}
