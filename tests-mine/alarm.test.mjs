// What the alarm does by itself: conformance 44 in part.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileWorld, sleep, until } from "./parts/world.mjs";

test("a session in use is refreshed ahead, at 75–85 % of its token's life, with no request waiting", async (t) => {
  const { browser, provider, gateway, upstream } = await hostileWorld(t);
  provider.expiresIn = 6;
  const ada = browser();
  await ada.login();
  const began = Date.now();
  await until("the alarm's refresh", () => provider.presented.length, 8);
  const after = (Date.now() - began) / 1000;
  assert.ok(after > 4.2 && after < 5.5, `after ${after} s`);
  const event = await until("the log line", () => gateway.events("refresh")[0]);
  assert.deepEqual([event.cause, event.outcome, event.class], ["alarm", "ok", "SessionActor"]);
  const alarm = await until("the alarm's line", () => gateway.events("alarm")[0]);
  assert.equal(alarm.actor, ada.actor);
  assert.match(alarm.next_alarm_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  await ada.call("/x");
  assert.equal(upstream.requests.at(-1).headers.authorization, "Bearer access-2");
});

test("a session left idle makes no call at all", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.expiresIn = 2;
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  const calls = provider.calls.length;
  await sleep(5000);
  assert.equal(provider.calls.length, calls);
  assert.equal((await ada.call("/x")).status, 200);
});

test("a session that was used once and then left is refreshed once", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.expiresIn = 2;
  await browser().login();
  await sleep(6500);
  assert.equal(provider.presented.length, 1);
});

test("looking at the session is no use of it", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.expiresIn = 2;
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  for (let look = 0; look < 6; look++) {
    await sleep(500);
    assert.equal((await ada.call("/auth/session")).status, 200);
  }
  assert.equal(provider.presented.length, 0);
});

test("a session ends idle, by its alarm, and says so", async (t) => {
  const { browser, gateway } = await hostileWorld(t, { vars: { SESSION_IDLE_SECONDS: "2" } });
  const ada = browser();
  await ada.login();
  const event = await until("the end", () => gateway.events("end")[0], 6);
  assert.deepEqual([event.outcome, event.cause], ["idle", "alarm"]);
  const response = await ada.call("/x");
  assert.deepEqual([response.status, response.json().reason], [401, "idle"]);
  assert.equal(ada.session, undefined);
});

test("uses keep a session from ending idle, and its absolute end comes all the same", async (t) => {
  const { browser } = await hostileWorld(t, { vars: { SESSION_IDLE_SECONDS: "2", SESSION_ABSOLUTE_SECONDS: "5" } });
  const ada = browser();
  await ada.login();
  for (let use = 0; use < 4; use++) {
    await sleep(1000);
    assert.equal((await ada.call("/x")).status, 200);
  }
  await sleep(1200);
  assert.equal((await ada.call("/x")).json().reason, "expired");
});

test("a login that never comes back is forgotten", async (t) => {
  const { browser, gateway } = await hostileWorld(t, { vars: { LOGIN_TIMEOUT_SECONDS: "1" } });
  const ada = browser();
  const callback = await ada.toCallback();
  await until("the alarm", () => gateway.events("alarm").find(({ outcome }) => outcome === "forgotten"), 5);
  assert.equal((await ada.navigate(callback)).status, 400);
});

test("an alarm that came due while the process was down fires after the restart, without a request", async (t) => {
  const { browser, gateway } = await hostileWorld(t, { vars: { SESSION_IDLE_SECONDS: "2" } });
  const ada = browser();
  await ada.login();
  await gateway.kill();
  await sleep(2500);
  await gateway.start();
  const event = await until("the end", () => gateway.events("end")[0], 6);
  assert.equal(event.cause, "alarm");
});

test("conformance 44: without its alarm an evicted session is refreshed by the request that needs it", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.expiresIn = 1;
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  provider.expiresIn = 3600;
  // workerd evicts an actor after ten seconds without a request.
  await sleep(11_500);
  assert.equal((await ada.call("/x")).status, 200);
  assert.equal(provider.presented.length, 1);
});
