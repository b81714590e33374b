// What an actor writes: nothing for a hot request, nothing for a forged cookie, and nothing secret into its event log.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorOf, actorProbe, newActorId } from "./parts/actors.mjs";
import { administer, inspect, sessionsOf } from "./parts/administration.mjs";
import { INSTRUMENTS, storageCalls } from "./parts/instruments.mjs";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

/** A main module that can turn what actors have stored into what a build before the first release wrote. */
const FORMER = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";
let former = false;
const TABLES = { record: "state", session: "row", facts: "facts" };
function age({ sql }) {
  if (!former) return;
  const names = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'").toArray().map(({ name }) => name);
  for (const [table, column] of Object.entries(TABLES).filter(([table]) => names.includes(table))) {
    for (const { id, blob } of sql.exec("SELECT rowid AS id, " + column + " AS blob FROM " + table).toArray()) {
      // The version of the wire, and that of what is stored; and a field was missing.
      const bytes = new Uint8Array(blob).slice(0, -1);
      bytes[1] = 0;
      sql.exec("UPDATE " + table + " SET " + column + " = ? WHERE rowid = ?", bytes.buffer, id);
    }
  }
}
export class SessionActor extends exported.SessionActor {
  constructor(state, env) {
    age(state.storage);
    super(state, env);
  }
}
export class RegionDirectory extends exported.RegionDirectory {
  constructor(state, env) {
    age(state.storage);
    super(state, env);
  }
}
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/__former") return bundle.fetch(request, env, context);
    former = true;
    return new Response("");
  }
}
`;

/** A main module in which a session's own storage can refuse its record, sessions can be out of reach, and alarms come soon. */
const FAILING = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";
let mode = "well";
let wrapped = false;
export class SessionActor extends exported.SessionActor {
  constructor(state, env) {
    if (!wrapped) {
      wrapped = true;
      const [sql, storage] = [state.storage.sql, state.storage].map(Object.getPrototypeOf);
      const [{ exec }, { setAlarm }] = [sql, storage];
      sql.exec = function (query, ...values) {
        if (mode === "full" && query.includes("INSERT INTO record")) throw new Error("the disk is full");
        return exec.call(this, query, ...values);
      };
      storage.setAlarm = function (at, ...more) {
        return setAlarm.call(this, Math.min(Number(at), Date.now() + 2000), ...more);
      };
    }
    super(state, env);
  }
  async ask(message) {
    if (mode === "alone") throw new Error("unreachable");
    return super.ask(message);
  }
}
export default {
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/__mode") return bundle.fetch(request, env, context);
    mode = searchParams.get("mode");
    return new Response("");
  }
}
`;

describe("storage", () => {
  test("a hot Get does 0 storage operations", async (t) => {
    const { gateway, login, token } = await createWorld(t, { entry: INSTRUMENTS });
    const browser = await login();
    await token(browser); // the first use is written down
    await sleep(300);
    const before = await storageCalls(gateway);
    assert.ok(before.total > 0, "the calls are counted");
    for (let i = 0; i < 50; i += 1) await token(browser);
    await Promise.all(Array.from({ length: 50 }, () => token(browser)));
    await sleep(200);
    const behind = await storageCalls(gateway);
    assert.deepEqual(behind.counts, before.counts);
  });

  test("a request with a forged cookie writes nothing to storage", async (t) => {
    const { gateway } = await createWorld(t, { entry: INSTRUMENTS, probe: await actorProbe() });
    // An id that the platform issued, of an actor without a session.
    const id = await newActorId(gateway);
    const cookie = `edge-session=weur.${id}.${"a".repeat(43)}`;
    for (let i = 0; i < 3; i += 1) assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401);
    const { counts } = await storageCalls(gateway);
    const writes = Object.keys(counts).filter((name) => /put|delete|setAlarm|transaction/i.test(name));
    assert.deepEqual(writes, []);
    assert.ok((counts["sql.exec"] ?? 0) <= 2, `${counts["sql.exec"]} statements: one look for the record`);
    assert.deepEqual(gateway.events, []);
  });

  test("nothing secret is in the event log of a login, a refresh and a logout", async (t) => {
    const { gateway, provider, login } = await createWorld(t);
    const browser = await login();
    const cookie = browser.session.value;
    await browser.api("/auth/refresh", { method: "POST" });
    const callback = new URL(browser.hops.find(({ url }) => url.pathname === "/auth/callback").url);
    await browser.navigate("/auth/logout", { from: browser.origin, method: "POST" });
    await gateway.untilEvent("end");
    const tokens = provider.calls.token.flatMap(({ body }) => [body.access_token, body.refresh_token, body.id_token]);
    const { code, state } = Object.fromEntries(callback.searchParams);
    const verifier = provider.tokenCalls("authorization_code")[0].params.code_verifier;
    const secrets = [...tokens, code, state, verifier, cookie, cookie.split(".")[2], provider.clientSecret];
    for (const secret of secrets) assert.ok(secret && !gateway.log.includes(secret), secret);
  });

  test("log lines have the documented fields", async (t) => {
    const { gateway, login } = await createWorld(t);
    await login();
    const events = gateway.events;
    assert.deepEqual(events.map(({ event }) => event), ["complete"]);
    for (const line of events) {
      assert.deepEqual(
        Object.keys(line).toSorted(),
        // A login that has begun does not know its user yet.
        ["actor", "cause", "class", "detail", "duration_ms", "event", "next_alarm_at", "outcome", "region", "user"],
      );
      assert.equal(line.class, "SessionActor");
      assert.equal(line.cause, "request");
      assert.match(line.actor, /^[0-9a-f]{64}$/);
    }
  });

  test("sessions that a build before the first release stored do not live on, and their user logs in once more", async (t) => {
    const { gateway, login, token } = await createWorld(t, { hostile: true, entry: FORMER });
    const [browser, other] = [await login(), await login()];
    const cookie = other.sessionHeader;
    await token(other);
    await gateway.restart();
    await gateway.request("/__former");
    const answer = await gateway.request("/api", { headers: { cookie } });
    assert.equal(answer.status, 401, answer.text);
    for (const [number, again] of [other, browser].entries()) {
      const page = await again.navigate("/auth/login?return_to=/");
      assert.equal(page.status, 200, page.text);
      await token(again);
      assert.equal((await sessionsOf(gateway, "ada")).length, number + 1);
    }
    assert.match(gateway.log, /the record of session .* a build before the first release wrote it/);
    assert.match(gateway.log, /rows of a directory that cannot be read, and are passed over: 2/);
  });

  for (const [how, again] of [["is repeated", true], ["comes no more, and the alarm does", false]]) {
    test(`an end that the session's own storage did not take is made good when the request ${how}`, async (t) => {
      const { gateway, provider, login, token } = await createWorld(t, { hostile: true, entry: FAILING });
      const setMode = (mode) => gateway.request(`/__mode?mode=${mode}`);
      const browser = await login();
      const cookie = browser.sessionHeader;
      const id = actorOf(browser.session);
      await token(browser);
      await sleep(300);
      await setMode("full");
      assert.equal((await administer(gateway, `/sessions/${id}`, { method: "DELETE" })).status, 503);
      assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401);
      assert.deepEqual(provider.revoked, [], "the process may end before it is written");
      await setMode("well");
      if (again) assert.equal((await administer(gateway, `/sessions/${id}`, { method: "DELETE" })).status, 204);
      await until("the refresh token is revoked", () => provider.revoked.length === 1);
      const { state, ledger } = await inspect(gateway, id);
      assert.equal(state, "ended");
      assert.deepEqual(ledger.filter(({ event }) => event === "end").map(({ outcome, cause }) => [outcome, cause]), [["revoked", "admin"]]);
      await sleep(300);
      await setMode("alone");
      assert.deepEqual((await sessionsOf(gateway, "ada")).map(({ state }) => state), ["ended"], "the directory was told");
    });
  }
});
