// The administrators' API: every row of its table, and that what it ends has ended. Conformance.md 41.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorOf, actorProbe, newActorId } from "./parts/actors.mjs";
import { administer, assertDetail, assertProblem, assertSummary, inspect, migration, sessionsOf } from "./parts/administration.mjs";
import { burst, expired, statuses } from "./parts/expired.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { sleep, until } from "./parts/process.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { CF_HEADER } from "./parts/workerd.mjs";
import { createWorld } from "./parts/world.mjs";

const IN_AUSTRALIA = { [CF_HEADER]: JSON.stringify({ continent: "OC", country: "AU" }) };
const UNKNOWN = "0123456789abcdef".repeat(4);

describe("admin", () => {
  let world;
  let gateway;
  before(async () => {
    world = await createWorld(undefined, { provider: {}, probe: await actorProbe() });
    gateway = world.gateway;
  });
  after(() => world.close());

  const statusOf = async (browser) => (await gateway.request("/api", { headers: { cookie: browser.sessionHeader } })).status;
  const end = (id) => administer(gateway, `/sessions/${id}`, { method: "DELETE" });

  /** Every call there is, for a session. */
  const calls = (id, subject = "ada") => [
    ["GET", `/users/${subject}/sessions`],
    ["DELETE", `/users/${subject}/sessions`],
    ["GET", `/sessions/${id}`],
    ["DELETE", `/sessions/${id}`],
    ["POST", `/sessions/${id}/refresh`],
    ["POST", `/sessions/${id}/migrate`, JSON.stringify({ region: "oc" })],
  ];

  test("conformance 41: admin without, with a wrong key, or with a user's token is 401 invalid_token, and nothing happens", async () => {
    const browser = await world.login({ hint: "eve" });
    const id = actorOf(browser.session);
    const { access_token, id_token } = world.provider.calls.token.at(-1).body;
    const before = await inspect(gateway, id);
    const wrong = [
      undefined,
      "",
      "x",
      ADMIN_TOKEN.slice(0, -1),
      `${ADMIN_TOKEN}1`,
      ADMIN_TOKEN.toUpperCase(),
      access_token,
      id_token,
      browser.session.value,
      browser.session.value.split(".")[2],
    ];
    for (const [method, path, body] of calls(id, "eve")) {
      for (const token of wrong) {
        const answer = await administer(gateway, path, { method, body, token, headers: { cookie: browser.sessionHeader, "sec-fetch-site": "same-origin" } });
        assertProblem(answer, 401, "invalid_token", `${method} ${path} ${token}`);
        assert.match(answer.headers["www-authenticate"], /^Bearer/);
      }
      const basic = await administer(gateway, path, { method, body, token: undefined, headers: { authorization: `Basic ${btoa(`admin:${ADMIN_TOKEN}`)}` } });
      assertProblem(basic, 401, "invalid_token");
      const query = await administer(gateway, `${path}?access_token=${ADMIN_TOKEN}&token=${ADMIN_TOKEN}`, { method, body, token: undefined });
      assertProblem(query, 401, "invalid_token");
    }
    assert.deepEqual(await inspect(gateway, id), before);
    assert.equal(await statusOf(browser), 200);
  });

  test("an address that does not exist is 401 to a stranger and 404 to an administrator", async () => {
    for (const path of ["/x", "/users", "/users/ada", "/users//sessions", "/sessions", "/sessions/", "/sessions/short", `/sessions/${UNKNOWN}/x`, "/openapi.json/"]) {
      assertProblem(await administer(gateway, path, { token: undefined }), 401, "invalid_token", path);
      assertProblem(await administer(gateway, path), 404, "not_found", path);
    }
  });

  test("without ADMIN_TOKEN every admin path is 404, whatever the method and the token", async (t) => {
    const { gateway, browser } = await createWorld(t, { vars: { ADMIN_TOKEN: undefined } });
    for (const [method, path, body] of [...calls(UNKNOWN), ["GET", ""], ["GET", "/"], ["GET", "/openapi.json"], ["PUT", "/"]]) {
      for (const token of [undefined, ADMIN_TOKEN, "", "undefined"]) {
        assertProblem(await administer(gateway, path, { method, body, token }), 404, "not_found", `${method} ${path}`);
      }
    }
    assert.equal((await browser().api("/auth/healthz")).status, 200);
  });

  test("each resource answers other methods with 405 and names those that it has", async () => {
    for (const [path, allow, methods] of [
      ["/", "GET, HEAD", ["POST", "DELETE", "PUT"]],
      ["/openapi.json", "GET, HEAD", ["POST", "DELETE"]],
      ["/users/ada/sessions", "GET, HEAD, DELETE", ["POST", "PUT", "PATCH"]],
      [`/sessions/${UNKNOWN}`, "GET, HEAD, DELETE", ["POST", "PUT"]],
      [`/sessions/${UNKNOWN}/refresh`, "POST", ["GET", "DELETE"]],
      [`/sessions/${UNKNOWN}/migrate`, "POST", ["GET", "PUT"]],
    ]) {
      for (const method of methods) {
        // The console is on a host of its own.
        const answer = path === "/" ? await gateway.atConsole("/auth/admin/", { method }) : await administer(gateway, path, { method });
        assertProblem(answer, 405, "method_not_allowed", `${method} ${path}`);
        assert.equal(answer.headers.allow, allow);
      }
    }
  });

  test("the sessions of a user: where and with what they logged in, the newest first, and nobody else's", async () => {
    const first = world.browser({ userAgent: "First/1.0", headers: IN_AUSTRALIA });
    await first.login({ hint: "lists" });
    const second = await world.login({ hint: "lists" });
    await world.login({ hint: "somebody-else" });
    const answer = await administer(gateway, "/users/lists/sessions");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["cache-control"], "no-store");
    const list = answer.json();
    assert.deepEqual(Object.keys(list).toSorted(), ["issuer", "sessions", "subject"]);
    assert.equal(list.subject, "lists");
    assert.equal(list.issuer, world.provider.issuer);
    for (const summary of list.sessions) assertSummary(summary);
    assert.deepEqual(list.sessions.map(({ id }) => id), [second, first].map(({ session }) => actorOf(session)));
    const [there, here] = list.sessions;
    assert.deepEqual([here.region, here.country, here.user_agent, here.state], ["oc", "AU", "First/1.0", "active"]);
    assert.deepEqual([there.region, there.country, there.user_agent], ["weur", null, "Mozilla/5.0 (scripted)"]);
    const head = await administer(gateway, "/users/lists/sessions", { method: "HEAD" });
    assert.deepEqual([head.status, head.text], [200, ""]);
  });

  test("a user whom nobody has seen has no sessions", async () => {
    const answer = await administer(gateway, "/users/nobody/sessions");
    assert.deepEqual(answer.json(), { subject: "nobody", issuer: world.provider.issuer, sessions: [] });
    const none = await administer(gateway, "/users/nobody/sessions", { method: "DELETE" });
    assert.deepEqual([none.status, none.json()], [200, { revoked: 0 }]);
  });

  test("a subject may be anything that a URL can encode", async () => {
    for (const subject of ["auth0|ada/1", "a b+c%2f", "ädä", "?x#y", "a;b=c&d"]) {
      const browser = await world.login({ hint: subject });
      const listed = await administer(gateway, `/users/${encodeURIComponent(subject)}/sessions`);
      assert.equal(listed.json().subject, subject);
      assert.deepEqual(listed.json().sessions.map(({ id }) => id), [actorOf(browser.session)], subject);
    }
    const malformed = await administer(gateway, "/users/%ff/sessions");
    assertProblem(malformed, 404, "not_found");
  });

  test("one session: everything but its tokens, and its ledger from the login on", async () => {
    const browser = await world.login({ hint: "detail" });
    await world.token(browser);
    const detail = await inspect(gateway, actorOf(browser.session));
    assertDetail(detail);
    assert.equal(detail.id, actorOf(browser.session));
    assert.deepEqual([detail.subject, detail.issuer, detail.store, detail.state, detail.epoch], ["detail", world.provider.issuer, "durable", "active", 0]);
    assert.ok(detail.generation > 0);
    assert.deepEqual(detail.ledger.map(({ event, outcome }) => `${event} ${outcome}`), ["complete ok"]);
    assert.ok(detail.ledger.every(({ cause, region }) => cause === "request" && region === "weur"));
    const life = Date.parse(detail.access_token_expires_at) - Date.parse(detail.created_at);
    assert.ok(Math.abs(life - 300_000) < 3000, `${life} ms`);
  });

  test("an id that was never known is 404: forged, or of the platform but new", async () => {
    for (const id of [UNKNOWN, await newActorId(gateway)]) {
      for (const [method, path, body] of calls(id).slice(2)) {
        assertProblem(await administer(gateway, path, { method, body }), 404, "not_found", `${method} ${path}`);
      }
    }
    for (const id of ["ABCDEF0123456789".repeat(4), "x".repeat(64), `${UNKNOWN}0`, "%00"]) {
      assertProblem(await administer(gateway, `/sessions/${id}`), 404, "not_found", id);
    }
  });

  test("conformance 41: a revocation holds on the very next request, says why, and revokes the refresh token", async () => {
    const browser = await world.login({ hint: "revoked" });
    const other = await world.login({ hint: "revoked" });
    const id = actorOf(browser.session);
    const { refresh_token } = world.provider.calls.token.at(-2).body;
    const cookie = browser.sessionHeader;
    const answer = await end(id);
    assert.deepEqual([answer.status, answer.text], [204, ""]);
    const next = await browser.api("/api");
    assert.equal(assertProblem(next, 401, "session_ended").reason, "revoked");
    assert.equal(browser.session, undefined, "the cookie is taken away");
    for (const [method, path] of [["GET", "/auth/session"], ["POST", "/auth/refresh"], ["GET", "/auth/sessions"]]) {
      const refused = await gateway.request(path, { method, headers: { cookie, "sec-fetch-site": "same-origin" } });
      assert.equal(assertProblem(refused, 401, "session_ended", path).reason, "revoked");
    }
    assert.equal(await statusOf(other), 200, "the user's other session lives");
    await until("the refresh token is revoked", async () => (await world.provider.refreshToken(refresh_token)) === "gone");
    assert.equal((await end(id)).status, 204, "once more");
    const detail = await inspect(gateway, id);
    assertDetail(detail);
    assert.equal(detail.state, "ended");
    assert.equal(detail.access_token_expires_at, null);
    const lines = detail.ledger.slice(1).map(({ event, outcome, cause }) => `${event} ${outcome} ${cause}`);
    assert.deepEqual(lines, ["end revoked admin", "revoke ok admin", "revoke revoked admin", "get_denied ended request"]);
    const listed = await sessionsOf(gateway, "revoked");
    assert.deepEqual(Object.fromEntries(listed.map(({ id, state }) => [id, state])), { [id]: "ended", [actorOf(other.session)]: "active" });
  });

  const WAYS = {
    "an administrator's revocation": (browser) => end(actorOf(browser.session)),
    "a revoke-all": () => administer(gateway, "/users/busy/sessions", { method: "DELETE" }),
    "the user's own revocation elsewhere": async (browser) => {
      const elsewhere = await world.login({ hint: "busy" });
      return elsewhere.api(`/auth/sessions/${actorOf(browser.session)}`, { method: "DELETE" });
    },
  };
  for (const [what, revoke] of Object.entries(WAYS)) {
    test(`conformance 41: with a hundred requests in flight none that is sent after ${what} passes`, async () => {
      const browser = await world.login({ hint: "busy" });
      let over = false;
      const late = [];
      const one = async () => {
        while (late.length < 100) {
          const sentAfter = over;
          const { status } = await gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
          assert.ok(status === 200 || status === 401, `${status}`);
          if (sentAfter) late.push(status);
        }
      };
      const clients = Array.from({ length: 100 }, one);
      await sleep(300);
      assert.ok([200, 204].includes((await revoke(browser)).status));
      over = true;
      await Promise.all(clients);
      assert.deepEqual([...new Set(late)], [401]);
    });
  }

  test("conformance 41: a revocation during a refresh wins, and what the refresh brings is revoked", async (t) => {
    const { gateway, provider, browser } = await expired(t);
    const id = actorOf(browser.session);
    provider.answers.token = async (valid) => {
      const answer = valid();
      await sleep(1500);
      return answer;
    };
    const waiting = burst(browser, 20);
    await until("the refresh is under way", () => provider.refreshes.length === 1);
    assert.equal((await administer(gateway, `/sessions/${id}`, { method: "DELETE" })).status, 204);
    const cookie = browser.sessionHeader;
    const next = await gateway.request("/api", { headers: { cookie } });
    assert.equal(assertProblem(next, 401, "session_ended").reason, "revoked");
    assert.deepEqual(statuses(await waiting), [401]);
    const brought = provider.refreshes[0].answer.json.refresh_token;
    await until("the new refresh token is revoked", () => provider.revoked.includes(brought));
    assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401);
  });

  test("revoke all ends every session of the user, says how many, and leaves other users alone", async () => {
    const theirs = [await world.login({ hint: "all" }), await world.login({ hint: "all" }), await world.login({ hint: "all" })];
    const other = await world.login({ hint: "not-all" });
    assert.equal((await end(actorOf(theirs[0].session))).status, 204);
    const answer = await administer(gateway, "/users/all/sessions", { method: "DELETE" });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { revoked: 2 });
    for (const browser of theirs) assert.equal(await statusOf(browser), 401);
    assert.equal(await statusOf(other), 200);
    assert.ok((await sessionsOf(gateway, "all")).every(({ state }) => state === "ended"));
    const again = await administer(gateway, "/users/all/sessions", { method: "DELETE" });
    assert.deepEqual(again.json(), { revoked: 0 });
    const back = await world.login({ hint: "all" });
    assert.equal(await statusOf(back), 200, "who logs in again is in again");
    const line = gateway.events.find(({ class: name, event }) => name === "RegionDirectory" && event === "revoke");
    assert.deepEqual([line.outcome, line.cause], ["ok", "admin"]);
  });

  test("a login that is under way does not outlive a revoke-all", async () => {
    await world.login({ hint: "returning" });
    const browser = world.browser();
    const callback = await callbackOf(await authenticated(browser, "returning"));
    assert.deepEqual((await administer(gateway, "/users/returning/sessions", { method: "DELETE" })).json(), { revoked: 2 });
    const page = await browser.navigate(callback.href);
    assert.equal(page.status, 400);
    assert.match(page.text, /<h1>Login failed/);
    assert.equal(browser.session, undefined);
    const { refresh_token } = world.provider.calls.token.at(-1).body;
    await until("its refresh token is revoked", async () => (await world.provider.refreshToken(refresh_token)) === "gone");
    assert.ok((await sessionsOf(gateway, "returning")).every(({ state }) => state === "ended"));
    await browser.login();
    assert.equal(await statusOf(browser), 200);
  });

  /** A browser that the provider knows, so that its next login is a matter of redirects. */
  async function authenticated(browser, hint) {
    await browser.login({ hint });
    browser.jar().cookies.length = 0;
    return browser;
  }

  test("a refresh brings a new token at once, and its ledger says on whose behalf", async () => {
    const browser = await world.login({ hint: "refreshed" });
    const before = await world.token(browser);
    const { last_used_at } = await inspect(gateway, actorOf(browser.session));
    assert.ok(last_used_at, "a request was proxied for it");
    const answer = await administer(gateway, `/sessions/${actorOf(browser.session)}/refresh`, { method: "POST" });
    assert.equal(answer.status, 200);
    const detail = answer.json();
    assertDetail(detail);
    assert.equal(detail.id, actorOf(browser.session));
    const line = detail.ledger.find(({ event }) => event === "refresh");
    assert.deepEqual([line.outcome, line.cause], ["ok", "admin"]);
    assert.equal(detail.last_used_at, last_used_at, "an administrator's call is no use of it");
    await end(detail.id);
    assert.equal((await inspect(gateway, detail.id)).last_used_at, last_used_at, "nor is its end");
  });

  test("a refresh is followed by requests with the new token", async () => {
    const browser = await world.login({ hint: "refreshed-again" });
    const before = await world.token(browser);
    await administer(gateway, `/sessions/${actorOf(browser.session)}/refresh`, { method: "POST" });
    assert.notEqual(await world.token(browser), before);
  });

  test("a session that has ended by itself is 409 for refresh and migrate, with the reason, and 204 for revoke", async () => {
    const browser = await world.login({ hint: "gone" });
    const id = actorOf(browser.session);
    await browser.api("/auth/logout", { method: "POST" });
    for (const call of [["refresh", { method: "POST" }], ["migrate", migration("oc")]]) {
      const problem = assertProblem(await administer(gateway, `/sessions/${id}/${call[0]}`, call[1]), 409, "session_ended");
      assert.equal(problem.reason, "logout");
    }
    assert.equal((await end(id)).status, 204);
    const { ledger } = await inspect(gateway, id);
    assert.deepEqual(ledger.filter(({ event }) => event === "end").map(({ outcome }) => outcome), ["logout"], "the reason stays");
  });

  test("a session whose time is up, though its alarm has not come yet, ends when an administrator refreshes or moves it: 409 with the reason", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { entry: INSTRUMENTS, vars: { SESSION_IDLE_SECONDS: "600", SESSION_ABSOLUTE_SECONDS: "1200" } });
    const theirs = [];
    for (let i = 0; i < 5; i += 1) theirs.push(actorOf((await login({ hint: "late" })).session));
    const refreshes = provider.refreshes.length;
    for (const [ahead, reason, [refreshed, moved]] of [[601, "idle", theirs], [1201, "expired", theirs.slice(2)]]) {
      await setClockAhead(gateway, ahead);
      for (const [id, call, options] of [[refreshed, "refresh", { method: "POST" }], [moved, "migrate", migration("oc")]]) {
        const problem = assertProblem(await administer(gateway, `/sessions/${id}/${call}`, options), 409, "session_ended", call);
        assert.equal(problem.reason, reason);
        const detail = await inspect(gateway, id);
        assert.equal(detail.state, "ended");
        const ends = detail.ledger.filter(({ event }) => event === "end");
        assert.deepEqual(ends.map(({ outcome, cause }) => [outcome, cause]), [[reason, "admin"]]);
      }
    }
    assert.equal((await administer(gateway, `/sessions/${theirs[4]}`, { method: "DELETE" })).status, 204);
    assert.equal((await inspect(gateway, theirs[4])).state, "ended");
    assert.equal(provider.refreshes.length, refreshes, "nothing was acted on");
  });

  test("conformance 41: another site's request is refused though it had the token", async () => {
    const browser = await world.login({ hint: "csrf" });
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    for (const [method, path, body] of calls(actorOf(browser.session), "csrf").filter(([method]) => method !== "GET")) {
      assertProblem(await administer(gateway, path, { method, body, headers }), 403, "csrf_rejected", path);
    }
    assert.equal(await statusOf(browser), 200);
  });

  test("a session that its alarm has ended is listed as ended, and its ledger says why", async (t) => {
    const { gateway, login } = await createWorld(t, { vars: { SESSION_IDLE_SECONDS: "1" } });
    const browser = await login({ hint: "idle" });
    await gateway.untilEvent("end");
    const [listed] = await sessionsOf(gateway, "idle");
    assert.deepEqual([listed.id, listed.state], [actorOf(browser.session), "ended"]);
    const { ledger } = await inspect(gateway, listed.id);
    const why = ledger.find(({ event }) => event === "end");
    assert.deepEqual([why.outcome, why.cause, why.detail], ["idle", "alarm", "the session was not used for too long"]);
  });

  test("what was revoked stays so after a crash", async (t) => {
    const { gateway, login } = await createWorld(t);
    const [one, two] = [await login({ hint: "one" }), await login({ hint: "two" })];
    await administer(gateway, `/sessions/${actorOf(one.session)}`, { method: "DELETE" });
    await administer(gateway, "/users/two/sessions", { method: "DELETE" });
    await gateway.kill9();
    await gateway.restart();
    for (const browser of [one, two]) {
      const answer = await gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
      assert.equal(assertProblem(answer, 401, "session_ended").reason, "revoked");
    }
    assert.equal((await sessionsOf(gateway, "two"))[0].state, "ended");
  });
});
