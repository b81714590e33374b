// An administrator moves sessions: to a region, after a move, at once with another administrator or a revocation.
// Conformance.md 41.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, assertDetail, assertProblem, inspect, migration, sessionsOf } from "./parts/administration.mjs";
import { expired } from "./parts/expired.mjs";
import { sleep } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

describe("admin-moves", () => {
  let world;
  let gateway;
  before(async () => {
    world = await createWorld(undefined, { provider: {} });
    gateway = world.gateway;
  });
  after(() => world.close());

  const statusOf = async (browser) => (await gateway.request("/api", { headers: { cookie: browser.sessionHeader } })).status;
  const end = (id) => administer(gateway, `/sessions/${id}`, { method: "DELETE" });

  test("migrate moves the session: the answer is the new actor's, the user notices nothing, the old id says where to", async () => {
    const browser = await world.login({ hint: "migrated" });
    const token = await world.token(browser);
    const old = actorOf(browser.session);
    const answer = await administer(gateway, `/sessions/${old}/migrate`, migration("oc"));
    assert.equal(answer.status, 200, answer.text);
    const detail = answer.json();
    assertDetail(detail);
    assert.notEqual(detail.id, old);
    assert.deepEqual([detail.region, detail.state, detail.subject, detail.epoch], ["oc", "active", "migrated", 1]);
    const left = await inspect(gateway, old);
    assertDetail(left, ["moved_to"]);
    assert.deepEqual([left.state, left.moved_to, left.region, left.access_token_expires_at], ["moved", detail.id, "weur", null]);
    const line = left.ledger.find(({ event }) => event === "migrate");
    assert.deepEqual([line.outcome, line.cause], ["ok", "admin"]);
    assert.equal(await world.token(browser), token, "the grant is the same");
    assert.match(browser.session.value, new RegExp(`^oc\\.${detail.id}\\.`), "the browser has another cookie");
    const states = Object.fromEntries((await sessionsOf(gateway, "migrated")).map(({ id, state }) => [id, state]));
    assert.deepEqual(states, { [detail.id]: "active" }, "one session in the list");
  });

  test("refreshing or migrating a moved id acts on its successor, and revoking it ends its successor", async () => {
    const browser = await world.login({ hint: "followed" });
    const first = actorOf(browser.session);
    const second = (await administer(gateway, `/sessions/${first}/migrate`, migration("oc"))).json().id;
    const refreshed = await administer(gateway, `/sessions/${first}/refresh`, { method: "POST" });
    assert.deepEqual([refreshed.status, refreshed.json().id], [200, second]);
    assert.ok(refreshed.json().ledger.some(({ event, cause }) => event === "refresh" && cause === "admin"));
    const third = (await administer(gateway, `/sessions/${first}/migrate`, migration("apac"))).json();
    assert.deepEqual([third.region, third.epoch, third.state], ["apac", 2, "active"]);
    assert.equal((await inspect(gateway, first)).moved_to, second);
    assert.equal((await inspect(gateway, second)).moved_to, third.id);
    const old = browser.sessionHeader;
    assert.equal((await end(first)).status, 204);
    const next = await gateway.request("/api", { headers: { cookie: old } });
    assert.equal(assertProblem(next, 401, "session_ended").reason, "revoked");
    assert.equal((await inspect(gateway, third.id)).state, "ended");
    for (const id of [first, second, third.id]) {
      assert.equal((await end(id)).status, 204, "idempotent");
      assertProblem(await administer(gateway, `/sessions/${id}/refresh`, { method: "POST" }), 409, "session_ended");
      assertProblem(await administer(gateway, `/sessions/${id}/migrate`, migration("weur")), 409, "session_ended");
    }
    assert.deepEqual((await administer(gateway, "/users/followed/sessions", { method: "DELETE" })).json(), { revoked: 0 });
  });

  test("conformance 41: a revocation and a move at once leave no session alive, whichever comes first", async () => {
    for (let round = 0; round < 12; round += 1) {
      const hint = `raced-${round}`;
      const browser = await world.login({ hint });
      const id = actorOf(browser.session);
      const revoke = round % 2 ? () => end(id) : () => administer(gateway, `/users/${hint}/sessions`, { method: "DELETE" });
      const moving = administer(gateway, `/sessions/${id}/migrate`, migration("oc"));
      await sleep(round * 3);
      const [moved, revoked] = await Promise.all([moving, revoke()]);
      assert.ok([200, 409].includes(moved.status), moved.text);
      assert.ok([200, 204].includes(revoked.status), revoked.text);
      assert.equal(await statusOf(browser), 401, `round ${round}`);
      const states = (await sessionsOf(gateway, hint)).map(({ state }) => state);
      assert.ok(!states.includes("active"), `round ${round}: ${states}`);
    }
  });

  test("revoke all counts a session that has moved once", async () => {
    const browser = await world.login({ hint: "counted" });
    await administer(gateway, `/sessions/${actorOf(browser.session)}/migrate`, migration("oc"));
    assert.deepEqual((await administer(gateway, "/users/counted/sessions", { method: "DELETE" })).json(), { revoked: 1 });
    assert.equal(await statusOf(browser), 401);
  });

  test("a move that waits for a refresh which the provider refuses is 409 with the reason, as the session is known", async (t) => {
    const { gateway, provider, browser } = await expired(t);
    const id = actorOf(browser.session);
    let refuse;
    const asked = new Promise((resolve) => {
      provider.answers.token = () => {
        resolve();
        return new Promise((answer) => (refuse = () => answer({ status: 400, json: { error: "invalid_grant" } })));
      };
    });
    const request = browser.api("/api");
    await asked;
    const moving = administer(gateway, `/sessions/${id}/migrate`, migration("oc"));
    await sleep(300);
    refuse();
    assert.equal(assertProblem(await moving, 409, "session_ended").reason, "refresh_rejected");
    assert.equal((await request).status, 401);
  });

  test("two administrators who move a session to different regions at once both get what they asked for, and one session lives", async () => {
    const browser = await world.login({ hint: "pulled" });
    const id = actorOf(browser.session);
    const moved = await Promise.all(["oc", "sam", "oc"].map((region) => administer(gateway, `/sessions/${id}/migrate`, migration(region))));
    assert.deepEqual(moved.map((answer) => [answer.status, answer.json().region]), [[200, "oc"], [200, "sam"], [200, "oc"]]);
    assert.equal(await statusOf(browser), 200);
    assert.equal((await sessionsOf(gateway, "pulled")).filter(({ state }) => state === "active").length, 1);
  });

  test("a session that has ended still shows how often it had moved", async () => {
    const browser = await world.login({ hint: "epochs" });
    const { id, epoch } = (await administer(gateway, `/sessions/${actorOf(browser.session)}/migrate`, migration("me"))).json();
    assert.ok(epoch > 0);
    await end(id);
    const ended = await inspect(gateway, id);
    assert.deepEqual([ended.state, ended.epoch], ["ended", epoch]);
  });

  test("a body that names no region is 400 and moves nothing", async () => {
    const browser = await world.login({ hint: "stays" });
    const id = actorOf(browser.session);
    for (const body of ["", "{}", "null", "[]", '["oc"]', '"oc"', '{"region":"mars"}', '{"region":"OC"}', '{"region":null}', '{"region":"oc","force":true}', '{"region":"oc"', "region=oc"]) {
      const problem = assertProblem(await administer(gateway, `/sessions/${id}/migrate`, { method: "POST", body }), 400, "bad_request", body);
      assert.match(problem.detail, /region.*wnam, enam, sam, weur, eeur, apac, oc, afr, me/);
    }
    assertProblem(await administer(gateway, `/sessions/${id}/migrate`, { method: "POST", body: " ".repeat(70_000) }), 413, "too_large");
    assert.equal((await inspect(gateway, id)).state, "active");
  });
});
