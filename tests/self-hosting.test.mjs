// The gateway without Cloudflare: `serve` of the npm package, on plain workerd.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { Browser } from "./parts/browser.mjs";
import { request } from "./parts/http.mjs";
import { nodeAlone, run, undoing, unpack } from "./parts/package.mjs";
import { freePort, removeFolder, start, stop, temporaryFolder, until } from "./parts/process.mjs";
import { startProvider } from "./parts/provider.mjs";
import { startUpstream } from "./parts/upstream.mjs";

/** A gateway that is served from the package, in front of a demo application. */
async function served(t, { flags = [], vars = {} } = {}) {
  const [folder, atEnd] = [temporaryFolder(), undoing(t)];
  atEnd(() => removeFolder(folder));
  const [cwd, temporary] = ["project", "tmp"].map((name) => path.join(folder, name));
  for (const name of [cwd, temporary]) mkdirSync(name);
  const env = { ...nodeAlone(folder), TMPDIR: temporary };
  await unpack(cwd);
  const command = path.join(cwd, "node_modules/.bin/edge-oauth-sessions");
  const [provider, upstream] = await Promise.all([startProvider(), startUpstream()]);
  atEnd(() => Promise.all([provider.close(), upstream.close()]));
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  provider.allow(origin);
  const variables = {
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: provider.clientId,
    OIDC_CLIENT_SECRET: provider.clientSecret,
    PUBLIC_ORIGIN: origin,
    UPSTREAM: upstream.origin,
    ...vars,
  };
  writeFileSync(path.join(cwd, "gateway.env"), Object.entries(variables).map(([name, value]) => `${name}=${value}\n`).join(""));
  const args = ["--variables", "gateway.env", "--port", String(port), ...flags];
  let child;
  const begin = async () => {
    child = start(command, ["serve", ...args], { cwd, env, group: true });
    await until("it answers", () => request(`http://127.0.0.1:${port}/auth/healthz`).catch(() => undefined), 20_000);
  };
  const end = () => stop(child);
  await begin();
  atEnd(end);
  const health = (code) => run(command, ["health", ...args], { cwd, env, code });
  const again = (code) => run(command, ["serve", ...args], { cwd, env, code });
  return { origin, port, begin, end, health, again, temporary, process: () => child, output: () => child.output, browser: new Browser({ origin, cookie: { session: "edge-session" } }) };
}

describe("self-hosting", () => {
  test("a session outlives a restart, and no configuration with secrets is left behind", async (t) => {
    const { browser, begin, end, health, temporary } = await served(t);
    assert.equal((await browser.login({ returnTo: "/page" })).status, 200);
    assert.match(await health(0), /"status":"ok"/);
    await end();
    assert.deepEqual(readdirSync(temporary), []);
    await begin();
    assert.equal((await browser.api("/api")).status, 200);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
  });

  test("SIGTERM and SIGINT to serve alone end the gateway", async (t) => {
    for (const signal of ["SIGTERM", "SIGINT"]) {
      const { process, port, temporary } = await served(t);
      const ended = once(process(), "exit");
      process().kill(signal);
      assert.deepEqual(await ended, [0, null], signal);
      await assert.rejects(request(`http://127.0.0.1:${port}/auth/healthz`), /ECONNREFUSED/, signal);
      assert.deepEqual(readdirSync(temporary), [], signal);
    }
  });

  test("a port that is taken is named", async (t) => {
    const { port, again } = await served(t);
    const output = await again(1);
    assert.equal(output, `error: port ${port} is taken: choose another one with --port\n`);
  });

  test("serve prints the problems of a configuration one a line", async (t) => {
    const { output } = await served(t, { vars: { UPSTREAM: "", SESSION_IDLE_SECONDS: "x" } });
    for (const line of [/^UPSTREAM is missing: .*$/m, /^SESSION_IDLE_SECONDS [^{}]*$/m, /^serve does not read wrangler\.toml; .* --variables FILE\.$/m]) {
      await until(`serve prints ${line}`, () => line.test(output()));
    }
  });

  test("without a proxy in front a client's CF-Connecting-IP does not count, behind one it does", async (t) => {
    for (const [flags, expected] of [[[], undefined], [["--behind-proxy"], "192.0.2.7"]]) {
      const { browser, origin } = await served(t, { flags });
      await browser.login();
      const answer = await request(`${origin}/api`, { headers: { cookie: browser.sessionHeader, "cf-connecting-ip": "192.0.2.7" } });
      const { headers } = answer.json();
      const at = headers.map((text) => text.toLowerCase()).indexOf("x-forwarded-for");
      assert.equal(at < 0 ? undefined : headers[at + 1], expected, headers.join("\n"));
    }
  });

  test("behind a proxy that ends TLS the public origin is https", async (t) => {
    const { port, health } = await served(t, { flags: ["--behind-proxy"], vars: { PUBLIC_ORIGIN: "https://app.example.com" } });
    assert.match(await health(0), /"status":"ok"/);
    const plain = { host: "app.example.com" };
    const secure = { ...plain, "x-forwarded-proto": "https" };
    assert.equal((await request(`http://127.0.0.1:${port}/a`, { headers: plain })).status, 308);
    assert.equal((await request(`http://127.0.0.1:${port}/a`, { headers: secure })).status, 401);
  });

  test("a configuration that the gateway refuses is named by serve and by health, which exits with 1", async (t) => {
    for (const [vars, says] of [
      [{ OIDC_CLIENT_SECRET: "" }, /OIDC_CLIENT_SECRET.*for serve in its environment/],
      [{ SESSION_IDLE_SECOND: "50" }, /SESSION_IDLE_SECOND\b.*Did you mean SESSION_IDLE_SECONDS/],
      [{ PUBLIC_ORIGIN: "app.example.com" }, /PUBLIC_ORIGIN/],
    ]) {
      const { health, output } = await served(t, { vars });
      assert.match(await health(1), says);
      await until("serve says so, too", () => says.test(output()));
    }
  });

  test("a public https origin without a proxy in front is named", async (t) => {
    const { health } = await served(t, { vars: { PUBLIC_ORIGIN: "https://app.example.com" } });
    assert.match(await health(1), /with --behind-proxy/);
  });
});
