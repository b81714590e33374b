// How a refresh can come out: unknown, so that its refresh token is never presented again; refused, so that the
// session ends; or with new tokens, which have to be the same user's. Conformance.md 31, 32, 34.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { burst, expired, LIFE, statuses } from "./parts/expired.mjs";
import { NAVIGATION } from "./parts/gateway.mjs";
import { DROP, HANG } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { jwt, withBrokenSignature } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

describe("unknown outcomes", { concurrency: 4 }, () => {
  for (const [what, answer] of Object.entries({
    "a lost connection": DROP,
    "a 502": { status: 502, body: "" },
    "a 504": { status: 504, body: "" },
    "a 200 that is no JSON": { body: "<h1>hello</h1>" },
    "a 200 without tokens": { json: { hello: "there" } },
    "a redirect": { status: 307, headers: { location: "/token" } },
    "a 400 that is no OAuth error": { status: 400, body: "what?" },
    "no answer": HANG,
  })) {
    test(`conformance 31: after ${what} the refresh token is never presented again with leeway 0`, async (t) => {
      const { provider, gateway, browser } = await expired(t);
      provider.answers.token = () => answer;
      const first = await browser.api("/api", { limit: 30_000 });
      assert.ok([401, 503].includes(first.status), `${first.status}`);
      await until("the refresh is over", () => gateway.eventsOf("refresh").length > 0, 5000);
      provider.answers.token = undefined;
      // The provider can be reached again: an API call is sent to log in, and keeps its cookie.
      for (let i = 0; i < 3; i += 1) {
        const next = await browser.api("/api");
        assert.equal(next.status, 401);
        assert.equal(next.json().code, "login_required");
      }
      assert.ok(browser.session, "the session is not over");
      assert.equal((await browser.api("/auth/session")).status, 200);
      await browser.api("/auth/refresh", { method: "POST" });
      await setClockAhead(gateway, LIFE + 100);
      await browser.api("/api");
      assert.equal(provider.refreshes.length, 1);
    });
  }

  test("then a navigation goes through the provider with prompt=none and comes back to the same URL, as the same session grown no older or younger", async (t) => {
    const { provider, browser, token, gateway } = await expired(t);
    provider.answers.token = (valid, call) => (call.params.grant_type === "refresh_token" ? DROP : valid());
    const before = (await browser.api("/auth/session")).json();
    await browser.api("/api");
    const logins = provider.calls.authorization.length;
    const page = await browser.navigate("/deep?x=1");
    assert.equal(page.status, 200, page.text);
    assert.equal(page.json().url, "/deep?x=1");
    assert.equal(provider.calls.authorization.length, logins + 1);
    assert.equal(provider.calls.authorization.at(-1).params.prompt, "none");
    const behind = (await browser.api("/auth/session")).json();
    assert.equal(behind.created_at, before.created_at, "the same iss and sub inherits the age");
    assert.equal(behind.expires_at, before.expires_at);
    assert.ok(await token(browser));
    assert.equal(provider.refreshes.length, 1);
    assert.ok(gateway.origin);
  });

  test("then an id_token_hint that would make the silent login's URL longer than 4,096 characters is left out", async (t) => {
    for (const [length, hinted] of [[10, true], [4000, false]]) {
      const idToken = { claims: (claims) => ({ ...claims, groups: "g".repeat(length) }) };
      const { provider, browser } = await expired(t, { hostile: { idToken } });
      provider.answers.token = (valid, call) => (call.params.grant_type === "refresh_token" ? DROP : valid());
      assert.equal((await browser.navigate("/deep")).status, 200);
      const { prompt, id_token_hint } = provider.calls.authorization.at(-1).params;
      assert.deepEqual([prompt, id_token_hint !== undefined], ["none", hinted]);
      const { url } = browser.hops.findLast(({ url }) => url.origin === provider.issuer);
      assert.ok(url.href.length <= 4096, `${url.href.length}`);
    }
  });

  test("then, where the provider does not know the user any more, the login is interactive and comes back to the same URL", async (t) => {
    const { provider, browser } = await expired(t);
    provider.answers.token = (valid, call) => (call.params.grant_type === "refresh_token" ? DROP : valid());
    provider.answers.authorization = (valid, { params }) => {
      const answer = valid();
      if (params.prompt !== "none") return answer;
      const back = new URL(answer.headers.location);
      back.searchParams.delete("code");
      back.searchParams.set("error", "login_required");
      return { ...answer, headers: { location: back.href } };
    };
    await browser.api("/api");
    const page = await browser.navigate("/deep?x=1");
    assert.equal(page.status, 200, page.text);
    assert.equal(page.json().url, "/deep?x=1");
    const prompts = provider.calls.authorization.slice(-2).map(({ params }) => params.prompt);
    assert.deepEqual(prompts, ["none", undefined]);
  });

  test("then another user who logs in inherits nothing", async (t) => {
    const { provider, browser } = await expired(t);
    provider.answers.token = (valid, call) => (call.params.grant_type === "refresh_token" ? DROP : valid());
    const before = (await browser.api("/auth/session")).json();
    const old = browser.sessionHeader;
    await browser.api("/api");
    provider.subject = "grace";
    await browser.navigate("/deep");
    const behind = (await browser.api("/auth/session")).json();
    assert.equal(behind.subject, "grace");
    assert.notEqual(behind.created_at, before.created_at);
    assert.notEqual(browser.sessionHeader, old);
  });

  test("within OIDC_REUSE_LEEWAY_SECONDS the used refresh token is presented again, at once", async (t) => {
    const { provider, browser, token } = await expired(t, { vars: { OIDC_REUSE_LEEWAY_SECONDS: "30" } });
    let number = 0;
    provider.answers.token = (valid) => ((number += 1) === 1 ? DROP : valid());
    await token(browser);
    const [one, two] = provider.refreshes;
    assert.equal(provider.refreshes.length, 2);
    assert.equal(one.params.refresh_token, two.params.refresh_token);
    assert.ok(two.at - one.at < 700, `${two.at - one.at} ms`);
  });

  test("without a refresh token an expired session is sent to log in, and presents nothing", async (t) => {
    const world = await createWorld(t, { hostile: { accessTokenSeconds: LIFE }, entry: INSTRUMENTS });
    world.provider.answers.token = (valid) => {
      const answer = valid();
      delete answer.json.refresh_token;
      return answer;
    };
    const browser = await world.login();
    await setClockAhead(world.gateway, LIFE + 1);
    const answer = await browser.api("/api");
    assert.equal(answer.status, 401);
    assert.equal(answer.json().code, "login_required");
    const redirect = await world.gateway.request("/page", { headers: { cookie: browser.sessionHeader, ...NAVIGATION } });
    assert.equal(redirect.status, 302);
    const page = await browser.navigate("/page");
    assert.equal(page.status, 200);
    assert.equal(world.provider.calls.authorization.at(-1).params.prompt, "none");
    assert.equal(world.provider.refreshes.length, 0);
  });
});

describe("answers that change the session", { concurrency: 4 }, () => {
  test("conformance 32: invalid_grant ends the session: 401 session_ended, reason refresh_rejected, cookie cleared", async (t) => {
    const { provider, gateway, browser } = await expired(t);
    provider.answers.token = () => ({ status: 400, json: { error: "invalid_grant" } });
    const cookie = browser.sessionHeader;
    const answer = await browser.api("/api");
    assert.equal(answer.status, 401);
    assert.equal(answer.json().code, "session_ended");
    assert.equal(answer.json().reason, "refresh_rejected");
    assert.equal(browser.session, undefined);
    provider.answers.token = undefined;
    const again = await gateway.request("/api", { headers: { cookie } });
    assert.equal(again.json().reason, "refresh_rejected");
    const page = await gateway.request("/page", { headers: { cookie, ...NAVIGATION } });
    assert.equal(page.status, 302, "a navigation is sent to log in");
    assert.match(page.setCookies.join("\n"), /^edge-session=;/m);
    assert.equal(provider.refreshes.length, 1);
  });

  test("conformance 32: invalid_grant for 50 requests at once is one call and 50 times 401", async (t) => {
    const { provider, browser } = await expired(t);
    provider.answers.token = async () => {
      await sleep(300);
      return { status: 400, json: { error: "invalid_grant" } };
    };
    const answers = await burst(browser, 50);
    assert.deepEqual(statuses(answers), [401]);
    assert.equal(provider.refreshes.length, 1);
  });

  test("conformance 32: a grant that a real provider revoked is refused, and the session ends", async (t) => {
    const world = await createWorld(t, { provider: { accessTokenSeconds: LIFE }, entry: INSTRUMENTS });
    const browser = await world.login();
    // Somebody else presents the refresh token: reuse detection ends the grant.
    const { refresh_token } = world.provider.calls.token.at(-1).body;
    const form = { grant_type: "refresh_token", refresh_token };
    const credentials = [world.provider.clientId, world.provider.clientSecret].map((text) => new URLSearchParams({ x: text }).toString().slice(2));
    const headers = { authorization: `Basic ${Buffer.from(credentials.join(":")).toString("base64")}` };
    await fetch(`${world.provider.issuer}/token`, { method: "POST", headers, body: new URLSearchParams(form) });
    await setClockAhead(world.gateway, LIFE + 1);
    const answer = await browser.api("/api");
    assert.equal(answer.status, 401);
    assert.equal(answer.json().reason, "refresh_rejected");
  });

  const grown = (change) => ({ claims: (claims, grantType) => (grantType === "refresh_token" ? { ...claims, ...change(claims) } : claims) });
  for (const [what, idToken] of Object.entries({
    "another sub": grown(() => ({ sub: "grace" })),
    "another iss": grown(() => ({ iss: "https://other.example" })),
    "another aud": grown(() => ({ aud: "another-client" })),
    "an aud more": grown(({ aud }) => ({ aud: [aud, "another-client"] })),
    "no sub": grown(() => ({ sub: undefined })),
    "an exp that is over": grown(() => ({ exp: 1 })),
  })) {
    test(`conformance 34: a refreshed ID token with ${what} ends the session, and nothing of it is used`, async (t) => {
      const { provider, browser, upstream } = await expired(t);
      provider.idToken = idToken;
      const seen = upstream.requests.length;
      const answer = await browser.api("/api");
      assert.equal(answer.status, 401);
      assert.equal(answer.json().code, "session_ended");
      assert.equal(answer.json().reason, "refresh_rejected");
      assert.equal(browser.session, undefined);
      assert.equal(upstream.requests.length, seen, "its access token went nowhere");
      const granted = provider.calls.token.at(-1).answer.json.refresh_token;
      await until("what came with it is revoked", () => provider.revoked.includes(granted));
    });
  }
  test("conformance 34: a refreshed ID token with a bad signature ends the session", async (t) => {
    const { provider, browser } = await expired(t);
    provider.idToken = { sign: (header, claims) => withBrokenSignature(jwt(header, claims, signingKey("RS256"))) };
    assert.equal((await browser.api("/api")).json().reason, "refresh_rejected");
  });
  test("conformance 34: a refreshed ID token with alg none ends the session", async (t) => {
    const { provider, browser } = await expired(t);
    provider.idToken = { sign: (_, claims) => `${jwt({ alg: "none" }, claims, signingKey("RS256")).split(".").slice(0, 2).join(".")}.` };
    assert.equal((await browser.api("/api")).json().reason, "refresh_rejected");
  });

  test("a good refreshed ID token, which has no nonce, brings new claims", async (t) => {
    const { provider, browser, token, first } = await expired(t);
    provider.idToken = grown(() => ({ department: "engines" }));
    assert.notEqual(await token(browser), first);
    const { claims, subject } = (await browser.api("/auth/session")).json();
    assert.equal(subject, "ada");
    assert.equal(claims.department, "engines");
    assert.equal(claims.name, "Ada Lovelace", "UserInfo's claims stay");
  });

  test("a refresh without an ID token is fine", async (t) => {
    const { provider, browser, token, first } = await expired(t);
    provider.idToken = false;
    assert.notEqual(await token(browser), first);
    assert.equal((await browser.api("/auth/session")).json().subject, "ada");
  });

  test("conformance 34: without a new refresh token the old one is kept, and presented the next time", async (t) => {
    const { provider, gateway, browser, token } = await expired(t, { hostile: { rotates: false } });
    provider.answers.token = (valid) => {
      const answer = valid();
      delete answer.json.refresh_token;
      return answer;
    };
    const second = await token(browser);
    await setClockAhead(gateway, 2 * LIFE + 2);
    assert.notEqual(await token(browser), second);
    assert.equal(provider.refreshes.length, 2);
    assert.equal(new Set(provider.presented).size, 1);
  });

  test("with rotation each refresh presents the refresh token of the one before, over a restart, too", async (t) => {
    const { provider, gateway, browser, token } = await expired(t);
    for (let round = 1; round <= 3; round += 1) {
      await setClockAhead(gateway, round * (LIFE + 1));
      await token(browser);
      await gateway.restart();
    }
    const issued = provider.calls.token.map(({ answer }) => answer.json.refresh_token);
    assert.deepEqual(provider.presented, issued.slice(0, 3));
  });
});
