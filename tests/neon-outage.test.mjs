// Every way in which Postgres can be away: valid tokens are served, nothing is lost, no refresh token is presented twice.
// Conformance.md 43.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { actorOf } from "./parts/actors.mjs";
import { sessionsOf } from "./parts/administration.mjs";
import { BREAKABLE_DIRECTORY, setDirectory } from "./parts/directory.mjs";
import { setAlarmsWithin, setClockAhead } from "./parts/instruments.mjs";
import { breakAfterIntent, createNeonWorld, isAtRest, isMoved, isWritten, LIFE, mend, rowAt, rowOf } from "./parts/neon.mjs";
import { startPostgres } from "./parts/postgres.mjs";
import { sleep, until } from "./parts/process.mjs";
import { administer, inspect } from "./parts/sessions.mjs";

describe("neon-outage", { concurrency: 3 }, () => {
  let postgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.close());

  const open = (t, { on = postgres, ...more } = {}) => createNeonWorld(t, on, more);

  /** Valid tokens go on; a refresh is 503 and presents nothing; afterwards everything is as it was. */
  async function assertOutage(world, { down, up, quick = false }) {
    const { gateway, provider, login, token } = world;
    const browser = await login();
    const first = await token(browser);
    await isAtRest(world);
    const began = provider.presented.length;
    await down();
    for (let i = 0; i < 3; i += 1) assert.equal(await token(browser), first);
    await setClockAhead(gateway, LIFE + 1);
    const answer = await browser.api("/api");
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.json().code, "store_unavailable");
    assert.ok(Number(answer.headers["retry-after"]) > 0);
    assert.equal(provider.presented.length, began);
    if (quick) assert.equal((await world.browser().navigate("/auth/login")).status, 503);
    await up();
    assert.notEqual(await token(browser), first);
    assert.equal(provider.presented.length, began + 1);
    assert.doesNotMatch(gateway.log, /panicked|unreachable/);
    return browser;
  }

  test("Postgres stopped: valid tokens are served, all else is 503 store_unavailable, and nothing is lost", async (t) => {
    const own = await startPostgres();
    t.after(() => own.close());
    const world = await open(t, { on: own });
    await assertOutage(world, { down: () => own.stop(), up: () => own.start(), quick: true });
  });

  test("Postgres restarted: an open connection that was ended is opened anew", async (t) => {
    const world = await open(t);
    const browser = await world.login();
    const first = await world.token(browser);
    await sleep(100);
    assert.ok(world.line.open > 0);
    await postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${world.database.name}'`);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.notEqual(await world.token(browser), first);
  });

  test("Postgres hung: connections are accepted and nothing is answered", async (t) => {
    const world = await open(t);
    await assertOutage(world, { down: () => (world.line.mode = "jam"), up: () => (world.line.mode = "through") });
    await isAtRest(world);
  });

  test("Postgres read-only, as behind a failover, is store_unavailable until it is not", async (t) => {
    const world = await open(t);
    const set = (value) => postgres.query(`ALTER DATABASE ${world.database.name} SET default_transaction_read_only = ${value}`);
    await assertOutage(world, { down: () => set("on"), up: () => set("off"), quick: true });
    assert.match(world.gateway.log, /read-only/);
  });

  test("full connection slots are store_unavailable until one is free", async (t) => {
    const own = await startPostgres({ settings: { max_connections: 6, superuser_reserved_connections: 3 } });
    t.after(() => own.close());
    const world = await open(t, { on: own });
    const taken = [];
    await assertOutage(world, {
      down: async () => {
        for (;;) {
          const client = new pg.Client(world.database.url);
          client.on("error", () => {});
          const refusal = await client.connect().then(() => undefined, (error) => error);
          if (refusal) return assert.equal(refusal.code, "53300", String(refusal));
          taken.push(client);
        }
      },
      up: () => Promise.all(taken.map((client) => client.end())),
      quick: true,
    });
    assert.ok(taken.length > 0);
    assert.match(world.gateway.log, /connection slots|too many clients/);
  });

  test("a wrong password is store_unavailable, and the log says so without quoting it", async (t) => {
    const { gateway, browser } = await open(t, { url: { password: "not-the-password" } });
    const page = await browser().navigate("/auth/login");
    assert.equal(page.status, 503);
    assert.match(gateway.log, /password authentication failed/);
    assert.ok(!gateway.log.includes("not-the-password"));
  });

  test("new tokens are safe with the actor at once, whatever else waits for Postgres: a kill -9 loses nothing", async (t) => {
    const world = await open(t, { vars: { SESSION_IDLE_SECONDS: "200" } });
    const { gateway, provider, line, login, token } = world;
    const browser = await login();
    const cookie = browser.sessionHeader;
    let answer;
    provider.answers.token = async (valid) => {
      await new Promise((resolve) => (answer = resolve));
      return valid();
    };
    const headers = { cookie, "sec-fetch-site": "same-origin" };
    const refreshing = gateway.request("/auth/refresh", { method: "POST", headers }).catch(() => {});
    await until("the refresh token is presented", () => answer);
    line.mode = "jam";
    // A twentieth of the idle time has passed: a use has to be written down, and the write gets no answer.
    await setClockAhead(gateway, 11);
    const first = await token(browser);
    await sleep(300);
    const written = provider.calls.token.length;
    answer();
    await until("the new tokens are on their way", () => provider.calls.token.at(-1).answer !== undefined);
    await sleep(700);
    await gateway.kill9();
    await refreshing;
    provider.answers = {};
    line.mode = "through";
    await gateway.restart();
    const second = await token(browser);
    assert.notEqual(second, first, "the new tokens are there");
    assert.equal(provider.calls.token.length, written);
    await setClockAhead(gateway, 11 + LIFE + 1);
    assert.notEqual(await token(browser), second, "and so is the refresh token");
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });

  /** Breaks the line when the intent to refresh is written, in this way; the next connection is a good one. */
  function breakAtWrite(line, mode, drop) {
    line.drop = drop;
    let written = false;
    line.watch = (piece) => {
      if (piece.includes("INSERT INTO") && !written) {
        written = true;
        return mode;
      }
      // A new connection says hello.
      return written && piece.length > 8 && piece.readInt32BE(4) === 196_608 ? "through" : undefined;
    };
  }

  /** A session whose token has expired, and a line that breaks when the intent to refresh is written. */
  async function expireBeforeBreak(t, mode, drop) {
    const world = await open(t);
    const browser = await world.login();
    const first = await world.token(browser);
    await isAtRest(world);
    await setClockAhead(world.gateway, LIFE + 1);
    breakAtWrite(world.line, mode, drop);
    return { ...world, browser, first };
  }

  for (const [what, drop] of [["the connection is dropped before the answer", true], ["the answer never comes", false]]) {
    test(`conformance 43: in the middle of a transaction ${what}: it is found to be written, and the refresh goes on with one presentation`, async (t) => {
      const { provider, token, gateway, browser, first } = await expireBeforeBreak(t, "mute", drop);
      assert.notEqual(await token(browser), first);
      assert.equal(provider.presented.length, 1);
      await gateway.kill9();
      await gateway.restart();
      await browser.api("/auth/refresh", { method: "POST" });
      assert.equal(new Set(provider.presented).size, provider.presented.length);
      assert.ok(!gateway.log.includes("foreign_record"), "the session's own write is told from another's");
    });
  }

  for (const [what, mode] of [["never arrived", "refuse"], ["arrived, and nobody can say so", "mute"]]) {
    test(`conformance 43: a transaction that ${what} is none: 503, nothing is presented, and the next try goes through`, async (t) => {
      const { provider, token, line, gateway, browser, first } = await expireBeforeBreak(t, mode, true);
      const { watch } = line;
      // The next connection fails, too.
      line.watch = (piece) => (watch(piece) ? mode : undefined);
      const answer = await browser.api("/api");
      assert.equal(answer.status, 503);
      assert.equal(provider.presented.length, 0);
      line.watch = undefined;
      line.mode = "through";
      assert.notEqual(await token(browser), first);
      assert.equal(provider.presented.length, 1);
      assert.ok(!gateway.log.includes("foreign_record"), "the session's own write is told from another's");
    });
  }

  test("tokens that come while Postgres is away are kept by the actor, outlive the process, and get there later", async (t) => {
    const world = await open(t);
    const { provider, login, token, line, gateway } = world;
    const browser = await login();
    await isAtRest(world);
    provider.answers.token = (valid) => {
      line.mode = "refuse"; // the intent is written, and then it goes away
      return valid();
    };
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const second = await token(browser);
    await sleep(300);
    await gateway.kill9();
    await gateway.restart();
    assert.equal(await token(browser), second);
    assert.equal(provider.presented.length, 1);
    provider.answers = {};
    line.mode = "through";
    await sleep(100);
    await setClockAhead(gateway, LIFE + 1);
    assert.notEqual(await token(browser), second);
    assert.equal(new Set(provider.presented).size, 2);
    await until("the row is the last one", async () => Number((await rowOf(world, browser)).generation) === (await inspect(gateway, actorOf(browser.session))).generation);
  });

  test("a logout and a revocation hold while Postgres is away, and are written when it is back", async (t) => {
    const world = await open(t);
    const { login, line, gateway } = world;
    const [one, two] = [await login(), await login()];
    const headers = [one, two].map((browser) => ({ cookie: browser.sessionHeader }));
    const ids = [one, two].map((browser) => actorOf(browser.session));
    await isAtRest(world);
    line.mode = "refuse";
    assert.equal((await one.api("/auth/logout", { method: "POST" })).status, 303);
    assert.equal((await administer(gateway, "DELETE", `/sessions/${ids[1]}`)).status, 204);
    await gateway.kill9();
    await gateway.restart();
    assert.equal((await gateway.request("/api", { headers: headers[0] })).json().reason, "logout");
    assert.equal((await gateway.request("/api", { headers: headers[1] })).json().reason, "revoked");
    line.mode = "through";
    // The alarm brings them there, a minute later.
    const states = () => Promise.all(ids.map(async (id) => (await rowAt(world, id)).state));
    await until("both rows say so", async () => (await states()).every((state) => state === "ended"), 80_000);
  });

  test("a revocation that was answered holds, whatever waited to be written when it came", async (t) => {
    const { gateway, provider, line, login, token } = await open(t);
    const browser = await login();
    const cookie = browser.sessionHeader;
    await token(browser);
    await sleep(1500);
    const id = actorOf(browser.session);
    // It goes on taking the refresh token, as one without a revocation endpoint does.
    provider.answers.revocation = () => ({ status: 500, body: "" });
    // The provider says "not now" while Postgres hangs: that fact is on its way to the store when the next intent is made.
    let answer;
    provider.answers.token = async (valid) => {
      if (answer) return valid();
      await new Promise((resolve) => (answer = resolve));
      return { status: 503, body: "" };
    };
    const headers = { cookie, "sec-fetch-site": "same-origin" };
    const refreshing = gateway.request("/auth/refresh", { method: "POST", headers }).catch(() => {});
    await until("the refresh token is presented", () => answer);
    line.mode = "jam";
    answer();
    // The next intent waits for that write by now.
    await sleep(1300);
    assert.equal((await administer(gateway, "DELETE", `/sessions/${id}`)).status, 204);
    line.mode = "through";
    for (let i = 0; i < 12; i += 1) {
      assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401, `after ${i} s`);
      await sleep(1000);
    }
    await refreshing;
    assert.equal((await inspect(gateway, id)).state, "ended");
    assert.equal(provider.presented.length, 1);
  });

  test("what a process that ended had not yet told Postgres is told after the next start, with no request", async (t) => {
    const world = await open(t);
    const { login, line, gateway } = world;
    const browser = await login();
    const id = actorOf(browser.session);
    await isAtRest(world);
    await setAlarmsWithin(gateway, 3000);
    line.mode = "jam";
    assert.equal((await administer(gateway, "DELETE", `/sessions/${id}`)).status, 204);
    await gateway.kill9();
    line.mode = "through";
    assert.equal((await rowAt(world, id)).state, "active");
    await gateway.restart();
    await until("the end is written", async () => (await rowAt(world, id)).state === "ended", 12_000);
  });

  test("a process that ends while it carries a session over from another store leaves that to the next start, with no request", async (t) => {
    const world = await open(t, { vars: { SESSION_STORE: "durable" } });
    const { login, line, gateway, token } = world;
    const browser = await login();
    const first = await token(browser);
    gateway.vars.SESSION_STORE = "neon";
    line.mode = "jam";
    await gateway.restart();
    await setAlarmsWithin(gateway, 3000);
    const headers = { cookie: browser.sessionHeader };
    gateway.request("/api", { headers }).catch(() => {});
    await until("it is on its way", () => line.open > 0);
    await gateway.kill9();
    line.mode = "through";
    assert.equal(await rowOf(world, browser), undefined);
    await gateway.restart();
    await until("it is there", () => rowOf(world, browser), 12_000);
    assert.equal(await token(browser), first);
  });

  test("a login while Postgres is away leaves the session that the browser has, and a login afterwards takes its place", async (t) => {
    const world = await open(t);
    const { login, line, provider, gateway, token } = world;
    const browser = await login();
    const old = { cookie: browser.sessionHeader };
    const first = await token(browser);
    await isWritten(world, browser);
    await isAtRest(world);
    line.mode = "refuse";
    const page = await browser.navigate("/auth/login?return_to=/");
    assert.equal(page.status, 503, page.text);
    assert.equal(await token(browser), first);
    line.mode = "through";
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    await sleep(300);
    assert.deepEqual(provider.revoked, [], "with it many providers would end the session's grant, too");
    const listed = async () => (await sessionsOf(gateway, "ada")).filter(({ state }) => state === "active");
    assert.deepEqual((await listed()).map(({ id }) => id), [actorOf(browser.session)]);
    await browser.login();
    assert.equal((await gateway.request("/api", { headers: old })).json().reason, "superseded");
    assert.deepEqual((await listed()).map(({ id }) => id), [actorOf(browser.session)]);
  });

  test("Postgres going away in the middle of a move: the session is where it was and goes on from there, once only", async (t) => {
    const world = await open(t);
    const { login, line, gateway, token } = world;
    const browser = await login();
    const id = actorOf(browser.session);
    const first = await token(browser);
    await isWritten(world, browser);
    breakAfterIntent(line);
    const answer = await administer(gateway, "POST", `/sessions/${id}/migrate`, { region: "apac" });
    assert.equal(answer.status, 503, answer.text);
    assert.equal(await token(browser), first);
    mend(line);
    await isMoved(world, browser, id);
    await assertMoved(world, browser);
  });

  test("a new actor of which Postgres does not take the record keeps it, and the session moves all the same", async (t) => {
    const world = await open(t);
    const { login, line, gateway, token } = world;
    const browser = await login();
    await token(browser);
    await isWritten(world, browser);
    const id = actorOf(browser.session);
    let cut = 0;
    line.watch = (piece) => (piece.includes("INSERT INTO") && !piece.includes(id) && (cut += 1) === 1 ? "cut" : undefined);
    const answer = await administer(gateway, "POST", `/sessions/${id}/migrate`, { region: "apac" });
    assert.equal(answer.status, 200, answer.text);
    await until("the new actor's write was cut", () => cut > 0);
    await assertMoved(world, browser);
  });

  /** The session lives in the new region, and there alone. */
  async function assertMoved({ gateway, provider, database }, browser) {
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const listed = await sessionsOf(gateway, "ada");
    assert.deepEqual(listed.map(({ state, region }) => [state, region]), [["active", "apac"]]);
    const states = async () => (await database.query("SELECT state FROM edge_oauth.session ORDER BY state")).map(({ state }) => state);
    await until("the rows say so", async () => (await states()).join() === "active,moved");
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  }

  test("a move that its directory does not hear of leaves nothing behind, and the session stays", async (t) => {
    const world = await open(t, { entry: BREAKABLE_DIRECTORY });
    const { login, gateway, token, database } = world;
    const browser = await login();
    const id = actorOf(browser.session);
    const first = await token(browser);
    await isWritten(world, browser);
    await setDirectory(gateway, "down");
    assert.equal((await administer(gateway, "POST", `/sessions/${id}/migrate`, { region: "apac" })).status, 503);
    const { actor } = await gateway.untilEvent("alarm", ({ outcome }) => outcome === "forgotten");
    assert.notEqual(actor, id);
    await setDirectory(gateway, "well");
    assert.equal((await administer(gateway, "GET", `/sessions/${actor}`)).status, 404);
    const listed = await sessionsOf(gateway, "ada");
    assert.deepEqual(listed.map((session) => session.id), [id]);
    assert.deepEqual((await database.query("SELECT actor FROM edge_oauth.session")).map((row) => row.actor), [id]);
    assert.equal(await token(browser), first);
  });

  test("an alarm that finds Postgres away looks again after a pause, and the session is refreshed when it is back", async (t) => {
    const world = await open(t, { hostile: { accessTokenSeconds: 3 } });
    const { gateway, line, login, token } = world;
    const browser = await login();
    await token(browser);
    await isWritten(world, browser);
    line.mode = "refuse";
    const isFailure = ({ outcome }) => outcome === "store_unavailable";
    await gateway.untilEvent("alarm", isFailure, 10_000);
    await sleep(1500);
    assert.ok(gateway.eventsOf("alarm").filter(isFailure).length <= 2, "it does not run in circles");
    line.mode = "through";
    assert.ok(await token(browser));
  });

  test("a session that cannot be read now is 503 to an administrator, and is listed and found again afterwards", async (t) => {
    const world = await open(t);
    const { gateway, line, login, token } = world;
    const browser = await login();
    const id = actorOf(browser.session);
    await token(browser);
    await isWritten(world, browser);
    await isAtRest(world);
    line.mode = "refuse";
    await gateway.restart();
    const answer = await administer(gateway, "GET", `/sessions/${id}`);
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.json().code, "store_unavailable");
    const listed = await sessionsOf(gateway, "ada");
    assert.deepEqual(listed.map((session) => session.id), [id]);
    line.mode = "through";
    assert.equal((await inspect(gateway, id)).state, "active");
  });
});
