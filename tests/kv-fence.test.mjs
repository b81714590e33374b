// What Workers KV may hand out, and when: stale reads, late writes, lost answers, foreign records. The actor's own fence holds
// against all of it. Conformance.md 43.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { setAlarmsWithin, setClockAhead } from "./parts/instruments.mjs";
import { holdNextWrite } from "./parts/kv.mjs";
import { createKvWorld, handOver, keyOf, latest, recordOf, SETTLED, writeOnceMore } from "./parts/kv-world.mjs";
import { FRANKFURT, loginAt, SYDNEY, travel } from "./parts/places.mjs";
import { sleep, until } from "./parts/process.mjs";
import { assertUnreadable, headerOf, renumbered, TAMPERINGS } from "./parts/records.mjs";
import { administer, inspect } from "./parts/sessions.mjs";

/** A session whose first refresh KV did not take, as the gateway believes, and whose second one it did. `late()` lets the first arrive. */
async function lateWrite(t) {
  const { gateway, provider, kv, login, token } = await createKvWorld(t);
  const browser = await login();
  await token(browser);
  await latest(kv, browser, gateway);
  await sleep(1200);
  let held;
  kv.gate = (method, take) => {
    if (method !== "PUT" || held) return take();
    held = take; // it is on its way, and the gateway hears of a failure
    return 500;
  };
  assert.equal((await browser.api("/auth/refresh", { method: "POST" })).json().code, "store_unavailable");
  await until("it was sent", () => held);
  await sleep(1200);
  assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
  const second = await token(browser);
  return { gateway, provider, kv, token, browser, second, late: () => held() };
}

describe("kv-fence", { concurrency: 3 }, () => {
  test("conformance 43: a stale read after a refresh or a revocation costs nothing and brings nothing back", async (t) => {
    const world = await createKvWorld(t);
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

  test("revocations that come while a refresh is being written end the session at once, and a silent login that is on its way back does not outlive them", async (t) => {
    const world = await createKvWorld(t, { vars: { REGION_POLICY: "reauthenticate" } });
    const { gateway, kv, provider } = world;
    const browser = await loginAt(world, FRANKFURT);
    const id = actorOf(browser.session);
    const headers = { cookie: browser.sessionHeader };
    await sleep(2500); // so that the next write is not too soon, and waits
    const { arrived, release } = holdNextWrite(kv);
    const refreshing = browser.api("/auth/refresh", { method: "POST" });
    await arrived;
    const exchanges = provider.calls.token.length;
    const page = travel(browser, SYDNEY).navigate("/page");
    await until("the silent login came back", () => provider.calls.token.length > exchanges);
    await sleep(300);
    const ending = [1, 2, 3].map(() => administer(gateway, "DELETE", `/sessions/${id}`));
    assert.deepEqual((await Promise.all(ending)).map(({ status }) => status), [204, 204, 204]);
    assert.equal((await gateway.request("/api", { headers })).json().reason, "revoked", "the write is still under way");
    release();
    assert.equal((await page).status, 400, "the move is refused");
    assert.equal((await refreshing).status, 401);
    assert.equal((await gateway.request("/api", { headers })).json().reason, "revoked");
    const ends = (await inspect(gateway, id)).ledger.filter(({ event }) => event === "end");
    assert.deepEqual(ends.map(({ outcome }) => outcome), ["revoked"]);
  });

  test("conformance 43: a write of which the answer is lost while the record before it is read back is none, and the session goes on", async (t) => {
    const world = await createKvWorld(t);
    const { gateway, provider, kv, login, token } = world;
    const browser = await login();
    const first = await token(browser);
    await writeOnceMore(world, browser);
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
    await until("the record is read back", () => asked, 20_000);
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.json().code, "store_unavailable");
    await gateway.kill9();
    kv.gate = undefined;
    await gateway.restart();
    assert.equal(await token(browser), first);
    assert.equal(provider.presented.length, 0);
  });

  test("conformance 43: a write that KV did not take, and that arrives later over a newer one, is put right by the alarm", async (t) => {
    const { gateway, provider, kv, token, browser, second, late } = await lateWrite(t);
    await latest(kv, browser, gateway);
    await sleep(2500); // the spacing of writes keeps to the gateway's clock, the stand-in to the machine's
    await setAlarmsWithin(gateway, 100);
    await setClockAhead(gateway, SETTLED);
    const writes = kv.puts.length;
    await token(browser); // a use is written, and with it the alarm is set
    await until("the use is there", () => kv.puts.length > writes);
    await latest(kv, browser, gateway);
    await sleep(1200);
    const { generation } = headerOf(recordOf(kv, browser));
    assert.equal(late(), 200);
    assert.ok(headerOf(recordOf(kv, browser)).generation < generation, "KV is back at the older one");
    await sleep(1200);
    await setClockAhead(gateway, 2 * SETTLED);
    await latest(kv, browser, gateway);
    await gateway.restart();
    assert.equal(await token(browser), second);
    assert.equal(provider.presented.length, 1);
    assert.ok(!gateway.log.includes("foreign_record"), "the session's own write is told from another's");
    assert.deepEqual(kv.refused, []);
  });

  test("conformance 43: a write that KV did not take, and that arrives after the newer one was read back, costs nothing", async (t) => {
    const { gateway, provider, kv, token, browser, second, late } = await lateWrite(t);
    await writeOnceMore({ gateway, kv, token }, browser);
    await sleep(1200);
    const reads = kv.gets.length;
    await setClockAhead(gateway, 2 * SETTLED);
    await until("the record is read back", () => kv.gets.length > reads, 20_000);
    await sleep(500);
    const { generation } = headerOf(recordOf(kv, browser));
    assert.equal(late(), 200);
    assert.ok(headerOf(recordOf(kv, browser)).generation < generation, "KV is back at the older one");
    await gateway.kill9();
    await gateway.restart();
    assert.equal(await token(browser), second);
    assert.equal(provider.presented.length, 1);
  });

  test("conformance 43: a write that KV did not take is followed by one that it takes, with no request", async (t) => {
    const { gateway, kv, login, token } = await createKvWorld(t);
    const browser = await login();
    await token(browser);
    await latest(kv, browser, gateway);
    await sleep(1200);
    await setAlarmsWithin(gateway, 300);
    kv.failing = 500;
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).json().code, "store_unavailable");
    kv.failing = 0;
    const { generation } = headerOf(recordOf(kv, browser));
    await setClockAhead(gateway, SETTLED);
    await until("KV has a newer one", () => headerOf(recordOf(kv, browser)).generation > generation);
    const reads = kv.gets.length;
    await sleep(1500);
    assert.ok(kv.gets.length <= reads + 2, "it does not run in circles");
  });

  test("conformance 43: KV failing when a record is to be read back is asked again after a pause, and not in circles", async (t) => {
    const world = await createKvWorld(t);
    const { gateway, kv, login, token } = world;
    const browser = await login();
    const first = await token(browser);
    await writeOnceMore(world, browser);
    let asked = 0;
    kv.gate = (method, take) => {
      if (method !== "GET") return take();
      asked += 1;
      return 500;
    };
    await setClockAhead(gateway, 2 * SETTLED);
    await until("the record is to be read back", () => asked > 0, 20_000);
    await sleep(1500);
    assert.equal(asked, 1);
    const { generation } = headerOf(recordOf(kv, browser));
    assert.equal(await token(browser), first);
    // That use is written in the background, and what is written takes its time to settle.
    await until("the use is written", () => headerOf(recordOf(kv, browser)).generation > generation);
    kv.gate = undefined;
    const reads = kv.gets.length;
    await setClockAhead(gateway, 3 * SETTLED);
    await until("it is read back", () => kv.gets.length > reads, 20_000);
  });

  test("conformance 43: what somebody else has put over a record is written over while the actor has its copy, and the ledger says so", async (t) => {
    const world = await createKvWorld(t);
    const { gateway, kv, login, token } = world;
    const browsers = [await login(), await login()];
    for (const browser of browsers) {
      await token(browser);
      await latest(kv, browser, gateway);
    }
    const tokens = await Promise.all(browsers.map((browser) => token(browser)));
    await sleep(2500);
    await setAlarmsWithin(gateway, 100);
    await setClockAhead(gateway, SETTLED);
    for (const browser of browsers) await token(browser); // a use is written, and with it the alarm is set
    await sleep(1200);
    const forgeries = [];
    for (const [i, browser] of browsers.entries()) {
      await latest(kv, browser, gateway);
      const last = recordOf(kv, browser);
      forgeries[i] = renumbered(last, headerOf(last).generation + (i ? 1000 : 0));
      forgeries[i][forgeries[i].length - 1] ^= 1;
      kv.values.get(keyOf(browser)).value = forgeries[i];
    }
    await setClockAhead(gateway, 2 * SETTLED);
    for (const [i, browser] of browsers.entries()) {
      await until("it is written over", () => !recordOf(kv, browser).equals(forgeries[i]));
      const { ledger } = await inspect(gateway, actorOf(browser.session));
      assert.equal(ledger.filter(({ outcome }) => outcome === "foreign_record").length, 1);
    }
    await gateway.restart();
    assert.deepEqual(await Promise.all(browsers.map((browser) => token(browser))), tokens);
  });

  test("a login that is written as its time runs out is a session, and none is forgotten in the middle of a write", async (t) => {
    const { gateway, kv, token, browser: newBrowser } = await createKvWorld(t);
    await setAlarmsWithin(gateway, 100);
    kv.gate = async (method, take) => {
      if (method === "PUT") {
        kv.gate = undefined;
        await setClockAhead(gateway, 700); // past LOGIN_TIMEOUT_SECONDS: the alarm finds the login to be over
        await sleep(1000);
      }
      return take();
    };
    const browser = newBrowser();
    await browser.login();
    assert.equal(kv.gate, undefined, "the login was written meanwhile");
    assert.ok(await token(browser));
    await gateway.restart();
    assert.ok(await token(browser));
    assert.ok(!gateway.eventsOf("alarm").some(({ outcome }) => outcome === "forgotten"));
  });

  test("conformance 43: a record that is older, forged, foreign, newer, cut or gone asks for a login, and the ledger says why", async (t) => {
    const world = await createKvWorld(t);
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
});
