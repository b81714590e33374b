// Things that were wrong once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileWorld, world } from "./parts/world.mjs";

test("a stub's method is called as a method: `call` on one is a remote method of its own", async (t) => {
  const { browser } = await world(t);
  assert.equal((await browser().send("/auth/login")).status, 302);
});

test("times in the log are whole milliseconds", async (t) => {
  const { browser, gateway } = await hostileWorld(t);
  await browser().login();
  for (const { next_alarm_at } of gateway.events()) assert.match(next_alarm_at, /:\d\d(\.\d{1,3})?Z$/);
});
