// What an operator does with the Worker: deploy it, and run it with plain wrangler.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Browser } from "./parts/browser.mjs";
import { ROOT, freePort } from "./parts/gateway.mjs";
import { startProvider } from "./parts/provider.mjs";
import { startUpstream } from "./parts/upstream.mjs";
import { until } from "./parts/world.mjs";

const WRANGLER = path.join(ROOT, "node_modules/.bin/wrangler");
const folder = (t) => {
  const made = mkdtempSync(path.join(tmpdir(), "deploy-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
};

test("wrangler deploy --dry-run bundles offline, below 1 MB gzipped", (t) => {
  const out = folder(t);
  execFileSync(WRANGLER, ["deploy", "--dry-run", "--outdir", out], { cwd: ROOT, stdio: "pipe", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } });
  const files = readdirSync(out).filter((file) => /\.(js|wasm)$/.test(file));
  assert.ok(files.includes("entry.js"));
  const size = files.reduce((sum, file) => sum + gzipSync(readFileSync(path.join(out, file))).length, 0);
  assert.ok(size < 1_000_000, `${size} bytes`);
});

test("plain wrangler dev serves a login", async (t) => {
  const port = await freePort();
  const provider = await startProvider({ redirectUris: [`http://127.0.0.1:${port}/auth/callback`] });
  const upstream = await startUpstream();
  const vars = { OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: provider.clientId, UPSTREAM: upstream.origin, PUBLIC_ORIGIN: `http://127.0.0.1:${port}` };
  // wrangler reads a variable up to its first colon, so that a secret with one is given as it is.
  const given = Object.entries({ ...vars, OIDC_CLIENT_SECRET: provider.clientSecret }).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const child = spawn(WRANGLER, ["dev", "--port", `${port}`, "--ip", "127.0.0.1", "--persist-to", folder(t), ...given], {
    cwd: ROOT, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  t.after(async () => {
    // The whole group: wrangler has children of its own.
    process.kill(-child.pid, "SIGKILL");
    await once(child, "exit");
    await Promise.all([provider.stop(), upstream.stop()]);
  });
  await until("wrangler dev", () => output.includes("Ready on"), 90);
  const ada = new Browser({ origin: `http://127.0.0.1:${port}`, get output() { return output; } });
  await ada.login();
  assert.equal((await ada.call("/x")).status, 200);
  await until("a log line", () => output.includes('"event":"complete"'));
});
