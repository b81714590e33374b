// Runs an example that is a project of its own as its user would: `npm install` on the first start, `npm run build` where it has that,
// and `npm start` on a free port.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { routesOf } from "./serve.mjs";

const CLIENT = fileURLToPath(new URL("../packages/client", import.meta.url));
const SECONDS = 60;
/** Frameworks tell nobody that an example was started. */
const QUIET = { NEXT_TELEMETRY_DISABLED: "1" };
/** Where each example's wrangler.toml looks for it. */
const ADDRESS = "http://localhost:3000";

/** Starts the project in `folder`: `{ routes, close }`. */
export async function startProject(folder) {
  const { scripts } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  await buildClient();
  await install(folder);
  if (scripts.build) await npm(folder, ["run", "build"]);
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = start(folder, ["start"], { PORT: String(port), HOST: "127.0.0.1", NODE_ENV: "production" });
  for (const end = Date.now() + SECONDS * 1000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (child.exitCode !== null || Date.now() > end) {
      await child.stop();
      throw new Error(`npm start in ${folder} answers nothing:\n${child.output}`);
    }
    if (await fetch(origin).then(() => true, () => false)) break;
  }
  return { routes: await routesOf(folder, { [ADDRESS]: origin }), close: child.stop };
}

/** The packages of package.json, where they are not there yet. */
async function install(folder) {
  const installed = path.join(folder, "node_modules/.package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs > statSync(path.join(folder, "package.json")).mtimeMs) return;
  console.log(`installing the packages of examples/${path.basename(folder)}, which takes up to a minute`);
  await npm(folder, ["install", "--no-package-lock", "--no-audit", "--no-fund"]);
}

/** packages/client, which the examples' package.json name by its folder, where it is not built yet. */
export async function buildClient() {
  const [built, source] = [path.join(CLIENT, "dist/index.js"), path.join(CLIENT, "src/index.ts")];
  if (existsSync(built) && statSync(built).mtimeMs > statSync(source).mtimeMs) return;
  const { compile } = await import("../scripts/client.mjs");
  const fresh = path.join(CLIENT, `dist-${process.pid}`);
  compile(fresh);
  rmSync(path.join(CLIENT, "dist"), { recursive: true, force: true });
  try {
    renameSync(fresh, path.join(CLIENT, "dist"));
  } catch {
    rmSync(fresh, { recursive: true }); // another process was quicker
  }
}

/** Runs npm to its end. */
async function npm(folder, args) {
  const child = start(folder, args);
  await child.ended;
  if (child.exitCode !== 0) throw new Error(`npm ${args.join(" ")} failed in ${folder}:\n${child.output}`);
}

/** npm in a process group of its own, which ends when this process does. It runs under the Node that this runs under. */
function start(cwd, args, env = {}) {
  const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`;
  const child = spawn("npm", args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PATH, ...QUIET, ...env } });
  // However this process ends, the guard's standard input closes then.
  const guard = spawn("sh", ["-c", `cat >/dev/null; kill -s KILL -- -${child.pid} 2>/dev/null`], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  guard.unref();
  guard.stdin.unref();
  child.output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (child.output += text));
  child.on("error", (error) => (child.output += error.message));
  child.ended = new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  // Nothing has to be saved, and some servers wait half a minute for open connections.
  child.stop = () => {
    guard.stdin.end();
    return child.ended;
  };
  child.ended.then(() => guard.kill("SIGKILL"));
  return child;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
