// Moves and silent logins while Postgres takes its time, or goes away: whatever comes between, a session has one owner, ends
// when somebody ends it, and is not lost.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { actorOf } from "./parts/actors.mjs";
import { sessionsOf } from "./parts/administration.mjs";
import { NAVIGATION } from "./parts/gateway.mjs";
import { setClockAhead } from "./parts/instruments.mjs";
import { breakAfterIntent, createNeonWorld, isAtRest, isMoved, isWritten, LIFE, mend } from "./parts/neon.mjs";
import { FRANKFURT, loginAt, SYDNEY, travel } from "./parts/places.mjs";
import { startPostgres } from "./parts/postgres.mjs";
import { sleep, until } from "./parts/process.mjs";
import { administer, inspect, withCookie } from "./parts/sessions.mjs";

describe("neon-moves", { concurrency: 3 }, () => {
  let postgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.close());

  const open = (t, { on = postgres, ...more } = {}) => createNeonWorld(t, on, more);

  /** Locks the row of a browser's session, so that its next write waits; resolves to what unlocks it. */
  async function lockRow(t, { database }, browser) {
    const client = new pg.Client(database.url);
    t.after(() => client.end());
    await client.connect();
    await client.query("BEGIN");
    await client.query("SELECT 1 FROM edge_oauth.session WHERE actor = $1 FOR UPDATE", [actorOf(browser.session)]);
    return () => client.query("COMMIT");
  }

  const codes = ({ provider }) => provider.calls.token.filter(({ params }) => params.grant_type === "authorization_code").length;

  /** A session that has run out of tokens: its next navigation is a silent login. */
  async function openSpent(t) {
    const world = await open(t);
    const { gateway, provider, login, token } = world;
    const browser = await login();
    await token(browser);
    await isWritten(world, browser);
    provider.answers.token = (valid, { params }) => (params.grant_type === "refresh_token" ? { status: 502, body: "" } : valid());
    await setClockAhead(gateway, LIFE + 1);
    assert.equal((await browser.api("/api")).json().code, "login_required");
    provider.answers = {};
    await isAtRest(world);
    return { ...world, browser };
  }

  test("two tabs' silent logins that come back at once both inherit the session's age, however long its end takes to be written", async (t) => {
    const world = await openSpent(t);
    const { browser, gateway } = world;
    const [{ created_at, expires_at }] = await sessionsOf(gateway, "ada");
    const unlock = await lockRow(t, world, browser);
    const began = codes(world);
    const tabs = ["/one", "/two"].map((page) => browser.navigate(page, { headers: NAVIGATION }));
    await until("both are back", () => codes(world) === began + 2);
    await sleep(400);
    await unlock();
    assert.deepEqual((await Promise.all(tabs)).map(({ status }) => status), [200, 200]);
    const { id, ...session } = await inspect(world.gateway, actorOf(browser.session));
    assert.equal(session.state, "active", id);
    for (const each of [session, ...(await sessionsOf(gateway, "ada"))]) {
      assert.deepEqual([each.created_at, each.expires_at], [created_at, expires_at]);
    }
  });

  test("a logout that comes while a silent login's move is being written ends what comes of it", async (t) => {
    const world = await openSpent(t);
    const { browser, gateway } = world;
    const old = browser.session;
    const [{ created_at }] = await sessionsOf(gateway, "ada");
    const unlock = await lockRow(t, world, browser);
    const began = codes(world);
    const page = browser.navigate("/page", { headers: NAVIGATION });
    await until("it is back", () => codes(world) === began + 1);
    await sleep(300);
    const logout = withCookie(world, old, "/auth/logout", { method: "POST" });
    await sleep(300);
    await unlock();
    assert.equal((await logout).status, 303);
    await page;
    // The provider of this test logs its user in again without asking: that is another session.
    assert.deepEqual((await sessionsOf(gateway, "ada")).filter((each) => each.state === "active" && each.created_at === created_at), []);
    assert.notEqual((await withCookie(world, old)).status, 200);
    assert.doesNotMatch(gateway.log, /panicked/);
  });

  test("a session whose move could not be written presents nothing: its new home has the same refresh token", async (t) => {
    const world = await open(t);
    const { gateway, provider, line, login, token } = world;
    const browser = await login();
    const id = actorOf(browser.session);
    await token(browser);
    await isWritten(world, browser);
    await isAtRest(world);
    // The intent of the move is written, but not that the session has left. Then Postgres is back.
    const [writes, fates] = [[], ["through", "refuse"]];
    line.watch = (piece) => {
      const at = piece.includes("INSERT INTO") ? piece.indexOf(id) : -1;
      if (at < 0) return undefined;
      // One that is tried again is the same one.
      const write = piece.toString("latin1", at);
      if (!writes.includes(write)) writes.push(write);
      const fate = fates[writes.indexOf(write)] ?? "through";
      if (fate === "refuse") setImmediate(() => (line.mode = "through"));
      return fate;
    };
    await setClockAhead(gateway, LIFE + 1);
    assert.equal((await administer(gateway, "POST", `/sessions/${id}/migrate`, { region: "apac" })).status, 503);
    const answer = await browser.api("/api");
    assert.equal(writes.length, fates.length, "nor is it written that the token is to be presented");
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.json().code, "store_unavailable");
    assert.equal(provider.presented.length, 0);
    await isMoved(world, browser, id);
    for (const ahead of [2, 3]) {
      await setClockAhead(gateway, ahead * (LIFE + 1));
      assert.ok(await token(browser));
    }
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });

  test("while a move cannot be written, requests are served, and Postgres is not asked with each of them", async (t) => {
    const world = await open(t);
    const { gateway, line, login, token } = world;
    const browser = await login();
    const id = actorOf(browser.session);
    const first = await token(browser);
    await isWritten(world, browser);
    breakAfterIntent(line);
    assert.equal((await administer(gateway, "POST", `/sessions/${id}/migrate`, { region: "apac" })).status, 503);
    const said = () => gateway.eventsOf("migrate").filter(({ outcome }) => outcome === "stay").length;
    const before = said();
    for (let i = 0; i < 50; i += 1) assert.equal(await token(browser), first);
    assert.ok(said() <= before + 2, `${said() - before} tries`);
    mend(line);
    await isMoved(world, browser, id);
    assert.equal(await token(browser), first);
  });

  test("Postgres going away while a session is to follow its user fails no page: the session stays, and its grant is left alone", async (t) => {
    const world = await open(t);
    const { gateway, provider, line, token } = world;
    const browser = await loginAt(world, FRANKFURT);
    const first = await token(browser);
    await isWritten(world, browser);
    await isAtRest(world);
    const id = actorOf(browser.session);
    provider.answers.token = (valid) => {
      line.mode = "refuse";
      return valid();
    };
    const page = await travel(browser, SYDNEY).navigate("/deep");
    assert.equal(page.status, 200, page.text);
    assert.equal(page.url.pathname, "/deep");
    assert.equal(actorOf(browser.session), id);
    assert.equal(await token(browser), first);
    provider.answers = {};
    line.mode = "through";
    assert.ok(gateway.eventsOf("complete").some(({ outcome }) => outcome === "kept"));
    assert.deepEqual((await sessionsOf(gateway, "ada")).filter(({ state }) => state === "active").map((session) => session.id), [id]);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.deepEqual(provider.revoked, []);
  });

  test("a session that cannot be read when a login takes its place ends a moment later, and the ledger says why", async (t) => {
    const world = await open(t);
    const { gateway, line, login, token } = world;
    const browser = await login();
    const old = browser.session;
    await token(browser);
    await isWritten(world, browser);
    await isAtRest(world);
    await gateway.restart();
    line.watch = (piece) => {
      if (!piece.includes("SELECT record") || !piece.includes(actorOf(old))) return undefined;
      setImmediate(() => (line.mode = "through"));
      return "refuse";
    };
    const page = await browser.navigate("/auth/login?return_to=/&prompt=login");
    assert.equal(page.status, 200, page.text);
    assert.notEqual(browser.session.value, old.value);
    const { ledger } = await inspect(gateway, actorOf(browser.session));
    assert.ok(ledger.some(({ outcome, detail }) => outcome === "not_superseded" && detail.includes(actorOf(old))));
    line.watch = undefined;
    await until("the cookie from before the login is good for nothing", async () => {
      const answer = await withCookie(world, old);
      return answer.status === 401 && answer.json().reason === "superseded";
    }, 20_000);
    assert.ok(await token(browser));
  });

  test("a logout with the cookie from before a move holds at once while Postgres is away", async (t) => {
    const world = await open(t, { vars: { REGION_GRACE_SECONDS: "300" } });
    const { line, token } = world;
    const browser = await loginAt(world, FRANKFURT);
    const old = browser.session;
    await token(browser);
    await travel(browser, SYDNEY).navigate("/deep");
    assert.notEqual(browser.session.value, old.value);
    await token(browser);
    await isWritten(world, { session: browser.session }).catch(() => {});
    await isAtRest(world);
    line.mode = "refuse";
    assert.equal((await withCookie(world, old, "/auth/logout", { method: "POST" })).status, 303);
    for (const cookie of [old, browser.session]) {
      const answer = await withCookie(world, cookie);
      assert.equal(answer.status, 401, answer.text);
      assert.equal(answer.json().code, "session_ended");
    }
  });
});
