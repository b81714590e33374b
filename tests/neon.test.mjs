// Sessions in Postgres, a real one: what is in it, what it may do to a session (nothing), and the ways to it. Conformance.md
// 43; neon-outage.test.mjs has every way in which it can be away.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { certificate } from "./parts/certificate.mjs";
import { startGateway } from "./parts/gateway.mjs";
import { startKv } from "./parts/kv.mjs";
import { createNeonWorld, isAtRest, isWritten, rowAt, rowOf } from "./parts/neon.mjs";
import { migrate, startPostgres } from "./parts/postgres.mjs";
import { sleep, until } from "./parts/process.mjs";
import { assertUnreadable, headerOf, TAMPERINGS } from "./parts/records.mjs";
import { administer, inspect } from "./parts/sessions.mjs";
import { createWorld } from "./parts/world.mjs";

describe("neon", { concurrency: 3 }, () => {
  let postgres;
  before(async () => {
    postgres = await startPostgres({ tls: certificate() });
  });
  after(() => postgres.close());

  const open = (t, { on = postgres, ...more } = {}) => createNeonWorld(t, on, more);

  test("an operator finds whose a session is, where, since when and until when, and no token, claim or secret in clear", async (t) => {
    const world = await open(t);
    const { provider, login, token, database } = world;
    const browser = await login();
    await token(browser);
    await isWritten(world, browser);
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
    await until("the end is written", async () => (await rowAt(world, id)).state === "ended");
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

  test("conformance 43: a row that somebody else has written over stands in no write's way: the session goes on, and its ledger says so", async (t) => {
    const world = await open(t);
    const { gateway, provider, login, token, database } = world;
    const overwrite = (browser, set) => database.query(`UPDATE edge_oauth.session SET ${set} WHERE actor = $1`, [actorOf(browser.session)]);
    const cases = [
      ["a higher generation", "generation = generation + 1000", /generation \d{4},/],
      ["the highest generation", "generation = 9223372036854775807", /generation 9223372036854775807,/],
      ["a higher generation and another record", "generation = generation + 1, record = ''", /generation \d+,/],
      ["the next generation, of a session that nobody holds in memory", "generation = generation + 1", /generation \d+,/],
    ];
    const browsers = await Promise.all(cases.map(() => login()));
    for (const [i, [what, set, detail]] of cases.entries()) {
      const browser = browsers[i];
      const id = actorOf(browser.session);
      const first = await token(browser);
      await isWritten(world, browser);
      await overwrite(browser, set);
      if (what.includes("nobody")) await gateway.restart();
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200, what);
      const second = await token(browser);
      assert.notEqual(second, first, what);
      await until("the row is the actor's", async () => Number((await rowOf(world, browser)).generation) === (await inspect(gateway, id)).generation);
      const { ledger } = await inspect(gateway, id);
      const entries = ledger.filter(({ outcome }) => outcome === "foreign_record");
      assert.equal(entries.length, 1, what);
      assert.match(entries[0].detail, detail, what);
    }
    await gateway.restart();
    for (const browser of browsers) assert.ok(await token(browser));
    // What ends a session is written, too. Until then the fact counts.
    const [{ session }] = browsers;
    await overwrite({ session }, "generation = 1000");
    assert.equal((await administer(gateway, "DELETE", `/sessions/${actorOf(session)}`)).status, 204);
    await until("the end is written", async () => (await rowOf(world, { session })).state === "ended");
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });

  test("two gateways on one Postgres: copying rows gives neither a session of the other", async (t) => {
    const first = await open(t);
    const second = await createWorld(t, {
      hostile: { subject: "mallory" },
      vars: { SESSION_STORE: "neon", DATABASE_URL: first.database.url },
    });
    const [ada, mallory] = [await first.login(), await second.login()];
    await sleep(300);
    // The cookie of one gateway at the other: same keys, same table, and in this test the same ids.
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
    await isAtRest(world);
    const opened = line.opened;
    await browsers[0].api("/auth/refresh", { method: "POST" });
    await sleep(300);
    assert.equal(line.opened, opened + 1);
    await isAtRest(world);
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

  test("make migrate says what it did in one sentence, and what to correct where it cannot", async () => {
    const { name, url } = await postgres.database();
    assert.match(migrate(url), /^the schema at \S+ is up to date: there was nothing to do\n$/);
    await postgres.query("CREATE DATABASE empty OWNER gateway");
    assert.match(migrate(postgres.urlOf("empty")), /^the schema at \S+ is up to date now: 0001_\w+\n$/);
    for (const [wrong, wanted] of [
      [postgres.urlOf(name, { port: 9 }), /nothing answers there: correct host and port in DATABASE_URL/],
      [postgres.urlOf(name, { password: "not-the-password" }), /refuses this user: correct user and password in DATABASE_URL/],
      [postgres.urlOf("nowhere"), /has no such database: correct its name in DATABASE_URL/],
      [postgres.urlOf(name, { host: "localhost", query: "?sslmode=verify-full" }), /certificate is not trusted here: name its authority's file with NODE_EXTRA_CA_CERTS/],
      ["mysql://u:not-the-password@127.0.0.1/d", /DATABASE_URL is not the URL of a Postgres database, as in 'postgres:/],
      ["", /DATABASE_URL is missing: make migrate DATABASE_URL='postgres:/],
    ]) {
      assert.throws(() => migrate(wrong), ({ stderr }) => {
        assert.match(stderr, wanted);
        assert.equal(stderr.trim().split("\n").length, 1, stderr);
        return !stderr.includes("not-the-password");
      });
    }
  });

  test("DATABASE_URL and STATE_KEYS are named when they are missing or wrong, and no password is quoted", async (t) => {
    for (const [vars, wanted] of [
      [{}, ["DATABASE_URL"]],
      [{ STATE_KEYS: undefined }, ["DATABASE_URL", "STATE_KEYS"]],
      [{ DATABASE_URL: "mysql://u:s3cret@db.example/d" }, ["DATABASE_URL"]],
      [{ DATABASE_URL: "postgres://u:s3cret@db.example/d?sslmode=disable" }, ["DATABASE_URL"]],
    ]) {
      const provider = { issuer: "http://127.0.0.1:9", clientId: "c", clientSecret: "s" };
      const gateway = await startGateway({ provider, upstream: { origin: "http://127.0.0.1:9" }, vars: { SESSION_STORE: "neon", ...vars } });
      t.after(() => gateway.close());
      const answer = await gateway.request("/auth/healthz");
      assert.deepEqual(answer.json().problems.map(({ variable }) => variable).toSorted(), wanted);
      assert.ok(!answer.text.includes("s3cret"));
      await gateway.stop();
    }
  });
});
