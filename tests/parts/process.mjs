// Processes that a test starts: they end with the test, and with the test process however that ends.
// Also free ports, folders that go away, and waiting for something to become true.
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** The root of the repository. */
export const ROOT = path.resolve(import.meta.dirname, "../..");
/** The tools of package.json. */
export const BIN = path.join(ROOT, "node_modules/.bin");

const running = new Set();
process.on("exit", () => running.forEach((child) => signal(child, "SIGKILL")));
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => process.exit(130));

/**
 * Starts a program. `child.output` collects what it prints, `child.gone` resolves when it has ended. With `group`
 * the program leads a process group, which ends with it; `user` is whose it is: `{ uid, gid }`.
 */
export function start(command, args, { env = {}, cwd = ROOT, group = false, user = {} } = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: group,
    ...user,
  });
  child.group = group;
  child.output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      child.output += text;
    });
  }
  child.gone = new Promise((resolve) => {
    child.once("close", resolve);
    child.once("error", (error) => {
      child.output += `${error}\n`;
      resolve();
    });
  });
  running.add(child);
  const guard = child.pid && watch(child);
  child.gone.then(() => {
    running.delete(child);
    guard?.kill("SIGKILL");
  });
  return child;
}

/** A shell that kills the child when this process ends in a way that runs no handlers: its standard input closes. */
function watch(child) {
  const target = child.group ? `-${child.pid}` : `${child.pid}`;
  const guard = spawn("sh", ["-c", `cat >/dev/null; kill -s KILL -- ${target} 2>/dev/null`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.stdin.on("error", () => {});
  guard.stdin.unref?.();
  guard.unref();
  return guard;
}

function signal(child, name) {
  try {
    if (child.group) process.kill(-child.pid, name);
    else child.kill(name);
  } catch {
    // it has ended already
  }
}

/** Ends a program: asks first, then kills. */
export async function stop(child) {
  if (!running.has(child)) return;
  signal(child, "SIGTERM");
  const killer = setTimeout(() => signal(child, "SIGKILL"), 3000);
  await child.gone;
  clearTimeout(killer);
}

/** Ends a program without giving it a chance to tidy up, as a crash or a power cut would. */
export async function kill9(child) {
  signal(child, "SIGKILL");
  await child.gone;
}

const handedOut = new Set();

/**
 * A loopback port that nothing listens on. Below those that systems give to whoever asks for any (Linux from 32768, others
 * from 49152), and at random: what is free here isn't taken before its program has started.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (handedOut.has(port)) continue;
    const free = await new Promise((resolve) => {
      const server = createServer().once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (!free) continue;
    handedOut.add(port);
    return port;
  }
}

const folders = new Set();
process.on("exit", () => folders.forEach(removeFolder));

/** A new folder that is removed when this process ends, if not before. */
export function temporaryFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), "edge-oauth-sessions-"));
  folders.add(folder);
  return folder;
}

/** Removes a folder and what is in it. */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Waits. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves to the first value of `look` that is not falsy; rejects when there is none within `ms`. */
export async function until(what, look, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await look();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(20);
  }
}
