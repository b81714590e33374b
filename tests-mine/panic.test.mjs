// A panic takes every actor of the isolate with it. None is known; this one is made on purpose, in a build of its own.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { ROOT } from "./parts/gateway.mjs";
import { sleep, world } from "./parts/world.mjs";

test("after a panic the next request gets a fresh actor, and sessions go on", async (t) => {
  const { browser, gateway } = await world(t, { bundle: path.join(ROOT, "target/panic/bundle") });
  const [ada, grace] = [browser(), browser()];
  await ada.login();
  await grace.login();
  const failed = await gateway.ask([1, 255], ada.actor).then(() => "answered", () => "failed");
  assert.equal(failed, "failed");
  assert.match(gateway.output, /deliberate panic/);
  await sleep(200);
  for (const user of [ada, grace]) {
    let response = await user.call("/x");
    // The one request that finds the dead instance may fail, within its time limit; the next must not.
    if (response.status === 503) response = await user.call("/x");
    assert.equal(response.status, 200);
  }
  const newcomer = browser();
  await newcomer.login();
});
