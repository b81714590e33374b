// The refresh: one call however many requests, what is retried, what is unknown, and what ends a session.
// Conformance.md 30, 31, 32, 34. Most tests let time pass by moving the gateway's clock.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DROP, HANG } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { jwt, withBrokenSignature } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const LIFE = 60;

/** A logged-in browser whose access token has just expired by the gateway's clock. */
async function expired(t, { hostile = {}, vars, ahead = LIFE + 1 } = {}) {
  const world = await createWorld(t, { hostile: { accessTokenSeconds: LIFE, ...hostile }, vars, entry: INSTRUMENTS });
  const browser = await world.login();
  const first = await world.token(browser);
  await setClockAhead(world.gateway, ahead);
  return { ...world, browser, first };
}

const statuses = (answers) => answers.map(({ status }) => status);
const burst = (browser, count) => Promise.all(Array.from({ length: count }, (_, i) => browser.api(`/api/${i}`)));
const navigation = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" };

describe("single flight", { concurrency: 4 }, () => {
  for (const delay of [0, 3000]) {
    test(`conformance 30: 100 requests at the moment of expiry are 100 successes and 1 token call${delay ? ", with a token endpoint that takes 3 s" : ""}`, async (t) => {
      const { provider, login, token } = await createWorld(t, { provider: { accessTokenSeconds: 3 } });
      const browser = await login();
      const first = await token(browser);
      provider.around.token = async (next) => {
        await sleep(delay);
        await next();
      };
      // By the real clock. The alarm, which would be there before, has nothing to do: it joins or is joined.
      const { access_token_expires_at } = (await browser.api("/auth/session")).json();
      await sleep(Date.parse(access_token_expires_at) - Date.now() - 300);
      const calls = provider.refreshes.length;
      await sleep(305);
      const answers = await burst(browser, 100);
      assert.deepEqual(new Set(statuses(answers)), new Set([200]));
      assert.ok(provider.refreshes.length - calls <= 1 && provider.refreshes.length >= 1, `${provider.refreshes.length}`);
      assert.notEqual(await token(browser), first);
      assert.equal(new Set(provider.presented).size, provider.presented.length, "no refresh token was presented twice");
    });

    test(`conformance 30: 100 requests that all find the token expired cause exactly 1 call${delay ? ", with a token endpoint that takes 3 s" : ""}`, async (t) => {
      const { provider, browser, first } = await expired(t);
      provider.answers.token = async (valid) => {
        await sleep(delay);
        return valid();
      };
      const answers = await burst(browser, 100);
      assert.deepEqual(new Set(statuses(answers)), new Set([200]));
      assert.equal(provider.refreshes.length, 1);
      const tokens = new Set(answers.map((answer) => answer.json().headers.join("\n").match(/Bearer (\S+)/)[1]));
      assert.equal(tokens.size, 1, "all with the same new token");
      assert.ok(!tokens.has(first));
    });
  }

  test("conformance 30: 100 requests that come while the alarm refreshes join it: 100 successes, 1 token call", async (t) => {
    const { provider, gateway, login } = await createWorld(t, { hostile: { accessTokenSeconds: 4 } });
    const browser = await login();
    provider.answers.token = async (valid) => {
      await sleep(1200);
      return valid();
    };
    // Nobody asks: it is the alarm, at 3.0 to 3.4 s.
    await until("the alarm presents the refresh token", () => provider.refreshes.length === 1, 5000);
    await sleep(800); // now the old token is over, and the answer not yet there
    const answers = await burst(browser, 100);
    assert.deepEqual(new Set(statuses(answers)), new Set([200]));
    assert.equal(provider.refreshes.length, 1);
    assert.equal(gateway.eventsOf("refresh")[0].cause, "alarm");
  });

  test("a client that goes away in the middle of a refresh harms nobody else's", async (t) => {
    const { provider, gateway, browser } = await expired(t);
    provider.answers.token = async (valid) => {
      await sleep(1500);
      return valid();
    };
    const leaver = new AbortController();
    const left = gateway.request("/api", { headers: { cookie: browser.sessionHeader }, signal: leaver.signal });
    left.catch(() => {});
    await until("the first one's refresh is under way", () => provider.refreshes.length === 1);
    const others = burst(browser, 10);
    await sleep(300);
    leaver.abort();
    await assert.rejects(left);
    assert.deepEqual(new Set(statuses(await others)), new Set([200]));
    assert.equal(provider.refreshes.length, 1);
  });

  test("a refresh whose only client went away is finished all the same", async (t) => {
    const { provider, gateway, browser } = await expired(t);
    provider.answers.token = async (valid) => {
      await sleep(1000);
      return valid();
    };
    const leaver = new AbortController();
    gateway.request("/api", { headers: { cookie: browser.sessionHeader }, signal: leaver.signal }).catch(() => {});
    await until("the refresh is under way", () => provider.refreshes.length === 1);
    leaver.abort();
    await gateway.untilEvent("refresh", ({ outcome }) => outcome === "ok", 5000);
    assert.equal((await browser.api("/api")).status, 200);
    assert.equal(provider.refreshes.length, 1);
  });

  test("sessions refresh independently of each other: one that waits holds nobody else up", async (t) => {
    const world = await createWorld(t, { hostile: { accessTokenSeconds: LIFE }, entry: INSTRUMENTS });
    const [slow, fast] = [await world.login(), await world.login()];
    await setClockAhead(world.gateway, LIFE + 1);
    let number = 0;
    world.provider.answers.token = async (valid) => {
      if ((number += 1) === 1) await sleep(2500);
      return valid();
    };
    const waiting = slow.api("/api");
    await until("the slow one is under way", () => number === 1);
    const began = Date.now();
    assert.equal((await fast.api("/api")).status, 200);
    assert.ok(Date.now() - began < 1500);
    assert.equal((await waiting).status, 200);
  });

  test("a token with less than min(10 s, 10 %) of its life left counts as expired, one with more does not", async (t) => {
    for (const [life, valid, over] of [[300, 288, 291], [50, 44, 46]]) {
      const { provider, browser, first, gateway, token } = await expired(t, { hostile: { accessTokenSeconds: life }, ahead: valid });
      assert.equal(await token(browser), first, `${valid} s of ${life}`);
      assert.equal(provider.refreshes.length, 0);
      await setClockAhead(gateway, over);
      assert.notEqual(await token(browser), first, `${over} s of ${life}`);
    }
  });

  test("a provider that tells no life is refreshed by nobody, and the session shows null", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    world.provider.answers.token = (valid) => {
      const answer = valid();
      delete answer.json.expires_in;
      return answer;
    };
    const browser = await world.login();
    assert.equal((await browser.api("/auth/session")).json().access_token_expires_at, null);
    await setClockAhead(world.gateway, 3600);
    await world.token(browser);
    assert.equal(world.provider.refreshes.length, 0);
  });
});

describe("answers that come later", { concurrency: 4 }, () => {
  for (const status of [429, 500, 503]) {
    test(`conformance 31: ${status} is retried with the same refresh token, and the request waits for it`, async (t) => {
      const { provider, browser, first, token } = await expired(t);
      let number = 0;
      provider.answers.token = (valid) => ((number += 1) <= 2 ? { status, json: { error: "temporarily_unavailable" } } : valid());
      assert.notEqual(await token(browser), first);
      assert.equal(provider.refreshes.length, 3);
      assert.equal(new Set(provider.presented).size, 1);
      const gaps = provider.refreshes.slice(1).map(({ at }, i) => at - provider.refreshes[i].at);
      for (const gap of gaps) assert.ok(gap > 100, `a pause of ${gap} ms`);
    });
  }

  test("conformance 31: it is retried at most 3 times; then 503 with Retry-After: 30, no call in between, and anew 30 s later", async (t) => {
    const { provider, gateway, browser } = await expired(t);
    provider.answers.token = () => ({ status: 503, body: "" });
    const answer = await browser.api("/api");
    assert.equal(answer.status, 503);
    assert.equal(answer.json().code, "provider_unavailable");
    const wait = Number(answer.headers["retry-after"]);
    assert.ok(wait >= 25 && wait <= 31, `Retry-After: ${answer.headers["retry-after"]}`);
    assert.equal(provider.refreshes.length, 4);
    const again = await browser.api("/api");
    assert.equal(again.status, 503);
    assert.ok(Number(again.headers["retry-after"]) > 0);
    assert.equal(provider.refreshes.length, 4);
    assert.ok(browser.session, "the session is kept");
    provider.answers.token = undefined;
    await setClockAhead(gateway, LIFE + 1 + 45);
    assert.equal((await browser.api("/api")).status, 200);
    assert.equal(provider.refreshes.length, 5);
    assert.equal(new Set(provider.presented).size, 1, "it is still the first refresh token");
  });

  test("Retry-After is respected", async (t) => {
    const { provider, browser, token } = await expired(t);
    let number = 0;
    provider.answers.token = (valid) => ((number += 1) === 1 ? { status: 429, headers: { "retry-after": "3" }, body: "" } : valid());
    await token(browser);
    const [one, two] = provider.refreshes;
    assert.ok(two.at - one.at >= 2900 && two.at - one.at < 6000, `${two.at - one.at} ms`);
  });

  test("a Retry-After beyond 30 s is not waited for: 503 with it, and no call before it is over", async (t) => {
    const { provider, gateway, browser } = await expired(t);
    provider.answers.token = () => ({ status: 503, headers: { "retry-after": "120" }, body: "" });
    const answer = await browser.api("/api");
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers["retry-after"]) >= 115, answer.headers["retry-after"]);
    assert.equal(provider.refreshes.length, 1);
    await setClockAhead(gateway, LIFE + 60);
    assert.equal((await browser.api("/api")).status, 503);
    assert.equal(provider.refreshes.length, 1);
  });

  test("meanwhile the valid access token goes on", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const browser = await world.login();
    const first = await world.token(browser);
    world.provider.answers.token = () => ({ status: 503, headers: { "retry-after": "90" }, body: "" });
    const forced = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(forced.status, 503);
    assert.equal(await world.token(browser), first);
    assert.equal((await browser.api("/auth/session")).status, 200);
  });

  test("a request waits at most 10 s for a refresh, then gets 503 with Retry-After while the refresh goes on", async (t) => {
    const { provider, browser, gateway } = await expired(t);
    let number = 0;
    provider.answers.token = async (valid) => {
      if ((number += 1) === 1) return { status: 503, headers: { "retry-after": "8" }, body: "" };
      await sleep(5000);
      return valid();
    };
    const began = Date.now();
    const answer = await browser.api("/api");
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers["retry-after"]) > 0);
    assert.ok(Date.now() - began < 11_500, `${Date.now() - began} ms`);
    await gateway.untilEvent("refresh", ({ outcome }) => outcome === "ok", 8000);
    assert.equal((await browser.api("/api")).status, 200);
    assert.equal(provider.refreshes.length, 2);
  });
});

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
    const redirect = await world.gateway.request("/page", { headers: { cookie: browser.sessionHeader, ...navigation } });
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
    const page = await gateway.request("/page", { headers: { cookie, ...navigation } });
    assert.equal(page.status, 302, "a navigation is sent to log in");
    assert.match(page.setCookies.join("\n"), /^session=;/m);
    assert.equal(provider.refreshes.length, 1);
  });

  test("conformance 32: invalid_grant for 50 requests at once is one call and 50 times 401", async (t) => {
    const { provider, browser } = await expired(t);
    provider.answers.token = async () => {
      await sleep(300);
      return { status: 400, json: { error: "invalid_grant" } };
    };
    const answers = await burst(browser, 50);
    assert.deepEqual(new Set(statuses(answers)), new Set([401]));
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
