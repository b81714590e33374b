// /sessions: where its user is logged in, and the end of each; what a directory that cannot be reached takes away.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, assertProblem, assertSummary, inspect, sessionsOf } from "./parts/administration.mjs";
import { BREAKABLE_DIRECTORY, setDirectory } from "./parts/directory.mjs";
import { sleep, until } from "./parts/process.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { CF_HEADER } from "./parts/workerd.mjs";
import { createWorld } from "./parts/world.mjs";

const end = (browser, id, more) => browser.api(`/auth/sessions/${id}`, { method: "DELETE", ...more });

describe("own sessions", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { provider: {} });
  });
  after(() => world.close());

  test("GET /sessions lists the user's own sessions, one of them the current one", async () => {
    const here = await world.login({ hint: "ada" });
    const there = world.browser({ userAgent: "Phone/1.0", headers: { [CF_HEADER]: '{"continent":"OC","country":"NZ"}' } });
    await there.login({ hint: "ada" });
    await world.login({ hint: "bob" });
    const answer = await here.api("/auth/sessions");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["cache-control"], "no-store");
    const { sessions, ...rest } = answer.json();
    assert.deepEqual(rest, {});
    assert.deepEqual(sessions.map(({ id }) => id), [there, here].map(({ session }) => actorOf(session)));
    const [other, own] = sessions;
    assertSummary(own, ["current"]);
    assertSummary(other);
    assert.equal(own.current, true);
    assert.deepEqual([other.region, other.country, other.user_agent, other.state], ["oc", "NZ", "Phone/1.0", "active"]);
  });

  test("without a session, or with a dead one, both are 401", async () => {
    const stranger = world.browser();
    assertProblem(await stranger.api("/auth/sessions"), 401, "login_required");
    assertProblem(await end(stranger, "0".repeat(64)), 401, "login_required");
    const browser = await world.login();
    const cookie = browser.sessionHeader;
    const id = actorOf(browser.session);
    await browser.api("/auth/logout", { method: "POST" });
    const headers = { cookie, "sec-fetch-site": "same-origin" };
    assertProblem(await world.gateway.request("/auth/sessions", { headers }), 401, "session_ended");
    assertProblem(await world.gateway.request(`/auth/sessions/${id}`, { method: "DELETE", headers }), 401, "session_ended");
  });

  test("other methods are 405, and so is a GET of one session", async () => {
    const browser = await world.login();
    const list = await browser.api("/auth/sessions", { method: "POST" });
    assertProblem(list, 405, "method_not_allowed");
    assert.equal(list.headers.allow, "GET, HEAD");
    const one = await browser.api(`/auth/sessions/${actorOf(browser.session)}`);
    assertProblem(one, 405, "method_not_allowed");
    assert.equal(one.headers.allow, "DELETE");
  });

  test("conformance 41: ending one's session elsewhere holds on the very next request there, and not here", async () => {
    const [here, there] = [await world.login({ hint: "two" }), await world.login({ hint: "two" })];
    const id = actorOf(there.session);
    const answer = await end(here, id);
    assert.deepEqual([answer.status, answer.text, answer.setCookies], [204, "", []]);
    assert.equal(assertProblem(await there.api("/api"), 401, "session_ended").reason, "revoked");
    assert.equal((await here.api("/api")).status, 200);
    const states = Object.fromEntries((await here.api("/auth/sessions")).json().sessions.map(({ id, state }) => [id, state]));
    assert.deepEqual(states, { [id]: "ended", [actorOf(here.session)]: "active" });
    const { ledger } = await inspect(world.gateway, id);
    assert.deepEqual(ledger.filter(({ event }) => event === "end").map(({ outcome, cause }) => [outcome, cause]), [["revoked", "request"]]);
    assert.equal((await end(here, id)).status, 204, "once more");
  });

  test("ending the current one takes the cookie away", async () => {
    const browser = await world.login();
    const cookie = browser.sessionHeader;
    const answer = await end(browser, actorOf(browser.session));
    assert.equal(answer.status, 204);
    assert.equal(browser.session, undefined);
    const next = await world.gateway.request("/api", { headers: { cookie } });
    assert.equal(assertProblem(next, 401, "session_ended").reason, "revoked");
  });

  test("another user's session, an unknown and a malformed id are the same 404, and nothing happens", async () => {
    const [mallory, alice] = [await world.login({ hint: "mallory" }), await world.login({ hint: "alice" })];
    for (const id of [actorOf(alice.session), "0123456789abcdef".repeat(4), "short", `${actorOf(mallory.session)}0`, "%00"]) {
      assertProblem(await end(mallory, id), 404, "not_found", id);
    }
    assertProblem(await end(mallory, `${actorOf(alice.session)}/x`), 404, "not_found");
    assert.equal((await alice.api("/api")).status, 200);
  });

  test("a request of another site, with the cookie, ends nothing", async () => {
    const browser = await world.login();
    const id = actorOf(browser.session);
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: "https://evil.example" }]) {
      const answer = await world.gateway.request(`/auth/sessions/${id}`, { method: "DELETE", headers: { cookie: browser.sessionHeader, ...headers } });
      assertProblem(answer, 403, "csrf_rejected");
    }
    assert.equal((await browser.api("/api")).status, 200);
  });

  test("a session that was moved is the current one in the list, and ends under its old id, too", async () => {
    const browser = await world.login({ hint: "mover" });
    const old = actorOf(browser.session);
    await administer(world.gateway, `/sessions/${old}/migrate`, { method: "POST", json: { region: "oc" } });
    const { sessions } = (await browser.api("/auth/sessions")).json();
    const current = sessions.filter(({ current }) => current);
    assert.deepEqual(current.map(({ id }) => id), [actorOf(browser.session)]);
    assert.notEqual(actorOf(browser.session), old);
    assert.equal((await end(browser, old)).status, 204);
    assertProblem(await browser.api("/api"), 401, "session_ended");
  });
});

describe("own sessions, directory out of reach", () => {
  for (const mode of ["down", "hangs"]) {
    test(`a directory that ${mode === "down" ? "is down" : "hangs"} fails no request of a session: not from its region, not from another, not its refresh or logout`, async (t) => {
      const { gateway, login, token } = await createWorld(t, { hostile: true, entry: BREAKABLE_DIRECTORY });
      const [browser, leaving] = [await login(), await login()];
      const before = await token(browser);
      await setDirectory(gateway, mode);
      assert.equal((await browser.api("/api")).status, 200);
      // A navigation from another region: nobody can say whether the session is to move.
      const navigation = await browser.navigate("/page", { follow: false });
      assert.equal(navigation.status, 200);
      const headers = { cookie: browser.sessionHeader, accept: "text/html", [CF_HEADER]: '{"continent":"OC","country":"AU"}' };
      assert.equal((await gateway.request("/page", { headers })).status, 200);
      assert.equal((await browser.api("/auth/session")).status, 200);
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
      assert.notEqual(await token(browser), before);
      assert.equal((await leaving.api("/auth/logout", { method: "POST" })).status, 303);
      // One session can be inspected and ended without it.
      assert.equal((await administer(gateway, `/sessions/${actorOf(browser.session)}`)).status, 200);
      assert.equal((await administer(gateway, `/sessions/${actorOf(browser.session)}`, { method: "DELETE" })).status, 204);
    });

    test(`a login while the directory ${mode === "down" ? "is down" : "hangs"} is 503, and leaves no session and no token behind`, async (t) => {
      const { gateway, provider, browser: open, login } = await createWorld(t, { hostile: true, entry: BREAKABLE_DIRECTORY });
      await setDirectory(gateway, mode);
      const browser = open();
      const page = await browser.navigate("/auth/login", { limit: 60_000 });
      assert.equal(page.status, 503);
      assert.match(page.text, /<h1>Sessions unavailable/);
      assert.ok(Number(page.headers["retry-after"]) > 0);
      assert.equal(browser.session, undefined);
      const { refresh_token } = provider.calls.token[0].answer.json;
      await until("its refresh token is revoked", () => provider.revoked.includes(refresh_token));
      await setDirectory(gateway, "well");
      assert.deepEqual((await sessionsOf(gateway, "ada")).filter(({ state }) => state === "active"), []);
      await login();
      assert.equal((await sessionsOf(gateway, "ada")).filter(({ state }) => state === "active").length, 1);
    });
  }

  test("lists and revoke-all are 503 with Retry-After while the directory is down", async (t) => {
    const { gateway, login } = await createWorld(t, { entry: BREAKABLE_DIRECTORY });
    const browser = await login({ hint: "ada" });
    await setDirectory(gateway, "down");
    for (const answer of [
      await browser.api("/auth/sessions"),
      await administer(gateway, "/users/ada/sessions"),
      await administer(gateway, "/users/ada/sessions", { method: "DELETE" }),
    ]) {
      assertProblem(answer, 503, "store_unavailable");
      assert.ok(Number(answer.headers["retry-after"]) > 0);
    }
    assert.equal((await browser.api("/api")).status, 200);
  });

  test("a login that its directory knows of already ends with all others", async (t) => {
    const { gateway, provider, browser: open } = await createWorld(t, { hostile: true, entry: BREAKABLE_DIRECTORY });
    const browser = open();
    const callback = await callbackOf(browser);
    await setDirectory(gateway, "late");
    const landing = browser.navigate(callback.href);
    await until("the code is redeemed", () => provider.calls.userinfo.length === 1);
    // When this arrives, the registration is made but not answered yet.
    await sleep(700);
    const revoked = await administer(gateway, "/users/ada/sessions", { method: "DELETE" });
    assert.deepEqual(revoked.json(), { revoked: 1 });
    const page = await landing;
    assert.equal(page.status, 400, page.text);
    assert.equal(browser.session, undefined);
    const { refresh_token } = provider.calls.token[0].answer.json;
    await until("its refresh token is revoked", () => provider.revoked.includes(refresh_token));
  });
});
