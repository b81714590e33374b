// Sessions in Postgres, a real one: what is in it, what it may do to a session (nothing), and every way in which it can be
// away. Conformance.md 43.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { certificate } from "./parts/certificate.mjs";
import { startGateway } from "./parts/gateway.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { startKv } from "./parts/kv.mjs";
import { startLine } from "./parts/line.mjs";
import { migrate, startPostgres } from "./parts/postgres.mjs";
import { sleep, until } from "./parts/process.mjs";
import { assertUnreadable, headerOf, TAMPERINGS } from "./parts/records.mjs";
import { administer, inspect } from "./parts/sessions.mjs";
import { createWorld } from "./parts/world.mjs";

const LIFE = 60;

describe("neon", { concurrency: 3 }, () => {
  let postgres;
  before(async () => {
    postgres = await startPostgres({ tls: certificate() });
  });
  after(() => postgres.close());

  /** A gateway on a database of its own, behind a line that can be cut. */
  async function open(t, { url = {}, vars, on = postgres, ...more } = {}) {
    const database = await on.database();
    const line = await startLine(on.port);
    t.after(() => line.close());
    const DATABASE_URL = on.urlOf(database.name, { port: line.port, ...url });
    const world = await createWorld(t, {
      hostile: { accessTokenSeconds: LIFE },
      entry: INSTRUMENTS,
      vars: { SESSION_STORE: "neon", DATABASE_URL, ...vars },
      ...more,
    });
    return { ...world, database, line };
  }
  const rowOf = async ({ database }, browser) =>
    (await database.query("SELECT * FROM edge_oauth.session WHERE actor = $1", [actorOf(browser.session)]))[0];
  const atRest = ({ line }) => until("no connection is open", () => line.open === 0, 5000);

  /** Valid tokens go on; a refresh is 503 and presents nothing; afterwards everything is as it was. */
  async function assertOutage(world, { down, up, quick = false }) {
    const { gateway, provider, login, token } = world;
    const browser = await login();
    const first = await token(browser);
    await atRest(world);
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

  test("an operator finds whose a session is, where, since when and until when, and no token, claim or secret in clear", async (t) => {
    const world = await open(t);
    const { provider, login, token, database } = world;
    const browser = await login();
    await token(browser);
    await until("the use is written", async () => (await rowOf(world, browser)).generation >= 4);
    const row = await rowOf(world, browser);
    assert.equal(row.state, "active");
    assert.equal(row.subject, "ada");
    assert.equal(row.issuer, provider.issuer);
    assert.equal(row.region, "weur");
    for (const name of ["created_at", "last_used_at", "expires_at", "kept_until"]) assert.ok(row[name] instanceof Date, name);
    assert.equal(Math.round((row.expires_at - row.created_at) / 1000), 604_800);
    const [{ text }] = await database.query("SELECT string_agg(s::text || encode(record, 'escape'), '') AS text FROM edge_oauth.session s");
    const tokens = provider.calls.token.flatMap(({ answer }) => Object.values(answer.json)).filter((v) => typeof v === "string" && v.length > 8);
    for (const secret of [...tokens, "Lovelace", browser.session.value.split(".")[2]]) assert.ok(!text.includes(secret), secret);
    const id = actorOf(browser.session);
    await browser.api("/auth/logout", { method: "POST" });
    await until("the end is written", async () => (await database.query("SELECT state FROM edge_oauth.session WHERE actor = $1", [id]))[0].state === "ended");
  });

  test("a login that has not come back is not in it, and what has expired goes with the next login", async (t) => {
    const { browser, login, database } = await open(t);
    await browser().navigate("/auth/login", { follow: false });
    assert.equal((await database.query("SELECT * FROM edge_oauth.session")).length, 0);
    const insert = (actor, days) =>
      database.query(
        `INSERT INTO edge_oauth.session (actor, generation, record, state, issuer, subject, region, created_at, expires_at, kept_until)
         VALUES ($1, 1, '', 'ended', 'i', 's', 'weur', now(), now(), now() + $2 * interval '1 day')`,
        [actor.repeat(64), days],
      );
    await insert("a", -1);
    await insert("b", 1);
    await login();
    const left = (await database.query("SELECT actor FROM edge_oauth.session WHERE issuer = 'i'")).map(({ actor }) => actor[0]);
    assert.deepEqual(left, ["b"]);
  });

  test("conformance 43: a row that is older, forged, foreign, newer, cut or gone asks for a login, and the ledger says why", async (t) => {
    const world = await open(t);
    const { gateway, provider, login, database } = world;
    const other = await login();
    const browsers = await Promise.all(TAMPERINGS.map(() => login()));
    const older = await Promise.all(browsers.map((browser) => rowOf(world, browser)));
    for (const browser of browsers) assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const presented = provider.presented.length;
    await sleep(500);
    for (const [i, [what, make]] of TAMPERINGS.entries()) {
      const last = (await rowOf(world, browsers[i])).record;
      assert.ok(headerOf(last).generation > headerOf(older[i].record).generation, what);
      const record = make({ last, older: older[i].record, other: (await rowOf(world, other)).record });
      const id = actorOf(browsers[i].session);
      if (record) await database.query("UPDATE edge_oauth.session SET record = $2 WHERE actor = $1", [id, record]);
      else await database.query("DELETE FROM edge_oauth.session WHERE actor = $1", [id]);
    }
    await gateway.restart();
    for (const [i, [what, , why]] of TAMPERINGS.entries()) await assertUnreadable(gateway, browsers[i], why, what);
    assert.equal((await other.api("/api")).status, 200, "the one that nobody touched");
    assert.equal(provider.presented.length, presented);
  });

  test("conformance 43: the row of a time before its revocation brings a session not back", async (t) => {
    const world = await open(t);
    const { gateway, login, database } = world;
    const browser = await login();
    await sleep(300);
    const living = await rowOf(world, browser);
    const headers = { cookie: browser.sessionHeader };
    const id = actorOf(browser.session);
    assert.equal((await administer(gateway, "DELETE", `/sessions/${id}`)).status, 204);
    await until("the end is written", async () => (await rowOf(world, browser)).state === "ended");
    await database.query("UPDATE edge_oauth.session SET record = $2, generation = $3, state = 'active' WHERE actor = $1", [id, living.record, living.generation]);
    assert.equal((await gateway.request("/api", { headers })).json().reason, "revoked");
    await gateway.restart();
    assert.equal((await gateway.request("/api", { headers })).json().code, "login_required");
  });

  test("two gateways on one Postgres: copying rows gives neither a session of the other", async (t) => {
    const first = await open(t);
    const second = await createWorld(t, {
      hostile: { subject: "mallory" },
      vars: { SESSION_STORE: "neon", DATABASE_URL: first.database.url },
    });
    const [ada, mallory] = [await first.login(), await second.login()];
    await sleep(300);
    // The cookie of one at the other: same keys, same table, and in this test the same ids.
    for (let i = 0; i < 2; i += 1) {
      const answer = await second.gateway.request("/api", { headers: { cookie: ada.sessionHeader } });
      assert.equal(answer.json().code, "login_required");
      await second.gateway.restart();
    }
    // The other's row in one's own place.
    const stolen = await rowOf(first, ada);
    const id = actorOf(mallory.session);
    await first.database.query("UPDATE edge_oauth.session SET record = $2, generation = $3 WHERE actor = $1", [id, stolen.record, stolen.generation]);
    await second.gateway.restart();
    await assertUnreadable(second.gateway, mallory, /generation|does not open/, "a copied row");
    assert.equal((await ada.api("/auth/session")).json().subject, "ada", "and the owner's is as it was");
  });

  test("sessions at rest hold no connection, and what follows at once shares one", async (t) => {
    const world = await open(t);
    const { line, login } = world;
    const browsers = await Promise.all(Array.from({ length: 4 }, () => login()));
    await atRest(world);
    const opened = line.opened;
    await browsers[0].api("/auth/refresh", { method: "POST" });
    await sleep(300);
    assert.equal(line.opened, opened + 1);
    await atRest(world);
  });

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
    await atRest(world);
  });

  test("Postgres read-only, as behind a failover, is store_unavailable until it is not", async (t) => {
    const world = await open(t);
    const set = (value) => postgres.query(`ALTER DATABASE ${world.database.name} SET default_transaction_read_only = ${value}`);
    await assertOutage(world, { down: () => set("on"), up: () => set("off"), quick: true });
    assert.match(world.gateway.log, /read-only/);
  });

  test("full connection slots are store_unavailable until one is free", async (t) => {
    const world = await open(t);
    const limit = (number) => postgres.query(`ALTER DATABASE ${world.database.name} CONNECTION LIMIT ${number}`);
    await assertOutage(world, { down: () => limit(0), up: () => limit(-1), quick: true });
    assert.match(world.gateway.log, /too many connections/);
  });

  test("a wrong password is store_unavailable, and the log says so without quoting it", async (t) => {
    const { gateway, browser } = await open(t, { url: { password: "not-the-password" } });
    const page = await browser().navigate("/auth/login");
    assert.equal(page.status, 503);
    assert.match(gateway.log, /password authentication failed/);
    assert.ok(!gateway.log.includes("not-the-password"));
  });

  /** Breaks the line when the intent to refresh is written, in this way; the next connection is a good one. */
  function breakAtWrite(line, mode, drop) {
    line.drop = drop;
    let broken = false;
    line.watch = (piece) => {
      if (piece.includes("INSERT INTO") && !broken) {
        broken = true;
        return mode;
      }
      // A new connection says hello.
      return broken && piece.length > 8 && piece.readInt32BE(4) === 196_608 ? "through" : undefined;
    };
  }

  for (const [what, drop] of [["the connection is dropped before the answer", true], ["the answer never comes", false]]) {
    test(`conformance 43: in the middle of a transaction ${what}: it is found to be written, and the refresh goes on with one presentation`, async (t) => {
      const world = await open(t);
      const { provider, login, token, line, gateway } = world;
      const browser = await login();
      const first = await token(browser);
      await atRest(world);
      await setClockAhead(gateway, LIFE + 1);
      breakAtWrite(line, "mute", drop);
      assert.notEqual(await token(browser), first);
      assert.equal(provider.presented.length, 1);
      await gateway.kill9();
      await gateway.restart();
      await browser.api("/auth/refresh", { method: "POST" });
      assert.equal(new Set(provider.presented).size, provider.presented.length);
    });
  }

  test("conformance 43: a transaction that never arrived is none: 503, nothing is presented, and the next try goes through", async (t) => {
    const world = await open(t);
    const { provider, login, token, line, gateway } = world;
    const browser = await login();
    const first = await token(browser);
    await atRest(world);
    await setClockAhead(gateway, LIFE + 1);
    breakAtWrite(line, "refuse", true);
    const answer = await browser.api("/api");
    assert.equal(answer.status, 503);
    assert.equal(provider.presented.length, 0);
    line.watch = undefined;
    line.mode = "through";
    assert.notEqual(await token(browser), first);
    assert.equal(provider.presented.length, 1);
  });

  test("tokens that come while Postgres is away are kept by the actor, outlive the process, and get there later", async (t) => {
    const world = await open(t);
    const { provider, login, token, line, gateway } = world;
    const browser = await login();
    await atRest(world);
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
    await atRest(world);
    line.mode = "refuse";
    assert.equal((await one.api("/auth/logout", { method: "POST" })).status, 303);
    assert.equal((await administer(gateway, "DELETE", `/sessions/${ids[1]}`)).status, 204);
    await gateway.kill9();
    await gateway.restart();
    assert.equal((await gateway.request("/api", { headers: headers[0] })).json().reason, "logout");
    assert.equal((await gateway.request("/api", { headers: headers[1] })).json().reason, "revoked");
    line.mode = "through";
    // The alarm brings them there, a minute later.
    const rows = () => world.database.query("SELECT state FROM edge_oauth.session WHERE actor = ANY($1)", [ids]);
    await until("both rows say so", async () => (await rows()).filter(({ state }) => state === "ended").length === 2, 80_000);
  });

  test("an alarm that finds Postgres away looks again after a pause, and the session is refreshed when it is back", async (t) => {
    const world = await open(t, { hostile: { accessTokenSeconds: 3 } });
    const { gateway, line, login, token } = world;
    const browser = await login();
    await token(browser);
    await until("the use is written", async () => (await rowOf(world, browser)).generation >= 4);
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
    await until("the use is written", async () => (await rowOf(world, browser)).generation >= 4);
    await atRest(world);
    line.mode = "refuse";
    await gateway.restart();
    const answer = await administer(gateway, "GET", `/sessions/${id}`);
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.json().code, "store_unavailable");
    const listed = (await administer(gateway, "GET", "/users/ada/sessions")).json().sessions;
    assert.deepEqual(listed.map((session) => session.id), [id]);
    line.mode = "through";
    assert.equal((await inspect(gateway, id)).state, "active");
  });

  test("TLS: a server whose certificate is signed by a trusted authority is spoken to, and no other", async (t) => {
    const url = { host: "localhost", query: "?sslmode=require&channel_binding=require" };
    const world = await open(t, { url, trust: certificate().ca });
    await world.token(await world.login());
    const [{ ssl }] = await postgres.query(
      `SELECT bool_and(s.ssl) AS ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.datname = '${world.database.name}'`,
    );
    assert.equal(ssl, true);
    const distrusted = await open(t, { url });
    assert.equal((await distrusted.browser().navigate("/auth/login")).status, 503);
    const plain = await startPostgres();
    t.after(() => plain.close());
    const without = await open(t, { url, trust: certificate().ca, on: plain });
    assert.equal((await without.browser().navigate("/auth/login")).status, 503);
    assert.match(without.gateway.log, /does not support TLS/);
  });

  test("Hyperdrive, where it is bound, comes before DATABASE_URL", async (t) => {
    const { login: who, ...database } = await postgres.database();
    const world = await createWorld(t, {
      hostile: true,
      hyperdrive: { address: `127.0.0.1:${postgres.port}`, ...who },
      vars: { SESSION_STORE: "neon", DATABASE_URL: "postgres://nobody:nothing@127.0.0.1:9/none" },
    });
    const browser = await world.login();
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.equal((await database.query("SELECT * FROM edge_oauth.session")).length, 1);
  });

  test("a session moves between stores with SESSION_STORE, and its user stays logged in", async (t) => {
    const kv = await startKv();
    t.after(() => kv.close());
    const world = await open(t, { vars: { SESSION_STORE: "durable" }, kv: kv.address });
    const { gateway, provider, login, token, database } = world;
    const browser = await login();
    const id = actorOf(browser.session);
    const rows = async () => (await database.query("SELECT actor FROM edge_oauth.session")).length;
    for (const [store, inKv, inPostgres] of [["neon", 0, 1], ["kv", 1, 0], ["durable", 0, 0], ["kv", 1, 0], ["neon", 0, 1]]) {
      const before = await token(browser);
      await sleep(1100); // KV takes one write of a key a second
      gateway.vars.SESSION_STORE = store;
      await gateway.restart();
      assert.equal(await token(browser), before, store);
      assert.equal((await inspect(gateway, id)).store, store);
      await until(`it is in ${store} alone`, async () => kv.values.size === inKv && (await rows()) === inPostgres);
      assert.equal((await inspect(gateway, id)).state, "active");
    }
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.equal(provider.presented.length, 1);
  });

  test("make migrate does nothing the second time", async () => {
    const { url } = await postgres.database();
    assert.match(migrate(url), /No migrations to run/);
  });

  test("DATABASE_URL and STATE_KEYS are named when they are missing or wrong, and no password is quoted", async (t) => {
    for (const [vars, wanted] of [
      [{}, ["DATABASE_URL"]],
      [{ STATE_KEYS: undefined }, ["DATABASE_URL", "STATE_KEYS"]],
      [{ DATABASE_URL: "mysql://u:s3cret@db.example/d" }, ["DATABASE_URL"]],
      [{ DATABASE_URL: "postgres://u:s3cret@db.example/d?sslmode=disable" }, ["DATABASE_URL"]],
    ]) {
      const provider = { issuer: "http://127.0.0.1:9", clientId: "c" };
      const gateway = await startGateway({ provider, upstream: { origin: "http://127.0.0.1:9" }, vars: { SESSION_STORE: "neon", ...vars } });
      t.after(() => gateway.close());
      const answer = await gateway.request("/auth/healthz");
      assert.deepEqual(answer.json().problems.map(({ variable }) => variable).toSorted(), wanted);
      assert.ok(!answer.text.includes("s3cret"));
      await gateway.stop();
    }
  });
});
