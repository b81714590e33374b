// Sessions in Workers KV, where reads are stale, writes are few, and nothing can be trusted. What the real service may do is
// done by a stand-in; the last test runs on the KV of `wrangler dev`. Conformance.md 43.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { Browser } from "./parts/browser.mjs";
import { RELEASE } from "./parts/bundle.mjs";
import { ADMIN_TOKEN, startGateway, STATE_KEYS } from "./parts/gateway.mjs";
import { request } from "./parts/http.mjs";
import { INSTRUMENTS, setAlarmsWithin, setClockAhead } from "./parts/instruments.mjs";
import { holdNextWrite, startKv } from "./parts/kv.mjs";
import { FRANKFURT, loginAt, SYDNEY, travel } from "./parts/places.mjs";
import { BIN, freePort, removeFolder, sleep, start, stop, temporaryFolder, until } from "./parts/process.mjs";
import { startProvider } from "./parts/provider.mjs";
import { assertUnreadable, headerOf, TAMPERINGS } from "./parts/records.mjs";
import { administer, inspect } from "./parts/sessions.mjs";
import { startUpstream } from "./parts/upstream.mjs";
import { createWorld } from "./parts/world.mjs";

const LIFE = 3600;
/** Past the time in which the actor keeps a copy. */
const SETTLED = 130;

async function open(t, { vars, hostile, ...more } = {}) {
  const kv = await startKv();
  t.after(() => kv.close());
  const world = await createWorld(t, {
    hostile: { accessTokenSeconds: LIFE, ...hostile },
    entry: INSTRUMENTS,
    kv: kv.address,
    // A use is written down when the last one is older than a twentieth of it.
    vars: { SESSION_STORE: "kv", SESSION_IDLE_SECONDS: "2000", ...vars },
    ...more,
  });
  return { ...world, kv };
}

const keyOf = (browser) => `session/${actorOf(browser.session)}`;
const recordOf = (kv, browser) => kv.values.get(keyOf(browser)).value;
const latest = (kv, browser, gateway) =>
  until("KV has the last write", async () => {
    const { generation } = await inspect(gateway, actorOf(browser.session));
    return kv.values.has(keyOf(browser)) && headerOf(recordOf(kv, browser)).generation === generation;
  });

/** Time passes until KV alone has the sessions' records. */
async function handOver({ gateway, kv, token }, browsers) {
  await sleep(2500); // the spacing of writes keeps to the gateway's clock, the stand-in to the machine's
  await setAlarmsWithin(gateway, 100);
  await setClockAhead(gateway, SETTLED);
  const reads = kv.gets.length;
  // A use is written, and with it the alarm is set.
  for (const browser of browsers) await token(browser);
  await sleep(300);
  for (const browser of browsers) await latest(kv, browser, gateway);
  await setClockAhead(gateway, 2 * SETTLED);
  await until("every record was read back", () => browsers.every((browser) => kv.gets.slice(reads).includes(keyOf(browser))), 8000);
  await sleep(1200);
}

describe("kv", { concurrency: 3 }, () => {
  test("conformance 43: a key is never written twice within a second, and the last write gets there", async (t) => {
    const { gateway, kv, login, token } = await open(t);
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

  test("what KV gets shows no token, secret, claim or cookie, and stays as long as the session", async (t) => {
    const { kv, provider, login } = await open(t);
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

  test("conformance 43: a stale read after a refresh or a revocation costs nothing and brings nothing back", async (t) => {
    const world = await open(t);
    const { gateway, provider, kv, login, token } = world;
    const [kept, revoked] = [await login(), await login()];
    await handOver(world, [kept, revoked]);
    kv.frozen = true; // readers see what was there until now
    assert.equal((await kept.api("/auth/refresh", { method: "POST" })).status, 200);
    const second = await token(kept);
    const headers = { cookie: revoked.sessionHeader };
    assert.equal((await administer(gateway, "DELETE", `/sessions/${actorOf(revoked.session)}`)).status, 204);
    await gateway.kill9();
    await gateway.restart();
    assert.equal(await token(kept), second);
    assert.equal((await gateway.request("/api", { headers })).json().reason, "revoked");
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });

  test("revocations that come while a refresh is being written end the session once, and a silent login that is on its way back does not outlive them", async (t) => {
    const world = await open(t, { vars: { REGION_POLICY: "reauthenticate" } });
    const { gateway, kv, provider } = world;
    const browser = await loginAt(world, FRANKFURT);
    const id = actorOf(browser.session);
    const headers = { cookie: browser.sessionHeader };
    await sleep(2500); // so that the next write is not too soon, and waits
    const { arrived, release } = holdNextWrite(kv);
    const refreshing = browser.api("/auth/refresh", { method: "POST" });
    await arrived;
    const ending = [1, 2, 3].map(() => administer(gateway, "DELETE", `/sessions/${id}`));
    await sleep(200);
    const exchanges = provider.calls.token.length;
    const page = travel(browser, SYDNEY).navigate("/page");
    await until("the silent login came back", () => provider.calls.token.length > exchanges);
    await sleep(600);
    release();
    assert.deepEqual((await Promise.all(ending)).map(({ status }) => status), [204, 204, 204]);
    assert.equal((await page).status, 400, "the move is refused");
    assert.equal((await refreshing).status, 401);
    assert.equal((await gateway.request("/api", { headers })).json().reason, "revoked");
    const ends = (await inspect(gateway, id)).ledger.filter(({ event }) => event === "end");
    assert.deepEqual(ends.map(({ outcome }) => outcome), ["revoked"]);
  });

  test("conformance 43: a write of which the answer is lost while the record before it is read back is none, and the session goes on", async (t) => {
    const { gateway, provider, kv, login, token } = await open(t);
    const browser = await login();
    const first = await token(browser);
    await latest(kv, browser, gateway);
    await sleep(2500);
    await setAlarmsWithin(gateway, 100);
    await setClockAhead(gateway, SETTLED);
    await token(browser); // a use is written, and with it the alarm is set
    await latest(kv, browser, gateway);
    await sleep(1200);
    let release;
    const released = new Promise((resolve) => (release = resolve));
    let asked = false;
    kv.gate = async (method, take) => {
      const answer = take();
      asked ||= method === "GET";
      if (method === "GET") return released.then(() => answer);
      release();
      await sleep(400);
      return 500;
    };
    await setClockAhead(gateway, 2 * SETTLED);
    await until("the record is read back", () => asked, 8000);
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.json().code, "store_unavailable");
    await gateway.kill9();
    kv.gate = undefined;
    await gateway.restart();
    assert.equal(await token(browser), first);
    assert.equal(provider.presented.length, 0);
  });

  test("conformance 43: a record that is older, forged, foreign, newer, cut or gone asks for a login, and the ledger says why", async (t) => {
    const world = await open(t);
    const { gateway, provider, kv, login } = world;
    const other = await login();
    const browsers = await Promise.all(TAMPERINGS.map(() => login()));
    const older = browsers.map((browser) => recordOf(kv, browser));
    await handOver(world, [...browsers, other]);
    TAMPERINGS.forEach(([what, make], i) => {
      const last = recordOf(kv, browsers[i]);
      assert.ok(headerOf(last).generation > headerOf(older[i]).generation, what);
      const value = make({ last, older: older[i], other: recordOf(kv, other) });
      if (value) kv.values.get(keyOf(browsers[i])).value = value;
      else kv.values.delete(keyOf(browsers[i]));
    });
    await gateway.restart();
    for (const [i, [what, , why]] of TAMPERINGS.entries()) await assertUnreadable(gateway, browsers[i], why, what);
    assert.equal((await other.api("/api")).status, 200, "the one that nobody touched");
    assert.equal(provider.presented.length, 0);
  });

  test("a key that is missing or wrong is named in the log and asks for a login; once it is right the session is there again", async (t) => {
    const world = await open(t);
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
    // What is revoked meanwhile stays so, whatever is repaired.
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
    const world = await open(t);
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
      const { gateway, provider, kv, login, token } = await open(t, { hostile: { accessTokenSeconds: 60 } });
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
    const { kv, browser: open_, provider } = await open(t);
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
    const { gateway, kv, login, token } = await open(t);
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
      const provider = { issuer: "http://127.0.0.1:9", clientId: "c" };
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
    const { compatibility_date, durable_objects, migrations } = unstable_readConfig({ config: RELEASE.config }, { hideWarnings: true });
    const config = {
      name: "kv-test", main: path.join(RELEASE.folder, "entry.js"), no_bundle: true, find_additional_modules: true, base_dir: RELEASE.folder,
      rules: [{ type: "CompiledWasm", globs: ["**/*.wasm"] }],
      compatibility_date, durable_objects, migrations, vars, kv_namespaces: [{ binding: "SESSION_KV", id: "sessions" }],
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
    const browser = new Browser({ origin, cookie: { session: "session" } });
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
