// Things that were wrong once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileWorld, sleep, world } from "./parts/world.mjs";

test("a stub's method is called as a method: `call` on one is a remote method of its own", async (t) => {
  const { browser } = await world(t);
  assert.equal((await browser().send("/auth/login")).status, 302);
});

test("times in the log are whole milliseconds", async (t) => {
  const { browser, gateway } = await hostileWorld(t);
  await browser().login();
  for (const { next_alarm_at } of gateway.events()) assert.match(next_alarm_at, /:\d\d(\.\d{1,3})?Z$/);
});

test("the alarm goes on refreshing ahead: one that was set within its own handler is not lost", async (t) => {
  const { browser, gateway, provider } = await hostileWorld(t);
  provider.expiresIn = 3;
  const ada = browser();
  await ada.login();
  const end = Date.now() + 10_000;
  while (Date.now() < end) {
    assert.equal((await ada.call("/x")).status, 200);
    await sleep(100);
  }
  const causes = gateway.events("refresh").map(({ cause }) => cause);
  assert.ok(causes.length >= 3 && causes.every((cause) => cause === "alarm"), causes.join());
});
