// What is counted where the binding METRICS is. workerd drops data points; a stand-in for Analytics Engine keeps them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer } from "./parts/administration.mjs";
import { until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

/** The stand-in, in a main module around the bundle's. It holds data points to Analytics Engine's limits. */
const RECORDING = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";

const points = [];
const METRICS = {
  writeDataPoint({ indexes, blobs, doubles, ...more }) {
    const isText = (value) => typeof value === "string";
    const fits =
      indexes.length === 1 && indexes[0].length <= 96 && blobs.length <= 20 && blobs.every(isText) && blobs.join("").length <= 16384 &&
      doubles.length <= 20 && doubles.every(Number.isFinite) && Object.keys(more).length === 0;
    if (!fits) throw new Error("Analytics Engine refuses this data point");
    points.push({ index: indexes[0], blobs, doubles });
  },
};
// Each request is counted.
Math.random = () => 0;
const withMetrics = (env) => ({ ...env, METRICS });

export class SessionActor extends exported.SessionActor {
  constructor(state, env) { super(state, withMetrics(env)); }
}
export class RegionDirectory extends exported.RegionDirectory {
  constructor(state, env) { super(state, withMetrics(env)); }
}
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/points") return Response.json(points);
    return bundle.fetch(request, withMetrics(env), context);
  },
};`;

describe("metrics", () => {
  const points = async ({ gateway }) => (await gateway.request("/points")).json();
  const sessions = async (world) => (await points(world)).filter(({ index }) => index !== "request");

  test("a session's events are counted with outcome, cause, region and duration, and name nobody", async (t) => {
    const world = await createWorld(t, { provider: {}, entry: RECORDING });
    const browser = await world.login({ hint: "ada" });
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const { session } = browser;
    const id = actorOf(session);
    assert.equal((await administer(world.gateway, `/sessions/${id}`, { method: "DELETE" })).status, 204);
    assert.equal((await browser.api("/api")).status, 401);
    await until("all are counted", async () => (await sessions(world)).some(({ index }) => index === "get_denied"));
    const counted = (await sessions(world)).map(({ index, blobs }) => [index, ...blobs.slice(1, 5)].join(" "));
    for (const expected of [
      "complete ok request weur SessionActor",
      "refresh ok request weur SessionActor",
      "get_denied ended request weur SessionActor",
    ]) {
      assert.ok(counted.includes(expected), `${expected}\n${counted.join("\n")}`);
    }
    assert.ok(counted.some((line) => /^end revoked admin weur SessionActor$/.test(line)), counted.join("\n"));
    for (const { index, blobs, doubles } of await points(world)) {
      assert.equal(blobs[0], index);
      assert.equal(blobs.length, 6);
      assert.equal(doubles.length, 4);
      assert.match(blobs[5], /^\d+\.\d+\.\d+$/);
    }
    const text = JSON.stringify(await points(world));
    for (const secret of ["ada", id, session.value, world.provider.issuer]) assert.ok(!text.includes(secret), secret);
  });

  test("a request is counted with its status, and with what the session and the application took of its time", async (t) => {
    const world = await createWorld(t, { provider: {}, entry: RECORDING });
    const browser = await world.login();
    const before = (await points(world)).length;
    assert.equal((await browser.api("/api")).status, 200);
    assert.equal((await world.gateway.request("/api")).status, 401);
    const [served, refused] = (await points(world)).slice(before).filter(({ index }) => index === "request");
    assert.deepEqual(served.blobs.slice(1, 3), ["200", "GET"]);
    assert.deepEqual(refused.blobs.slice(1, 3), ["401", "GET"]);
    const [total, ofSession, ofApplication, weight] = served.doubles;
    assert.ok(ofSession + ofApplication <= total && ofApplication >= 0, served.doubles.join());
    assert.deepEqual([weight, refused.doubles[2]], [10, 0]);
  });

  test("without the binding nothing is counted, and everything works", async (t) => {
    const world = await createWorld(t, { provider: {} });
    const browser = await world.login();
    assert.equal((await browser.api("/api")).status, 200);
    assert.doesNotMatch(world.gateway.log, /writeDataPoint|METRICS/);
  });
});
