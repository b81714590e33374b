// Users with very many sessions: lists in pages, the end of all in steps, and SESSIONS_PER_USER.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, assertProblem, assertSummary, inspect, sessionsOf } from "./parts/administration.mjs";
import { BREAKABLE_DIRECTORY, setDirectory } from "./parts/directory.mjs";
import { INSTRUMENTS, setAlarmsWithin, setClockAhead } from "./parts/instruments.mjs";
import { DIRECTORY_MESSAGES } from "./parts/messages.mjs";
import { createNeonWorld, isAtRest } from "./parts/neon.mjs";
import { startPostgres } from "./parts/postgres.mjs";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

/** How many sessions the user has: more than are ended before an answer. */
const MANY = Number(process.env.MANY_SESSIONS ?? 540);

/** So many browsers that have logged in, some at a time. */
async function logins({ login }, count, atOnce = 8) {
  const browsers = [];
  let left = count;
  const some = async () => {
    while (left > 0) {
      left -= 1;
      browsers.push(await login());
    }
  };
  await Promise.all(Array.from({ length: atOnce }, some));
  return browsers;
}

const page = async (gateway, query) => {
  const answer = await administer(gateway, `/users/ada/sessions${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
};
const end = (browser) => browser.api("/auth/logout", { method: "POST" });
const endAll = (gateway) => administer(gateway, "/users/ada/sessions", { method: "DELETE" });
const statusOf = async (browser) => (await browser.api("/api")).status;

/** Directories that get no report of their sessions, as after a process that ended too early. */
const FORGETFUL = `
const REPORT = ${DIRECTORY_MESSAGES.Report};
export class RegionDirectory extends exported.RegionDirectory {
  async ask(message) {
    if (message[1] === REPORT) throw new Error("the process ended");
    return super.ask(message);
  }
}
`;

describe("many-sessions", () => {
  test(`a user's ${MANY} sessions are listed page by page, none twice, and all of them end`, { timeout: 180_000 }, async (t) => {
    const world = await createWorld(t, { hostile: true, vars: { SESSIONS_PER_USER: "0" } });
    const { gateway } = world;
    const began = Date.now();
    const browsers = await logins(world, MANY);
    t.diagnostic(`${MANY} logins: ${Date.now() - began} ms`);
    const ids = browsers.map(({ session }) => actorOf(session));
    const first = await page(gateway, "?limit=500");
    assert.equal(first.sessions.length, 500);
    first.sessions.forEach((summary) => assertSummary(summary));
    // Between the pages some sessions end, both shown and not yet shown, and some begin.
    const shown = new Set(first.sessions.map(({ id }) => id));
    const ending = [ids.find((id) => shown.has(id)), ids.find((id) => !shown.has(id))];
    for (const id of ending) assert.equal((await administer(gateway, `/sessions/${id}`, { method: "DELETE" })).status, 204);
    const late = await logins(world, 2);
    const listed = [...first.sessions];
    for (let next = first.next; next !== undefined; ) {
      const more = await page(gateway, `?limit=7&cursor=${encodeURIComponent(next)}`);
      assert.ok(more.sessions.length <= 7);
      listed.push(...more.sessions);
      next = more.next;
    }
    assert.deepEqual(listed.map(({ id }) => id).toSorted(), ids.toSorted());
    const states = Object.groupBy((await page(gateway, "?limit=500")).sessions, ({ state }) => state);
    assert.deepEqual(Object.keys(states), ["active"], "those that live come first");

    const living = MANY - ending.length + late.length;
    const asked = Date.now();
    const answer = await endAll(gateway);
    t.diagnostic(`500 sessions ended: ${Date.now() - asked} ms`);
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual(answer.json(), { revoked: 500, pending: living - 500 });
    // A login from before the revocation does not outlive it, and one from after it does.
    const after = await world.login();
    assert.equal(await statusOf(after), 200);
    let served = browsers;
    const isOver = async () => {
      const statuses = await Promise.all(served.map(statusOf));
      served = served.filter((_, at) => statuses[at] !== 401);
      return served.length === 0;
    };
    await until("the directory has ended the rest", isOver, 30_000 + 20 * MANY);
    t.diagnostic(`all ended: ${Date.now() - asked} ms`);
    assert.equal(await statusOf(after), 200);
  });

  test("a limit or a cursor that is none is 400, and so is another user's cursor, and one that was changed", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const { gateway, provider } = world;
    const [ada] = await logins(world, 3, 1);
    const { next, sessions } = await page(gateway, "?limit=2");
    assert.equal(sessions.length, 2);
    assert.ok(!sessions.some(({ id }) => next.includes(id)));
    provider.subject = "bob";
    const [bob] = await logins(world, 2, 1);
    const own = (await bob.api("/auth/sessions?limit=1")).json();
    assert.deepEqual([own.sessions.length, typeof own.next], [1, "string"]);
    const changed = `${next.slice(0, -1)}${next.endsWith("A") ? "B" : "A"}`;
    for (const query of ["limit=0", "limit=501", "limit=", "limit=x", "limit=1.5", "cursor=", "cursor=x", `cursor=${changed}`, `cursor=${own.next}`, `cursor=${"A".repeat(6000)}`]) {
      assertProblem(await administer(gateway, `/users/ada/sessions?${query}`), 400, "bad_request", query);
      assertProblem(await ada.api(`/auth/sessions?${query}`), 400, "bad_request", query);
    }
    const rest = (await ada.api(`/auth/sessions?cursor=${next}`)).json();
    assert.deepEqual(rest.sessions.map(({ id }) => id), [actorOf(ada.session)]);
    assert.deepEqual([rest.sessions[0].current, rest.next], [true, undefined]);
    assertProblem(await administer(gateway, `/users/nobody/sessions?cursor=${next}`), 400, "bad_request");
  });

  test("those that live come first in a list, and of these those that were registered or refreshed last", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const browsers = await logins(world, 4, 1);
    const [a, b, c, d] = browsers.map(({ session }) => actorOf(session));
    assert.equal((await browsers[1].api("/auth/refresh", { method: "POST" })).status, 200);
    await end(browsers[3]);
    const order = async () => (await sessionsOf(world.gateway, "ada")).map(({ id, state }) => [id, state]);
    assert.deepEqual(await order(), [[b, "active"], [c, "active"], [a, "active"], [d, "ended"]]);
    await end(browsers[1]);
    assert.deepEqual(await order(), [[c, "active"], [a, "active"], [b, "ended"], [d, "ended"]]);
  });

  test("SESSIONS_PER_USER: a login beyond it ends the session that was registered or refreshed least recently, and no other", async (t) => {
    const world = await createWorld(t, { hostile: true, vars: { SESSIONS_PER_USER: "3" } });
    const { gateway, provider } = world;
    const browsers = await logins(world, 3, 1);
    assert.equal((await browsers[0].api("/auth/refresh", { method: "POST" })).status, 200);
    await sleep(100);
    const id = actorOf(browsers[1].session);
    const fourth = await world.login();
    await until("the one that is too many ends", async () => (await inspect(gateway, id)).state === "ended");
    const ended = assertProblem(await browsers[1].api("/api"), 401, "session_ended");
    assert.equal(ended.reason, "limit");
    assert.deepEqual(await Promise.all([browsers[0], browsers[2], fourth].map(statusOf)), [200, 200, 200]);
    const { state, ledger } = await inspect(gateway, id);
    assert.equal(state, "ended");
    assert.deepEqual(ledger.filter(({ event }) => event === "end").map(({ outcome, cause }) => [outcome, cause]), [["limit", "directory"]]);
    await until("its refresh token is revoked", () => provider.revoked.length === 1);
    // A user who logs in again in the same browser takes the place of that browser's session, and of no other.
    await fourth.navigate("/auth/login");
    assert.deepEqual(await Promise.all([browsers[0], browsers[2], fourth].map(statusOf)), [200, 200, 200]);
    // Another user has a limit of their own.
    provider.subject = "bob";
    assert.equal(await statusOf(await world.login()), 200);
    assert.deepEqual(await Promise.all([browsers[0], browsers[2], fourth].map(statusOf)), [200, 200, 200]);
  });

  test("SESSIONS_PER_USER: a login that could not say that it has begun is asked by the alarm, and room is made for it", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: INSTRUMENTS + FORGETFUL, vars: { SESSIONS_PER_USER: "1" } });
    const { gateway } = world;
    await setAlarmsWithin(gateway, 500);
    const [first, second] = await logins(world, 2, 1);
    await sleep(1500);
    assert.deepEqual(await Promise.all([first, second].map(statusOf)), [200, 200]);
    await setClockAhead(gateway, 31);
    await until("the first one ends", async () => (await statusOf(first)) === 401);
    assert.equal(await statusOf(second), 200);
  });

  describe("in Postgres", () => {
    let postgres;
    before(async () => {
      postgres = await startPostgres({ settings: { max_connections: 60 } });
    });
    after(() => postgres.close());

    test("all sessions of a user end and are listed on few connections, and those that are over are not asked", async (t) => {
      const world = await createNeonWorld(t, postgres, { vars: { SESSIONS_PER_USER: "0" } });
      const { gateway, line } = world;
      const browsers = await logins(world, 60, 1);
      for (const browser of browsers.slice(40)) await end(browser);
      await isAtRest(world);
      // No actor has anything in memory.
      await gateway.restart();
      let most = 0;
      line.watch = () => void (most = Math.max(most, line.open));
      assert.equal((await sessionsOf(gateway, "ada")).filter(({ state }) => state === "active").length, 40);
      assert.ok(most <= 12, `${most} connections at once`);
      assert.equal(line.open, 0, "none waits for more to do");
      await gateway.restart();
      const opened = line.opened;
      const answer = await endAll(gateway);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json(), { revoked: 40 });
      assert.ok(most <= 12, `${most} connections at once`);
      assert.ok(line.opened - opened <= 2 * 40, `${line.opened - opened} connections for 40 sessions`);
      await gateway.restart();
      const before = line.opened;
      assert.deepEqual((await endAll(gateway)).json(), { revoked: 0 });
      assert.equal(line.opened, before);
      assert.equal((await sessionsOf(gateway, "ada")).length, 60);
      assert.equal(line.opened, before);
    });

    test("SESSIONS_PER_USER: a login that cannot be written ends no other session", async (t) => {
      const world = await createNeonWorld(t, postgres, { vars: { SESSIONS_PER_USER: "2" } });
      const { gateway, line } = world;
      const browsers = await logins(world, 2, 1);
      await Promise.all(browsers.map(statusOf));
      await sleep(300);
      await isAtRest(world);
      line.mode = "refuse";
      assert.equal((await world.browser().navigate("/auth/login?return_to=/")).status, 503);
      await sleep(500);
      line.mode = "through";
      assert.deepEqual(await Promise.all(browsers.map(statusOf)), [200, 200]);
      const third = await world.login();
      await until("room is made for one that can", async () => (await statusOf(browsers[0])) === 401);
      assert.deepEqual(await Promise.all([browsers[1], third].map(statusOf)), [200, 200]);
      assert.ok(!gateway.log.includes("panicked"));
    });

    test("sessions that do not answer keep neither a list nor the end of all waiting: the one says what is known, the other goes on", { timeout: 120_000 }, async (t) => {
      const world = await createNeonWorld(t, postgres, { entry: BREAKABLE_DIRECTORY, vars: { SESSIONS_PER_USER: "0" } });
      const { gateway } = world;
      const browsers = await logins(world, 26);
      await setDirectory(gateway, "unanswered");
      let began = Date.now();
      const sessions = await sessionsOf(gateway, "ada");
      assert.deepEqual([sessions.length, new Set(sessions.map(({ state }) => state))], [26, new Set(["active"])]);
      assert.ok(Date.now() - began < 9000, `${Date.now() - began} ms`);
      began = Date.now();
      assertProblem(await endAll(gateway), 503, "store_unavailable");
      assert.ok(Date.now() - began < 20_000, `${Date.now() - began} ms`);
      await setDirectory(gateway, "well");
      await until("the directory has ended them", async () => (await Promise.all(browsers.map(statusOf))).every((status) => status === 401), 60_000);
    });
  });
});
