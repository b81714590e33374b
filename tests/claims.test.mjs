// The claims of a session are what the provider said last: in the ID token, and in UserInfo, which is asked again at each
// refresh. Conformance.md 8, 50.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { assertProblem, inspect } from "./parts/administration.mjs";
import { hostileTenant } from "./parts/auth0.mjs";
import { expired, LIFE } from "./parts/expired.mjs";
import { HANG } from "./parts/hostile.mjs";
import { setClockAhead } from "./parts/instruments.mjs";
import { sleep, until } from "./parts/process.mjs";
import { assertSignedIn, attempt } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

describe("claims", { concurrency: 4 }, () => {
  const claimsOf = async (browser) => (await browser.api("/auth/session")).json().claims;
  /** UserInfo that says this of the user. */
  const says = (more) => async (valid) => {
    const answer = valid();
    return { ...answer, json: { sub: answer.json.sub, ...more } };
  };
  /** ID tokens with these claims. */
  const withClaims = (more) => ({ claims: (claims) => ({ ...claims, ...more }) });

  test("conformance 50: a group that is gone from the ID token or from UserInfo is gone at the next refresh, and opens no route any more", async (t) => {
    for (const [what, before, after] of [
      ["the ID token", { idToken: withClaims({ groups: ["staff"] }) }, { idToken: withClaims({}) }],
      ["UserInfo", { answers: { userinfo: says({ groups: ["staff"] }) } }, { answers: { userinfo: says({}) } }],
      ["the ID token, and is in UserInfo no more either", { idToken: withClaims({ groups: ["staff"] }), answers: { userinfo: says({ groups: ["staff"] }) } }, { idToken: withClaims({}), answers: { userinfo: says({}) } }],
    ]) {
      const world = await createWorld(t, { hostile: before, routes: [{ match: "/staff/*", require: { groups: "staff" } }, { match: "/*" }] });
      const browser = await world.login();
      assert.equal((await browser.api("/staff/x")).status, 200, what);
      Object.assign(world.provider, after);
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).json().claims.groups, undefined, what);
      assert.equal((await browser.api("/staff/x")).status, 403, what);
      // And it may come back.
      Object.assign(world.provider, before);
      await world.gateway.restart();
      assert.equal((await claimsOf(browser)).groups, undefined, "over a restart, too");
    }
  });

  test("conformance 50: whether an address is verified is never said by an answer about another address", async (t) => {
    const { provider, browser, token } = await expired(t, {
      hostile: { answers: { userinfo: says({ email: "ada@old.example", email_verified: true }) } },
    });
    assert.equal((await claimsOf(browser)).email_verified, true);
    provider.answers.userinfo = says({ email: "root@new.example" });
    await token(browser);
    const { email, email_verified } = await claimsOf(browser);
    assert.deepEqual([email, email_verified], ["root@new.example", undefined]);
  });

  test("conformance 50: the ID token's flag does not vouch for UserInfo's address, nor the other way round", async (t) => {
    const world = await createWorld(t, { hostile: true });
    for (const [idToken, userInfo, expected] of [
      [{ email_verified: true }, { email: "b@x.example" }, ["b@x.example", undefined]],
      [{ email: null, email_verified: true }, { email: "b@x.example" }, ["b@x.example", undefined]],
      [{ email: "a@x.example" }, { email: "b@x.example", email_verified: true }, ["a@x.example", undefined]],
      [{ email: "a@x.example", email_verified: true }, { email: "a@x.example", email_verified: false }, ["a@x.example", false]],
      [{ email: "a@x.example", email_verified: false }, { email: "A@x.example", email_verified: true }, ["a@x.example", false]],
      [{ email: "a@x.example", email_verified: true }, { email: "a@x.example" }, ["a@x.example", true]],
    ]) {
      world.provider.idToken = withClaims(idToken);
      world.provider.answers.userinfo = says(userInfo);
      const { browser } = await attempt(world);
      const { email, email_verified } = await claimsOf(browser);
      assert.deepEqual([email, email_verified], expected, JSON.stringify([idToken, userInfo]));
    }
  });

  test("what belongs to the login stays when a refreshed ID token lacks it, and is replaced when it brings another", async (t) => {
    const login = { auth_time: 1_700_000_000, acr: "mfa", amr: ["otp"], department: "engines" };
    const { provider, gateway, browser, token } = await expired(t, { hostile: { idToken: withClaims(login) } });
    provider.idToken = withClaims({});
    for (const round of [1, 2]) {
      await setClockAhead(gateway, round * (LIFE + 1));
      await token(browser);
      const { auth_time, acr, amr, department } = await claimsOf(browser);
      assert.deepEqual([auth_time, acr, amr, department], [login.auth_time, "mfa", ["otp"], undefined], `refresh ${round}`);
    }
    provider.idToken = withClaims({ acr: "pwd" });
    await setClockAhead(gateway, 3 * (LIFE + 1));
    await token(browser);
    const { acr, amr } = await claimsOf(browser);
    assert.deepEqual([acr, amr], ["pwd", ["otp"]]);
  });

  test("a refresh without an ID token leaves the ID token's claims, and UserInfo's are new all the same", async (t) => {
    const { provider, browser, token } = await expired(t, { hostile: { idToken: withClaims({ department: "engines" }) } });
    provider.idToken = false;
    provider.answers.userinfo = says({ plan: "gold" });
    await token(browser);
    const { department, plan, name } = await claimsOf(browser);
    assert.deepEqual([department, plan, name], ["engines", "gold", undefined]);
  });

  for (const [what, answer] of Object.entries({
    "fails": { status: 500, json: { error: "server_error" } },
    "says that the token is not good": { status: 401, body: "" },
    "is no JSON": { body: "<h1>hello</h1>" },
    "is empty": { json: {} },
    "names nobody": { json: { name: "Somebody" } },
    "never comes": HANG,
  })) {
    test(`a UserInfo that ${what} at a refresh costs nothing: the tokens are new, the claims of before stay, the ledger says so`, async (t) => {
      const { provider, browser, token, first, gateway } = await expired(t);
      provider.answers.userinfo = () => answer;
      const began = Date.now();
      assert.notEqual(await token(browser), first);
      assert.ok(Date.now() - began < 4500, `${Date.now() - began} ms`);
      assert.equal((await claimsOf(browser)).name, "Ada Lovelace");
      await gateway.untilEvent("refresh", ({ outcome }) => outcome === "not_informed", 12_000);
      const { ledger } = await inspect(gateway, actorOf(browser.session));
      assert.ok(ledger.some(({ event, detail }) => event === "refresh" && /UserInfo/.test(detail)));
      assert.equal(provider.refreshes.length, 1);
    });
  }

  test("a UserInfo of another subject at a refresh ends the session, and what was granted is revoked", async (t) => {
    for (const sub of ["grace", "", 7]) {
      const { provider, browser, upstream } = await expired(t);
      provider.answers.userinfo = () => ({ json: { sub, name: "Grace" } });
      const seen = upstream.requests.length;
      const cookie = browser.sessionHeader;
      assert.equal(assertProblem(await browser.api("/api"), 401, "session_ended").reason, "refresh_rejected");
      assert.equal(upstream.requests.length, seen);
      const issued = provider.calls.token.at(-1).answer.json.refresh_token;
      await until("the new refresh token is revoked", () => provider.revoked.includes(issued));
      assert.ok(cookie);
    }
  });

  test("the tokens are safe before UserInfo is asked: a crash meanwhile loses nothing, and no refresh token is presented twice", async (t) => {
    const { provider, gateway, browser, token, first } = await expired(t);
    const asked = provider.calls.userinfo.length;
    provider.answers.userinfo = () => HANG;
    const waiting = browser.api("/api").catch(() => {});
    await until("UserInfo is asked", () => provider.calls.userinfo.length > asked);
    await gateway.kill9();
    await waiting;
    await gateway.restart();
    const second = await token(browser);
    assert.notEqual(second, first);
    assert.equal(second, provider.calls.token.at(-1).answer.json.access_token);
    assert.equal(provider.refreshes.length, 1);
  });

  test("a login waits 3 s for UserInfo, and what it says within 10 s still goes into the claims", async (t) => {
    const world = await createWorld(t, { hostile: true });
    world.provider.answers.userinfo = async (valid) => {
      await sleep(5000);
      return says({ name: "Late", groups: ["staff"] })(valid);
    };
    const began = Date.now();
    const { browser, page } = await attempt(world);
    const took = Date.now() - began;
    await assertSignedIn(world, { browser, page });
    assert.ok(took > 2800 && took < 4800, `${took} ms`);
    assert.equal((await claimsOf(browser)).name, undefined);
    await until("the claims have come", async () => (await claimsOf(browser)).name === "Late", 5000);
    assert.deepEqual((await claimsOf(browser)).groups, ["staff"]);
    await world.gateway.restart();
    assert.equal((await claimsOf(browser)).name, "Late");
  });

  test("a UserInfo that says after the login that it is about another user ends the session", async (t) => {
    const world = await createWorld(t, { hostile: true });
    world.provider.answers.userinfo = async () => {
      await sleep(4000);
      return { json: { sub: "grace", name: "Grace" } };
    };
    const { browser, page } = await attempt(world);
    await assertSignedIn(world, { browser, page });
    const cookie = browser.sessionHeader;
    await world.gateway.untilEvent("end", ({ outcome }) => outcome === "refresh_rejected", 5000);
    assert.equal((await world.gateway.request("/api", { headers: { cookie } })).json().reason, "refresh_rejected");
    await until("its refresh token is revoked", () => world.provider.revoked.length === 1);
  });

  test("a UserInfo that never comes lets the login go after 3 s, and asks no longer than 10 s", async (t) => {
    const world = await createWorld(t, { hostile: true });
    world.provider.answers.userinfo = () => HANG;
    const began = Date.now();
    await assertSignedIn(world, await attempt(world));
    assert.ok(Date.now() - began < 4800, `${Date.now() - began} ms`);
    assert.match(world.gateway.eventsOf("complete").at(-1).detail, /UserInfo did not answer within 3 s/);
    const [asked] = world.provider.calls.userinfo;
    await until("it is given up", () => asked.gone, 9000);
    assert.ok(Date.now() - asked.at < 12_000, `${Date.now() - asked.at} ms`);
    assert.equal(world.provider.calls.userinfo.length, 1);
  });

  test("at Auth0, what UserInfo says late of a login goes into the claims though the session was refreshed meanwhile", async (t) => {
    const { provider, browser: open } = await hostileTenant(t);
    provider.answers.userinfo = async (valid) => {
      await sleep(5500);
      return says({ name: "Late" })(valid);
    };
    const browser = open();
    await browser.login();
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.equal(provider.refreshes.length, 1);
    assert.equal((await claimsOf(browser)).name, undefined);
    await until("the claims have come", async () => (await claimsOf(browser)).name === "Late", 5000);
    assert.equal(provider.calls.userinfo.length, 1);
  });

  test("Auth0, which limits it, is asked for UserInfo at the login alone", async (t) => {
    const { provider, browser: open } = await hostileTenant(t);
    const browser = open();
    await browser.login();
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.equal(provider.refreshes.length, 1);
    assert.equal(provider.calls.userinfo.length, 1);
    assert.equal((await claimsOf(browser)).name, "Ada Lovelace", "what it said then stays");
  });
});
