// Sessions in Workers KV, where writes are few and reads are not this instant's. What the real service may do is done by a
// stand-in; the last test runs on the KV of `wrangler dev`. kv-fence.test.mjs has what KV may hand out.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { Browser } from "./parts/browser.mjs";
import { RELEASE } from "./parts/bundle.mjs";
import { ADMIN_TOKEN, startGateway, STATE_KEYS } from "./parts/gateway.mjs";
import { request } from "./parts/http.mjs";
import { setClockAhead } from "./parts/instruments.mjs";
import { createKvWorld, keyOf, latest, recordOf } from "./parts/kv-world.mjs";
import { BIN, freePort, removeFolder, sleep, start, stop, temporaryFolder, until } from "./parts/process.mjs";
import { startProvider } from "./parts/provider.mjs";
import { headerOf } from "./parts/records.mjs";
import { administer } from "./parts/sessions.mjs";
import { startUpstream } from "./parts/upstream.mjs";

describe("kv", { concurrency: 3 }, () => {
  test("conformance 43: a key is never written twice within a second, and the last write gets there", async (t) => {
    const { gateway, kv, login, token } = await createKvWorld(t);
    const browser = await login();
    await token(browser);
    await browser.api("/auth/refresh", { method: "POST" });
    await token(browser);
    await latest(kv, browser, gateway);
    const headers = { cookie: browser.sessionHeader };
    const { session } = browser;
    await browser.api("/auth/logout", { method: "POST" });
    assert.equal((await gateway.request("/api", { headers })).json().reason, "logout");
    await latest(kv, { session }, gateway);
    assert.deepEqual(kv.refused, []);
    assert.ok(kv.puts.length >= 3);
  });

  test("a login and the first use cost KV two writes, a refresh and the first use after it two or three", async (t) => {
    const { gateway, kv, login, token } = await createKvWorld(t);
    const browser = await login();
    await token(browser);
    await latest(kv, browser, gateway);
    await sleep(1500); // what came within a second of a write is written behind it
    await latest(kv, browser, gateway);
    assert.equal(kv.puts.length, 2);
    await browser.api("/auth/refresh", { method: "POST" });
    await token(browser);
    await sleep(2500);
    await latest(kv, browser, gateway);
    assert.ok([4, 5].includes(kv.puts.length), `${kv.puts.length}`);
  });

  test("what KV gets shows no token, secret, claim or cookie, and stays as long as the session", async (t) => {
    const { kv, provider, login } = await createKvWorld(t);
    const browser = await login();
    const { value, expiration } = kv.values.get(keyOf(browser));
    const tokens = provider.calls.token.flatMap(({ answer }) => Object.values(answer.json)).filter((v) => typeof v === "string" && v.length > 8);
    assert.ok(tokens.length >= 3);
    for (const secret of [...tokens, "ada", "Lovelace", browser.session.value.split(".")[2]]) {
      assert.ok(!value.includes(secret), secret);
    }
    assert.ok(expiration > Date.now() / 1000 + 604_000, "not before its end");
    assert.ok(expiration < Date.now() / 1000 + 2.1 * 604_800, "and not for ever");
    assert.equal([...kv.values.keys()].length, 1, "a login that has not come back is the actor's own");
  });

  test("a key that is missing or wrong is named in the log and asks for a login; once it is right the session is there again", async (t) => {
    const world = await createKvWorld(t);
    const { gateway, kv, login, token } = world;
    const [browser, revoked] = [await login(), await login()];
    const first = await token(browser);
    for (const [keys, why] of [
      [`b:${Buffer.alloc(32, 8).toString("base64url")}`, /sealed with the key a, which STATE_KEYS does not have/],
      [`a:${Buffer.alloc(32, 8).toString("base64url")}`, /does not open with the key a/],
    ]) {
      gateway.vars.STATE_KEYS = keys;
      await gateway.restart();
      const answer = await gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
      assert.equal(answer.json().code, "login_required");
      assert.match(gateway.log, why);
      assert.ok(!gateway.log.includes(keys.slice(2)));
    }
    // A session that is revoked in the meantime stays revoked, whatever is repaired.
    const record = keyOf(revoked);
    assert.ok(kv.values.has(record));
    assert.equal((await administer(gateway, "DELETE", `/sessions/${actorOf(revoked.session)}`)).status, 204);
    assert.ok(!kv.values.has(record), "its tokens, sealed, are gone from KV");
    gateway.vars.STATE_KEYS = STATE_KEYS;
    await gateway.restart();
    assert.equal(await token(browser), first);
    assert.equal((await revoked.api("/api")).status, 401);
  });

  test("rotation: the first key seals, all open, and a record is sealed anew at its next write", async (t) => {
    const world = await createKvWorld(t);
    const { gateway, kv, login, token } = world;
    const browser = await login();
    const first = await token(browser);
    await latest(kv, browser, gateway);
    assert.equal(headerOf(recordOf(kv, browser)).keyId, "a");
    const next = `next-1:${Buffer.alloc(32, 9).toString("base64url")}`;
    gateway.vars.STATE_KEYS = `${next}, ${STATE_KEYS}`;
    await gateway.restart();
    assert.equal(await token(browser), first);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    await latest(kv, browser, gateway);
    assert.equal(headerOf(recordOf(kv, browser)).keyId, "next-1");
    gateway.vars.STATE_KEYS = next;
    await gateway.restart();
    assert.notEqual(await token(browser), first);
  });

  for (const [what, trouble] of [["KV failing", { failing: 500 }], ["KV slow", { delay: 6000 }], ["KV refusing for too many writes", { failing: 429 }]]) {
    test(`${what}: valid tokens are served, a refresh is 503 store_unavailable and presents nothing, and nothing is lost`, async (t) => {
      const { gateway, provider, kv, login, token } = await createKvWorld(t, { hostile: { accessTokenSeconds: 60 } });
      const browser = await login();
      const first = await token(browser);
      await sleep(1200);
      Object.assign(kv, trouble);
      assert.equal(await token(browser), first);
      await setClockAhead(gateway, 61);
      const answer = await browser.api("/api");
      assert.equal(answer.status, 503, answer.text);
      assert.equal(answer.json().code, "store_unavailable");
      assert.ok(Number(answer.headers["retry-after"]) > 0);
      assert.equal(provider.presented.length, 0);
      Object.assign(kv, { failing: 0, delay: 0 });
      await sleep(trouble.delay ? 8000 : 1100); // what was sent while it was slow arrives, too
      assert.notEqual(await token(browser), first);
      await latest(kv, browser, gateway);
      assert.equal(provider.presented.length, 1);
    });
  }

  test("KV failing: a login is 503 store_unavailable, and works again right after", async (t) => {
    const { kv, browser: open_, provider } = await createKvWorld(t);
    const browser = open_();
    kv.failing = 503;
    const page = await browser.navigate("/auth/login?return_to=/");
    assert.equal(page.status, 503);
    assert.ok(Number(page.headers["retry-after"]) > 0);
    assert.equal(browser.session, undefined);
    await until("the tokens are revoked", () => provider.revoked.length === 1);
    kv.failing = 0;
    await browser.login();
  });

  test("KV failing: a revocation holds at once, and outlives the process", async (t) => {
    const { gateway, kv, login, token } = await createKvWorld(t);
    const browser = await login();
    await token(browser);
    await latest(kv, browser, gateway);
    const headers = { cookie: browser.sessionHeader };
    const id = actorOf(browser.session);
    kv.failing = 500;
    assert.equal((await administer(gateway, "DELETE", `/sessions/${id}`)).status, 204);
    assert.equal((await gateway.request("/api", { headers })).json().reason, "revoked");
    await gateway.kill9();
    await gateway.restart();
    assert.equal((await gateway.request("/api", { headers })).json().reason, "revoked");
    assert.equal((await gateway.request("/api", { headers })).status, 401);
  });

  test("STATE_KEYS and SESSION_KV are named when they are missing or malformed, and no key is quoted", async (t) => {
    const key = Buffer.alloc(31, 7).toString("base64url");
    for (const [vars, kv, wanted] of [
      [{ STATE_KEYS: undefined }, "127.0.0.1:9", ["STATE_KEYS"]],
      [{ STATE_KEYS: `a:${key}` }, "127.0.0.1:9", ["STATE_KEYS"]],
      [{ STATE_KEYS: key }, "127.0.0.1:9", ["STATE_KEYS"]],
      [{}, undefined, ["SESSION_KV"]],
      [{ STATE_KEYS: undefined }, undefined, ["SESSION_KV", "STATE_KEYS"]],
    ]) {
      const provider = { issuer: "http://127.0.0.1:9", clientId: "c", clientSecret: "s" };
      const gateway = await startGateway({ provider, upstream: { origin: "http://127.0.0.1:9" }, kv, vars: { SESSION_STORE: "kv", ...vars } });
      t.after(() => gateway.close());
      const answer = await gateway.request("/auth/healthz");
      assert.equal(answer.status, 500);
      assert.deepEqual(answer.json().problems.map(({ variable }) => variable).toSorted(), wanted);
      assert.ok(!answer.text.includes(key));
    }
  });

  test("the KV of wrangler dev keeps sessions: login, refresh, restart, logout", { timeout: 90_000 }, async (t) => {
    const folder = temporaryFolder();
    const [provider, upstream, port] = [await startProvider(), await startUpstream(), await freePort()];
    const origin = `http://127.0.0.1:${port}`;
    provider.allow(origin);
    const vars = {
      OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: provider.clientId, OIDC_CLIENT_SECRET: provider.clientSecret,
      PUBLIC_ORIGIN: origin, UPSTREAM: upstream.origin, ADMIN_TOKEN, STATE_KEYS, SESSION_STORE: "kv",
    };
    // wrangler.toml as it is, with what docs/stores.md adds, on the bundle as it is.
    const { unstable_readConfig } = await import("wrangler");
    const { compatibility_date, compatibility_flags, durable_objects, migrations } = unstable_readConfig({ config: RELEASE.config }, { hideWarnings: true });
    const config = {
      name: "kv-test", main: path.join(RELEASE.folder, "entry.js"), no_bundle: true, find_additional_modules: true, base_dir: RELEASE.folder,
      rules: [{ type: "CompiledWasm", globs: ["**/*.wasm"] }],
      compatibility_date, compatibility_flags, durable_objects, migrations, vars, kv_namespaces: [{ binding: "SESSION_KV", id: "sessions" }],
    };
    writeFileSync(path.join(folder, "wrangler.json"), JSON.stringify(config));
    const env = { PATH: `${BIN}:${process.env.PATH}`, CI: "1", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
    const dev = async () => {
      const place = ["--port", String(port), "--ip", "127.0.0.1", "--inspector-port", String(await freePort()), "--persist-to", path.join(folder, "state")];
      const child = start(path.join(BIN, "wrangler"), ["dev", "--config", path.join(folder, "wrangler.json"), ...place], { env, group: true, cwd: folder });
      const healthy = await until("wrangler dev answers", () => request(`${origin}/auth/healthz`, { limit: 3000 }).catch(() => undefined), 40_000)
        .catch((error) => assert.fail(`${error}\n${child.output}`));
      assert.equal(healthy.status, 200, healthy.text);
      return child;
    };
    let child = await dev();
    t.after(async () => {
      await stop(child);
      await Promise.all([provider.close(), upstream.close()]);
      removeFolder(folder);
    });
    const browser = new Browser({ origin, cookie: { session: "edge-session" } });
    assert.equal((await browser.login()).status, 200);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    await sleep(1500);
    await stop(child);
    child = await dev();
    assert.equal((await browser.api("/api")).status, 200);
    const detail = await request(`${origin}/auth/admin/sessions/${actorOf(browser.session)}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    assert.equal(detail.json().store, "kv");
    assert.equal((await browser.api("/auth/logout", { method: "POST" })).status, 303);
  });
});
