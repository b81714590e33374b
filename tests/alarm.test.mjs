// What an actor does by itself: refresh ahead of expiry where the session is in use, end what is over, and nothing
// else. By the machine's own clock, so these tests wait.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { INSTRUMENTS, setAlarmsWithin, setClockAhead } from "./parts/instruments.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

describe("alarm", { concurrency: 6 }, () => {
  test("a session in use is refreshed by the alarm at 75 to 85 % of its token's life, with no request waiting", async (t) => {
    const life = 6;
    const { provider, gateway, login, token } = await createWorld(t, { hostile: { accessTokenSeconds: life } });
    const browser = await login();
    const first = await token(browser);
    const came = provider.calls.token[0].at;
    await until("the alarm refreshes", () => provider.refreshes.length === 1, life * 1000);
    const at = (provider.refreshes[0].at - came) / (life * 1000);
    assert.ok(at > 0.74 && at < 0.88, `at ${(at * 100).toFixed(0)} % of its life`);
    const { cause, outcome } = await gateway.untilEvent("refresh");
    assert.deepEqual({ cause, outcome }, { cause: "alarm", outcome: "ok" });
    assert.notEqual(await token(browser), first);
    assert.equal(provider.refreshes.length, 1);
  });

  test("a session that stays in use never has a request wait for a refresh", async (t) => {
    const { provider, gateway, login } = await createWorld(t, { hostile: { accessTokenSeconds: 8 } });
    const browser = await login();
    let served = 0;
    // The provider answers once the requests that began in the meantime have been served. A request that waited for it would wait for ever.
    provider.answers.token = async (valid) => {
      const before = served;
      await until("two more requests are served", () => served >= before + 2, 5000);
      return valid();
    };
    while (gateway.eventsOf("refresh").length < 2) {
      assert.equal((await browser.api("/api", { limit: 5000 })).status, 200);
      served += 1;
      await sleep(100);
    }
    assert.deepEqual(gateway.eventsOf("refresh").map(({ cause, outcome }) => `${cause} ${outcome}`), ["alarm ok", "alarm ok"]);
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });

  test("a session that is left idle after the login makes no call at all", async (t) => {
    const { provider, gateway, browser: open } = await createWorld(t, { hostile: { accessTokenSeconds: 3 } });
    const browser = open();
    await browser.navigate(await callbackOf(browser), { follow: false }); // logged in; the application was not opened
    assert.ok(browser.session);
    await browser.api("/auth/session"); // no use
    await sleep(4500);
    assert.equal(provider.refreshes.length, 0);
    assert.equal(gateway.eventsOf("alarm").length, 0);
  });

  test("a session that is left idle after a refresh makes no further call", async (t) => {
    const { provider, login } = await createWorld(t, { hostile: { accessTokenSeconds: 3 } });
    await login();
    await until("the alarm refreshes once", () => provider.refreshes.length === 1, 4000);
    await sleep(4500);
    assert.equal(provider.refreshes.length, 1);
  });

  test("a session that comes back from idleness refreshes when it is asked, and is refreshed ahead again", async (t) => {
    const { provider, gateway, login, token } = await createWorld(t, { hostile: { accessTokenSeconds: 3 } });
    const browser = await login();
    await until("the alarm refreshes once", () => provider.refreshes.length === 1, 4000);
    await sleep(3500);
    await token(browser);
    assert.equal(provider.refreshes.length, 2);
    assert.equal(gateway.eventsOf("refresh").at(-1).cause, "request");
    await token(browser); // in use
    await until("the alarm refreshes again", () => provider.refreshes.length === 3, 4000);
    assert.equal((await gateway.untilEvent("alarm", ({ outcome }) => outcome === "ok")).cause, "alarm");
  });

  test("an alarm that came due while the process was down is made up for after the restart, with no request", async (t) => {
    const { provider, gateway, login } = await createWorld(t, { hostile: { accessTokenSeconds: 4 } });
    await login();
    await sleep(500);
    await gateway.kill9();
    await sleep(3800);
    assert.equal(provider.refreshes.length, 0);
    await gateway.restart();
    await until("the alarm refreshes", () => provider.refreshes.length === 1, 6000);
    assert.equal((await gateway.untilEvent("refresh")).cause, "alarm");
  });

  test("an idle session is ended by the alarm, its refresh token revoked, with no request", async (t) => {
    const { provider, gateway, login } = await createWorld(t, { hostile: true, vars: { SESSION_IDLE_SECONDS: "2" } });
    const browser = await login();
    const { refresh_token } = provider.calls.token[0].answer.json;
    const { cause, outcome } = await gateway.untilEvent("end", () => true, 5000);
    assert.deepEqual({ cause, outcome }, { cause: "alarm", outcome: "idle" });
    await until("it is revoked", () => provider.revoked.includes(refresh_token), 3000);
    const answer = await gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
    assert.equal(answer.json().reason, "idle");
  });

  test("the absolute end comes by the alarm, too, however much the session is used", async (t) => {
    const vars = { SESSION_IDLE_SECONDS: "60", SESSION_ABSOLUTE_SECONDS: "3" };
    const { gateway, login } = await createWorld(t, { hostile: true, vars });
    const browser = await login();
    const headers = { cookie: browser.sessionHeader };
    while (gateway.eventsOf("end").length === 0) {
      const { status } = await gateway.request("/auth/session", { headers });
      if (status === 401) break;
      await sleep(100);
    }
    const { outcome } = await gateway.untilEvent("end", () => true, 2000);
    assert.equal(outcome, "expired");
  });

  test("a login that failed is forgotten by the alarm, and not before nobody can bring it back", async (t) => {
    const { provider, gateway, browser: open } = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    provider.answers.token = () => ({ status: 400, json: { error: "invalid_grant" } });
    await setAlarmsWithin(gateway, 100);
    await open().navigate("/auth/login");
    await setClockAhead(gateway, 600);
    await sleep(500);
    assert.deepEqual(gateway.eventsOf("alarm"), []);
    await setClockAhead(gateway, 600 + 180);
    const { outcome } = await gateway.untilEvent("alarm", () => true, 5000);
    assert.equal(outcome, "forgotten");
  });

  test("a provider that is down when the alarm fires costs nothing but the alarm: the token goes on to its end", async (t) => {
    const { provider, gateway, login, token } = await createWorld(t, { hostile: { accessTokenSeconds: 6 } });
    const browser = await login();
    const first = await token(browser);
    provider.answers.token = () => ({ status: 503, headers: { "retry-after": "120" }, body: "" });
    await until("the alarm tries", () => provider.refreshes.length === 1, 6000);
    await gateway.untilEvent("refresh", ({ outcome }) => outcome === "deferred", 3000);
    assert.equal(await token(browser), first);
    assert.equal(provider.refreshes.length, 1);
  });

  test("conformance 44: an actor that was evicted reads its record again, refreshes when it is asked, and ahead of time from then on", async (t) => {
    const life = 4;
    const { provider, gateway, login, token } = await createWorld(t, { hostile: { accessTokenSeconds: life } });
    const browser = await login();
    await gateway.stop(); // what eviction leaves of an actor: its storage
    await sleep(life * 1000);
    await gateway.restart();
    assert.ok(await token(browser));
    const { length } = provider.refreshes;
    assert.ok(length >= 1);
    await token(browser);
    await until("the alarm refreshes", () => provider.refreshes.length > length, life * 1000);
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });

  test("conformance 44: an alarm that fires twice refreshes once", async (t) => {
    const { provider, login, token } = await createWorld(t, { hostile: { accessTokenSeconds: 4 }, entry: alarms("await Promise.all([super.alarm(), super.alarm()]); await super.alarm();") });
    const browser = await login();
    await token(browser);
    await until("the alarm refreshes", () => provider.refreshes.length > 0, 5000);
    await sleep(400);
    assert.equal(provider.refreshes.length, 1);
    assert.ok(await token(browser));
  });

  test("conformance 44: an alarm that never works leaves a session that refreshes when it is asked", async (t) => {
    const { provider, login, token } = await createWorld(t, { hostile: { accessTokenSeconds: 2 }, entry: alarms('throw new Error("thrown by the test");') });
    const browser = await login();
    const first = await token(browser);
    await sleep(2200);
    assert.equal(provider.refreshes.length, 0);
    assert.notEqual(await token(browser), first);
    assert.equal(provider.refreshes.length, 1);
  });
});

/** A main module around the bundle's in which a session's alarm does this. */
const alarms = (body) => `
import * as exported from "./entry.js";
export * from "./entry.js";
export { default } from "./entry.js";
export class SessionActor extends exported.SessionActor {
  async alarm() { ${body} }
}
`;
