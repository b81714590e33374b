// A project that has the gateway from its npm package, and a PATH without Rust and make.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Browser } from "./browser.mjs";
import { request } from "./http.mjs";
import { BIN, freePort, ROOT, start, stop, until } from "./process.mjs";
import { startProvider } from "./provider.mjs";
import { startUpstream } from "./upstream.mjs";

const { version } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
/** What `make package` makes. */
export const TARBALL = path.join(ROOT, `build/edge-oauth-sessions-${version}.tgz`);
const MINUTES = 60_000;

/** What a test has to undo at its end, last first. */
export function undoing(t) {
  const undone = [];
  t.after(async () => {
    for (const undo of undone.reverse()) await undo();
  });
  return (undo) => undone.push(undo);
}

/** The environment of somebody who has Node and nothing else. */
export function nodeAlone(folder) {
  const bin = path.join(folder, "bin");
  mkdirSync(bin);
  const node = path.join(ROOT, "node_modules/node/bin/node");
  symlinkSync(node, path.join(bin, "node"));
  for (const name of ["sh", "env", "tar", "uname"]) {
    const file = ["/bin", "/usr/bin"].map((place) => path.join(place, name)).find(existsSync);
    symlinkSync(file, path.join(bin, name));
  }
  for (const name of ["npm", "npx"]) {
    const file = process.env.PATH.split(":").filter((place) => place !== BIN).map((place) => path.join(place, name)).find(existsSync);
    symlinkSync(file, path.join(bin, name));
  }
  for (const name of ["cargo", "make"]) assert.ok(!existsSync(path.join(bin, name)));
  return { PATH: bin, CI: "1", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
}

/** Unpacks the tarball where npm would put it, into a project in `folder` that has the repository's wrangler. */
export async function unpack(folder) {
  const modules = path.join(folder, "node_modules");
  mkdirSync(path.join(modules, ".bin"), { recursive: true });
  await run("tar", ["xzf", TARBALL, "-C", modules], { cwd: folder, env: {} });
  renameSync(path.join(modules, "package"), path.join(modules, "edge-oauth-sessions"));
  // npm makes what it links into .bin executable.
  chmodSync(path.join(modules, "edge-oauth-sessions/bin/edge-oauth-sessions.mjs"), 0o755);
  symlinkSync("../edge-oauth-sessions/bin/edge-oauth-sessions.mjs", path.join(modules, ".bin/edge-oauth-sessions"));
  symlinkSync(path.join(ROOT, "node_modules/wrangler"), path.join(modules, "wrangler"));
  symlinkSync("../wrangler/bin/wrangler.js", path.join(modules, ".bin/wrangler"));
  return path.join(modules, "edge-oauth-sessions/bin/edge-oauth-sessions.mjs");
}

/** Runs a command to its end, which is to be a good one, and tells what it printed. */
export async function run(command, args, { cwd, env, code = 0 }) {
  const child = start(command, args, { cwd, env });
  await child.gone;
  assert.equal(child.exitCode, code, `${command} ${args.join(" ")}:\n${child.output}`);
  return child.output;
}

/** Runs `npx wrangler dev` in the project in `cwd`, in front of a demo application, and resolves once it is healthy. */
export async function develop(atEnd, { cwd, env, init }) {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const [provider, upstream] = await Promise.all([startProvider(), startUpstream()]);
  atEnd(() => Promise.all([provider.close(), upstream.close()]));
  provider.allow(origin);
  await init({ issuer: provider.issuer, clientId: provider.clientId, upstream: upstream.origin });
  const secrets = readFileSync(path.join(cwd, ".dev.vars.example"), "utf8")
    .replace('OIDC_CLIENT_SECRET=""', `OIDC_CLIENT_SECRET="${provider.clientSecret}"`)
    .replaceAll("http://localhost:8787", origin);
  writeFileSync(path.join(cwd, ".dev.vars"), secrets);
  // A port that nobody else has.
  const configuration = path.join(cwd, "wrangler.toml");
  writeFileSync(configuration, readFileSync(configuration, "utf8").replaceAll("8787", String(port)));
  const place = ["--inspector-port", String(await freePort())];
  const child = start(path.join(env.PATH.split(":")[0], "npx"), ["wrangler", "dev", ...place], { cwd, env, group: true });
  atEnd(() => stop(child));
  let over = false;
  child.gone.then(() => (over = true));
  const health = await until(
    "wrangler dev answers",
    async () => {
      assert.ok(!over, `wrangler dev ended:\n${child.output}`);
      return request(`${origin}/auth/healthz`, { limit: 5000 }).catch(() => undefined);
    },
    2 * MINUTES,
  );
  assert.equal(health.status, 200, health.text);
  return { origin, provider, child, browser: new Browser({ origin, cookie: { session: "edge-session" } }) };
}
