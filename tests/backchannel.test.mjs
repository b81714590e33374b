// Back-channel logout: the provider says that its user logged out. Conformance.md 36, 37.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, assertProblem, inspect } from "./parts/administration.mjs";
import { BREAKABLE_DIRECTORY, setDirectory } from "./parts/directory.mjs";
import { burst, expired, statuses } from "./parts/expired.mjs";
import { jwtWith, withBrokenSignature } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { EVENT, FORM, logoutToken, post, reasonOf } from "./parts/logout-token.mjs";
import { sleep, until } from "./parts/process.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const seconds = () => Math.floor(Date.now() / 1000);

/** ID tokens name the provider's session. */
const withSid = (sid) => ({ claims: (claims) => ({ ...claims, sid: sid() }) });

describe("back-channel logout", () => {
  test("conformance 36: a logout at the certified provider ends the session here, on the very next request", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { provider: { backchannel: true } });
    const [one, other] = [await login({ hint: "ada" }), await login({ hint: "ada" })];
    const [cookie, id] = [one.sessionHeader, actorOf(one.session)];
    const { id_token, refresh_token } = provider.calls.token[0].body;
    // The user logs out at the provider, by way of another client of it.
    await one.navigate(`${provider.issuer}/session/end?id_token_hint=${id_token}`);
    assert.deepEqual(provider.notified, ["ok"]);
    const next = await gateway.request("/api", { headers: { cookie } });
    assert.equal(assertProblem(next, 401, "session_ended").reason, "backchannel");
    assert.equal(await reasonOf(gateway, other.sessionHeader), "live", "the other browser's session at the provider lives");
    const { ledger } = await inspect(gateway, id);
    assert.deepEqual(ledger.filter(({ event }) => event === "end").map(({ outcome, cause }) => [outcome, cause]), [["backchannel", "backchannel"]]);
    assert.notEqual(await provider.refreshToken(refresh_token), "live");
  });

  test("conformance 36: a valid logout token is 200, without CSRF headers, with those of another site, and without a body", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { hostile: true });
    for (const headers of [{}, { origin: "https://provider.example" }, { "sec-fetch-site": "cross-site" }]) {
      const browser = await login();
      const answer = await post(gateway, logoutToken(provider), headers);
      assert.deepEqual([answer.status, answer.text], [200, ""]);
      assert.equal(answer.headers["cache-control"], "no-store");
      assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
      assert.match((await browser.api("/api")).setCookies.join(), /^edge-session=;/, "the cookie is taken away");
    }
    const line = gateway.events.find(({ class: name, event }) => name === "RegionDirectory" && event === "revoke");
    assert.deepEqual([line.outcome, line.cause], ["ok", "backchannel"]);
  });

  test("conformance 36: what is no valid logout token of this provider for this client is 400, and ends nothing", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { hostile: true });
    const browser = await login();
    const good = () => logoutToken(provider);
    const [header, claims] = good().split(".");
    const mac = { alg: "RS256", kid: provider.key.kid };
    const stranger = signingKey("RS256", "a-stranger");
    const bad = {
      "alg none": jwtWith({ alg: "none" }, Buffer.from(claims, "base64url").toString(), ""),
      "alg nOnE": jwtWith({ alg: "nOnE" }, Buffer.from(claims, "base64url").toString(), ""),
      "no alg": jwtWith({ kid: mac.kid }, Buffer.from(claims, "base64url").toString(), good().split(".")[2]),
      "alg HS256": logoutToken(provider, { header: { alg: "HS256" } }),
      "alg ES256 over an RSA key": logoutToken(provider, { header: { alg: "ES256" } }),
      "another key under its kid": logoutToken(provider, { key: { ...stranger, kid: provider.key.kid } }),
      "an unknown kid": logoutToken(provider, { key: stranger }),
      "a broken signature": withBrokenSignature(good()),
      "no signature": `${header}.${claims}.`,
      "critical header parameters": logoutToken(provider, { header: { crit: ["b64"], b64: false } }),
      "an access token's type": logoutToken(provider, { header: { typ: "at+jwt" } }),
      "another audience": logoutToken(provider, { aud: "somebody-else" }),
      "other audiences": logoutToken(provider, { aud: ["one", "two"] }),
      "other audiences as well": logoutToken(provider, { aud: [provider.clientId, "two"] }),
      "other audiences as well, and another's azp": logoutToken(provider, { aud: [provider.clientId, "two"], azp: "two" }),
      "another's azp": logoutToken(provider, { azp: "two" }),
      "our azp, for others": logoutToken(provider, { aud: ["one", "two"], azp: provider.clientId }),
      "no audience": logoutToken(provider, { aud: undefined }),
      "another issuer": logoutToken(provider, { iss: "https://evil.example" }),
      "the issuer with a slash": logoutToken(provider, { iss: `${provider.issuer}/` }),
      "no issuer": logoutToken(provider, { iss: undefined }),
      "no events": logoutToken(provider, { events: undefined }),
      "no event": logoutToken(provider, { events: {} }),
      "another event": logoutToken(provider, { events: { "http://schemas.openid.net/event/other": {} } }),
      "events that are a list": logoutToken(provider, { events: [EVENT] }),
      "an event that is no object": logoutToken(provider, { events: { [EVENT]: true } }),
      "a nonce": logoutToken(provider, { nonce: "n" }),
      "a nonce that is null": logoutToken(provider, { nonce: null }),
      "no jti": logoutToken(provider, { jti: undefined }),
      "an empty jti": logoutToken(provider, { jti: "" }),
      "a jti that is a number": logoutToken(provider, { jti: 1 }),
      "no iat": logoutToken(provider, { iat: undefined }),
      "an iat as text": logoutToken(provider, { iat: String(seconds()) }),
      "an iat in the future": logoutToken(provider, { iat: seconds() + 3600 }),
      "an old iat": logoutToken(provider, { iat: seconds() - 86_400 }),
      "no exp, and an old iat": logoutToken(provider, { iat: seconds() - 130, exp: undefined }),
      "no exp, and an iat in the future": logoutToken(provider, { iat: seconds() + 3600, exp: undefined }),
      "neither exp nor iat": logoutToken(provider, { iat: undefined, exp: undefined }),
      "an exp that is null": logoutToken(provider, { exp: null }),
      "an exp as text": logoutToken(provider, { exp: String(seconds() + 120) }),
      "expired": logoutToken(provider, { iat: seconds() - 500, exp: seconds() - 380 }),
      "nobody": logoutToken(provider, { sub: undefined }),
      "a sub that is a number": logoutToken(provider, { sub: 1 }),
      "an empty sub beside a sid": logoutToken(provider, { sub: "", sid: "s" }),
      "a sub that is null": logoutToken(provider, { sub: null, sid: "s" }),
      "an empty sid": logoutToken(provider, { sid: "" }),
      "a sid that is null": logoutToken(provider, { sid: null }),
      "a sid that is an object": logoutToken(provider, { sid: {} }),
      "an ID token": (await provider.calls.token[0].answer).json.id_token,
      "two parts": `${header}.${claims}`,
      "no JWT": "x",
      "nothing": "",
      "a long one": logoutToken(provider, { more: "x".repeat(20_000) }),
    };
    for (const [what, token] of Object.entries(bad)) {
      const answer = await post(gateway, token);
      assertProblem(answer, 400, "bad_request", what);
      assert.equal(await reasonOf(gateway, browser.sessionHeader), "live", what);
    }
    for (const request of [
      { body: "", headers: FORM },
      { body: `token=${good()}`, headers: FORM },
      { body: JSON.stringify({ logout_token: good() }), headers: { "content-type": "application/json" } },
      { body: undefined },
    ]) {
      assertProblem(await gateway.request("/auth/backchannel-logout", { method: "POST", ...request }), 400, "bad_request");
    }
    assertProblem(await gateway.request(`/auth/backchannel-logout?logout_token=${good()}`, { method: "POST", headers: FORM, body: "" }), 400, "bad_request");
    const get = await gateway.request(`/auth/backchannel-logout?logout_token=${good()}`);
    assertProblem(get, 405, "method_not_allowed");
    assert.equal(get.headers.allow, "POST");
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
    assert.equal((await post(gateway, good())).status, 200, "and a good one is still accepted");
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
  });

  test("conformance 36: a key that the provider rotated to just now is fetched", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { hostile: true });
    const browser = await login();
    provider.key = signingKey("RS256", "the-next");
    assert.equal((await post(gateway, logoutToken(provider))).status, 200);
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
  });

  test("conformance 36: a logout token that cannot be good, whatever key signed it, causes no fetch of keys", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { hostile: true });
    await login();
    const before = provider.calls.jwks.length;
    const key = signingKey("RS256", "a-stranger");
    for (const change of [
      { iss: "https://evil.example" },
      { aud: "somebody-else" },
      { events: {} },
      { iat: seconds() - 86_400 },
      { exp: seconds() - 380 },
      { nonce: "n" },
      { jti: undefined },
      { sub: undefined },
      { header: { typ: "at+jwt" } },
      { header: { alg: "HS256" } },
      { header: { crit: ["b64"] } },
    ]) {
      assertProblem(await post(gateway, logoutToken(provider, { key, ...change })), 400, "bad_request", JSON.stringify(change));
    }
    assert.equal(provider.calls.jwks.length, before);
  });

  test("a forged logout token, which causes a fetch of keys, keeps no refresh from the key that the provider rotates to afterwards", async (t) => {
    const { gateway, provider, login, token } = await createWorld(t, { hostile: true });
    const browser = await login();
    const first = await token(browser);
    const before = provider.calls.jwks.length;
    for (let i = 0; i < 3; i += 1) {
      assertProblem(await post(gateway, logoutToken(provider, { key: signingKey("RS256", "a-stranger") })), 400, "bad_request");
    }
    assert.equal(provider.calls.jwks.length, before + 1, "one in 30 s");
    provider.key = signingKey("RS256", "the-next");
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.notEqual(await token(browser), first);
  });

  test("conformance 37: a replayed jti has no effect", async (t) => {
    for (const sid of [undefined, "sid-1"]) {
      await t.test(sid ? "with a sid" : "without a sid", async (t) => {
        const { gateway, provider, login } = await createWorld(t, { hostile: { idToken: withSid(() => sid) } });
        const first = await login();
        const token = logoutToken(provider, { sid });
        assert.equal((await post(gateway, token)).status, 200);
        assert.equal(await reasonOf(gateway, first.sessionHeader), "backchannel");
        const again = await login();
        assertProblem(await post(gateway, token), 400, "bad_request");
        assert.equal(await reasonOf(gateway, again.sessionHeader), "live");
        await gateway.kill9();
        await gateway.restart();
        assertProblem(await post(gateway, token), 400, "bad_request");
        assert.equal(await reasonOf(gateway, again.sessionHeader), "live");
      });
    }
  });

  test("conformance 37: a token with sub alone ends all of the user's sessions, whatever their sid, and no other user's", async (t) => {
    let sid = 0;
    const { gateway, provider, login } = await createWorld(t, { hostile: { idToken: withSid(() => `sid-${++sid}`) } });
    const theirs = [await login(), await login(), await login()];
    provider.subject = "bob";
    const other = await login();
    assert.equal((await post(gateway, logoutToken(provider, { sub: "ada" }))).status, 200);
    for (const browser of theirs) assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
    assert.equal(await reasonOf(gateway, other.sessionHeader), "live");
  });

  test("conformance 37: a token with a sid, alone or beside the sub, ends the sessions of that sid and no others", async (t) => {
    for (const sub of [undefined, "ada"]) {
      await t.test(sub ? "with sub and sid" : "with sid alone", async (t) => {
        let sid = "phone";
        const { gateway, provider, login } = await createWorld(t, { hostile: { idToken: withSid(() => sid) } });
        const [phone, phoneAgain] = [await login(), await login()];
        sid = "laptop";
        const laptop = await login();
        assert.equal((await post(gateway, logoutToken(provider, { sub, sid: "phone" }))).status, 200);
        for (const browser of [phone, phoneAgain]) assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
        assert.equal(await reasonOf(gateway, laptop.sessionHeader), "live");
      });
    }
  });

  test("conformance 37: a token whose sub and sid belong to different users ends nobody's session, and overtakes nobody's login", async (t) => {
    let sid = "phone";
    const { gateway, provider, login, browser: open } = await createWorld(t, { hostile: { idToken: withSid(() => sid) } });
    const ada = await login();
    provider.subject = "bob";
    sid = "laptop";
    const bob = await login();
    const late = open();
    const callback = await callbackOf(late);
    for (const named of [{ sub: "ada", sid: "laptop" }, { sub: "bob", sid: "phone" }, { sub: "nobody", sid: "laptop" }]) {
      assert.equal((await post(gateway, logoutToken(provider, named))).status, 200, "what it asks for is so");
      for (const browser of [ada, bob]) assert.equal(await reasonOf(gateway, browser.sessionHeader), "live", JSON.stringify(named));
    }
    await late.navigate(callback.href);
    assert.equal(await reasonOf(gateway, late.sessionHeader), "live");
    assert.equal((await post(gateway, logoutToken(provider, { sub: "bob", sid: "laptop" }))).status, 200);
    for (const browser of [bob, late]) assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel", "one that fits both");
    assert.equal(await reasonOf(gateway, ada.sessionHeader), "live");
  });

  test("conformance 36: a logout token in another algorithm than the registration's is 400, though its signature is good", async (t) => {
    const es256 = signingKey("ES256");
    const published = [signingKey("RS256").publicJwk, es256.publicJwk];
    for (const [what, world] of [
      ["as OIDC_ID_TOKEN_ALG says", { hostile: { published }, vars: { OIDC_ID_TOKEN_ALG: "RS256" } }],
      ["as discovery says", { hostile: { published, discovery: { id_token_signing_alg_values_supported: ["RS256"] } } }],
    ]) {
      const { gateway, provider, login } = await createWorld(t, world);
      const browser = await login();
      assertProblem(await post(gateway, logoutToken(provider, { key: es256 })), 400, "bad_request", what);
      assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
      assert.equal((await post(gateway, logoutToken(provider))).status, 200);
      assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
    }
  });

  /** A logged-in browser whose refreshed ID tokens name another of the provider's sessions than the login's did. */
  const renamed = async (t, more) => {
    const hostile = { idToken: { claims: (claims, grantType) => ({ ...claims, sid: grantType === "refresh_token" ? "second" : "first" }) } };
    const world = await createWorld(t, { hostile, ...more });
    return { ...world, browser: await world.login(), other: await world.login() };
  };
  const refresh = async (browser) => assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);

  for (const [what, named] of [
    ["alone", { sub: undefined, sid: "second" }],
    ["beside the sub", { sid: "second" }],
    ["that the login had", { sub: undefined, sid: "first" }],
  ]) {
    test(`a refresh that brings another sid makes the session known by it: a logout token with the sid ${what} ends it`, async (t) => {
      const { gateway, provider, browser, other } = await renamed(t);
      await refresh(browser);
      await until("its directories know", async () => (await inspect(gateway, actorOf(browser.session))).ledger.some(({ outcome }) => outcome === "registered"));
      assert.equal((await post(gateway, logoutToken(provider, named))).status, 200);
      assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
      assert.equal(await reasonOf(gateway, other.sessionHeader), named.sid === "first" ? "backchannel" : "live");
    });
  }

  test("the sid that a session had at its login stays good for a logout after another one came and the session moved, and moved again", async (t) => {
    const { gateway, provider, browser, other } = await renamed(t);
    await refresh(browser);
    await until("its directories know", async () => (await inspect(gateway, actorOf(browser.session))).ledger.some(({ outcome }) => outcome === "registered"));
    for (const region of ["oc", "sam"]) {
      const moved = await administer(gateway, `/sessions/${actorOf(browser.session)}/migrate`, { method: "POST", json: { region } });
      assert.equal(moved.status, 200, moved.text);
    }
    assert.equal((await post(gateway, logoutToken(provider, { sub: undefined, sid: "first" }))).status, 200);
    for (const one of [browser, other]) assert.equal(await reasonOf(gateway, one.sessionHeader), "backchannel");
  });

  test("a refresh that brings the sid of a session that the provider has ended ends this one, too", async (t) => {
    const { gateway, provider, browser } = await renamed(t);
    assert.equal((await post(gateway, logoutToken(provider, { sub: undefined, sid: "second" }))).status, 200);
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
    await refresh(browser);
    await gateway.untilEvent("end", ({ outcome }) => outcome === "backchannel");
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
    await until("its refresh token is revoked", () => provider.revoked.length === 1);
  });

  test("a directory that is down when a refresh brings another sid costs nobody anything: the session goes by the sid that it was known by", async (t) => {
    const { gateway, provider, browser } = await renamed(t, { entry: BREAKABLE_DIRECTORY });
    await setDirectory(gateway, "down");
    await refresh(browser);
    await gateway.untilEvent("refresh", ({ outcome }) => outcome === "not_registered");
    await setDirectory(gateway, "well");
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
    const id = actorOf(browser.session);
    const { subject } = await inspect(gateway, id);
    const listed = await gateway.request(`/auth/admin/users/${subject}/sessions`, { headers: { authorization: `Bearer ${gateway.vars.ADMIN_TOKEN}` } });
    assert.ok(listed.json().sessions.some((session) => session.id === id), "its user's directory knows it as before");
    assert.equal((await post(gateway, logoutToken(provider, { sub: undefined, sid: "first" }))).status, 200);
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel", "by the sid that it was known by");
  });

  test("a token about somebody who has no session is 200: what it asks for is so", async (t) => {
    const { gateway, provider } = await createWorld(t, { hostile: true });
    assert.equal((await post(gateway, logoutToken(provider, { sub: "nobody" }))).status, 200);
    assert.equal((await post(gateway, logoutToken(provider, { sub: undefined, sid: "none" }))).status, 200);
  });

  test("a session that was moved ends with its sid, where it lives now", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { hostile: { idToken: withSid(() => "s") } });
    const browser = await login();
    const headers = { authorization: `Bearer ${gateway.vars.ADMIN_TOKEN}` };
    const migrate = `/auth/admin/sessions/${actorOf(browser.session)}/migrate`;
    assert.equal((await gateway.request(migrate, { method: "POST", headers, body: '{"region":"oc"}' })).status, 200);
    assert.equal((await post(gateway, logoutToken(provider, { sub: undefined, sid: "s" }))).status, 200);
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
  });

  test("a login that is under way does not outlive a back-channel logout, and one that begins later does", async (t) => {
    const { gateway, provider, browser: open } = await createWorld(t, { hostile: true });
    const browser = open();
    const callback = await callbackOf(browser);
    assert.equal((await post(gateway, logoutToken(provider))).status, 200);
    const page = await browser.navigate(callback.href);
    assert.equal(page.status, 400);
    assert.equal(browser.session, undefined);
    await browser.login();
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
  });

  test("with a hundred requests in flight none that is sent after a back-channel logout passes", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { hostile: true });
    const browser = await login();
    let over = false;
    const late = [];
    const one = async () => {
      while (late.length < 100) {
        const sentAfter = over;
        const { status } = await gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
        if (sentAfter) late.push(status);
      }
    };
    const clients = Array.from({ length: 100 }, one);
    await sleep(300);
    assert.equal((await post(gateway, logoutToken(provider))).status, 200);
    over = true;
    await Promise.all(clients);
    assert.deepEqual([...new Set(late)], [401]);
  });

  test("a back-channel logout during a refresh wins", async (t) => {
    const { gateway, provider, browser } = await expired(t);
    provider.answers.token = async (valid) => {
      const answer = valid();
      await sleep(1500);
      return answer;
    };
    // The gateway's clock is ahead of this one.
    const ahead = 61;
    const waiting = burst(browser, 20);
    await until("the refresh is under way", () => provider.refreshes.length === 1);
    assert.equal((await post(gateway, logoutToken(provider, { iat: seconds() + ahead, exp: seconds() + ahead + 120 }))).status, 200);
    const cookie = browser.sessionHeader;
    assert.equal(await reasonOf(gateway, cookie), "backchannel");
    assert.deepEqual(statuses(await waiting), [401]);
    assert.equal(await reasonOf(gateway, cookie), "backchannel");
  });

  test("while the directory is down a logout token is 503, and the provider's second try counts", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { hostile: true, entry: BREAKABLE_DIRECTORY });
    const browser = await login();
    const token = logoutToken(provider);
    await setDirectory(gateway, "down");
    const answer = await post(gateway, token);
    assertProblem(answer, 503, "store_unavailable");
    assert.ok(Number(answer.headers["retry-after"]) > 0);
    await setDirectory(gateway, "well");
    assert.equal((await post(gateway, token)).status, 200);
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
  });

  test("a provider whose keys cannot be fetched is 503, not 400", async (t) => {
    const { gateway, provider } = await createWorld(t, { hostile: true });
    provider.answers.jwks = () => ({ status: 500, body: "" });
    assertProblem(await post(gateway, logoutToken(provider)), 503, "provider_unavailable");
  });
});
