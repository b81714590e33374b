// A session that is bound to a device, where its record is in Workers KV or Postgres: the binding is the actor's own, and holds whatever
// becomes of the process and of the store.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { administer, assertProblem, migration } from "./parts/administration.mjs";
import { actorOf } from "./parts/actors.mjs";
import { BOUND, challengeOf, Device, loseProof } from "./parts/device.mjs";
import { createKvWorld, latest, SETTLED } from "./parts/kv-world.mjs";
import { setClockAhead } from "./parts/instruments.mjs";
import { createNeonWorld, mend } from "./parts/neon.mjs";
import { startPostgres } from "./parts/postgres.mjs";
import { sleep } from "./parts/process.mjs";

const HOW = { https: true, host: "localhost", vars: { DEVICE_GRACE_SECONDS: "1" } };

/** The session of `browser` passes with the proof of `device`, and is refused without. */
async function assertBound({ gateway, token }, browser, device, when) {
  const bare = () => gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
  assertProblem(await bare(), 401, "device_proof_required", when);
  assert.ok(await token(browser), when);
  loseProof(browser);
  const { challenge } = challengeOf(await device.renew(browser));
  const foreign = await device.renew(browser, { challenge, key: new Device().key });
  assert.equal(foreign.status, 403, `${when}: another key`);
  assert.equal((await device.renew(browser, { challenge: challengeOf(foreign).challenge })).status, 200, when);
  assert.ok(await token(browser), `${when}: renewed`);
}

describe("a bound session in a store", { concurrency: 2 }, () => {
  let postgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.close());

  const stores = {
    kv: {
      create: (t) => createKvWorld(t, HOW),
      // After a while the actor has no copy of its own.
      settle: async (world, browser) => {
        await latest(world.kv, browser, world.gateway);
        await setClockAhead(world.gateway, SETTLED);
      },
      fail: ({ kv }) => (kv.failing = 500),
      mend: ({ kv }) => (kv.failing = 0),
    },
    neon: {
      create: (t) => createNeonWorld(t, postgres, HOW),
      settle: async () => {},
      fail: ({ line }) => (line.mode = "refuse"),
      mend: ({ line }) => mend(line),
    },
  };

  for (const [name, store] of Object.entries(stores)) {
    test(`${name}: it is still bound after a crash, while the store is away, and in another region`, async (t) => {
      const world = await store.create(t);
      const { gateway } = world;
      const [browser, device] = [await world.login(), new Device()];
      await device.bind(browser);
      await sleep(1100);
      await assertBound(world, browser, device, "bound");
      await store.settle(world, browser);
      await gateway.kill9();
      await gateway.restart();
      await assertBound(world, browser, device, "after a crash");

      await gateway.restart();
      store.fail(world);
      const bare = await gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
      // The everyday question is answered before the device is looked at, where there is no record.
      assert.ok([401, 503].includes(bare.status), `while the store is away: ${bare.text}`);
      assertProblem(await gateway.request("/auth/session", { headers: { cookie: browser.sessionHeader } }), 401, "device_proof_required", "a message");
      store.mend(world);
      await assertBound(world, browser, device, "after the outage");

      const id = actorOf(browser.session);
      const moved = await administer(gateway, `/sessions/${id}/migrate`, migration("oc"));
      assert.equal(moved.status, 200, moved.text);
      const old = browser.sessionHeader;
      assert.ok(await world.token(browser), "moved");
      assert.notEqual(browser.sessionHeader, old);
      assert.ok(browser.jar().get(BOUND));
      assertProblem(await gateway.request("/api", { headers: { cookie: old } }), 401, "device_proof_required", "the old cookie");
      await gateway.restart();
      await assertBound(world, browser, device, "after the move and a restart");
    });
  }
});
