// The refresh: one call however many requests ask, and what is asked again later. Conformance.md 30, 31. Most tests let
// time pass by moving the gateway's clock.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { burst, expired, LIFE, statuses } from "./parts/expired.mjs";
import { DROP } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

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
      // This goes by the real clock. The alarm comes earlier and has nothing to do: it shares the refresh.
      const { access_token_expires_at } = (await browser.api("/auth/session")).json();
      await sleep(Date.parse(access_token_expires_at) - Date.now() - 300);
      const calls = provider.refreshes.length;
      await sleep(305);
      const answers = await burst(browser, 100);
      assert.deepEqual(statuses(answers), [200]);
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
      assert.deepEqual(statuses(answers), [200]);
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
    assert.deepEqual(statuses(answers), [200]);
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
    assert.deepEqual(statuses(await others), [200]);
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

  test("conformance 31: it is retried at most 3 times; then 503 with Retry-After: 5, no call in between, and anew after it, with pauses that double to 30 s", async (t) => {
    const { provider, gateway, browser } = await expired(t);
    provider.answers.token = () => ({ status: 503, body: "" });
    let clock = LIFE + 1;
    for (const [series, pause] of [5, 10, 20, 30, 30].entries()) {
      const answer = await browser.api("/api");
      assert.equal(answer.status, 503);
      assert.equal(answer.json().code, "provider_unavailable");
      const wait = Number(answer.headers["retry-after"]);
      assert.ok(wait >= pause && wait <= pause + 1, `Retry-After: ${wait} after series ${series + 1}`);
      assert.equal(provider.refreshes.length, 4 * (series + 1));
      await setClockAhead(gateway, clock + pause - 2);
      const again = await browser.api("/api");
      assert.equal(again.status, 503);
      assert.ok(Number(again.headers["retry-after"]) > 0);
      assert.equal(provider.refreshes.length, 4 * (series + 1), "the pause is not over");
      clock += pause + 1;
      await setClockAhead(gateway, clock);
      if (series === 2) await gateway.restart().then(() => setClockAhead(gateway, clock));
    }
    assert.ok(browser.session, "the session is kept");
    provider.answers.token = undefined;
    assert.equal((await browser.api("/api")).status, 200);
    assert.equal(provider.refreshes.length, 21);
    assert.equal(new Set(provider.presented).size, 1, "it is still the first refresh token");
    // What came since makes the next pause a short one.
    provider.answers.token = () => ({ status: 503, body: "" });
    await setClockAhead(gateway, clock + LIFE + 1);
    assert.ok(Number((await browser.api("/api")).headers["retry-after"]) <= 6);
  });

  for (const [what, status, error] of [
    ["invalid_client", 401, "invalid_client"],
    ["invalid_client with status 400", 400, "invalid_client"],
    ["unauthorized_client", 400, "unauthorized_client"],
    ["Auth0's word for a wrong secret", 401, "access_denied"],
  ]) {
    test(`a momentary ${what} ends nothing: the token was not used, and the request works when the secret fits again`, async (t) => {
      const { provider, browser, token, first, gateway } = await expired(t);
      let number = 0;
      provider.answers.token = (valid) => ((number += 1) <= 2 ? { status, json: { error } } : valid());
      assert.notEqual(await token(browser), first);
      assert.equal(new Set(provider.presented).size, 1);
      // And one that lasts is a 503 until it is over.
      provider.answers.token = () => ({ status, json: { error } });
      await setClockAhead(gateway, 2 * (LIFE + 1));
      const answer = await browser.api("/api");
      assert.equal(answer.status, 503, answer.text);
      assert.match(gateway.eventsOf("refresh").at(-1).detail, /OIDC_CLIENT/);
      provider.answers.token = undefined;
      await setClockAhead(gateway, 2 * (LIFE + 1) + 7);
      assert.equal((await browser.api("/api")).status, 200);
    });
  }

  for (const error of ["invalid_request", "invalid_scope", "server_error", "access_denied", "<b>"]) {
    test(`a 400 ${error} has an unknown outcome: the token is not presented again`, async (t) => {
      const { provider, browser } = await expired(t);
      provider.answers.token = () => ({ status: 400, json: { error } });
      assert.equal((await browser.api("/api")).status, 401);
      provider.answers.token = undefined;
      assert.equal((await browser.api("/api")).json().code, "login_required");
      assert.equal(provider.refreshes.length, 1);
    });
  }

  test("within OIDC_REUSE_LEEWAY_SECONDS a Retry-After is kept to after a lost answer, too", async (t) => {
    const { provider, browser, token } = await expired(t, { vars: { OIDC_REUSE_LEEWAY_SECONDS: "60" } });
    let number = 0;
    provider.answers.token = (valid) => [DROP, { status: 429, headers: { "retry-after": "3" }, body: "" }][number++] ?? valid();
    await token(browser);
    const [one, two, three] = provider.refreshes;
    assert.ok(two.at - one.at < 700, `${two.at - one.at} ms`);
    assert.ok(three.at - two.at >= 2900, `${three.at - two.at} ms`);
    assert.equal(provider.refreshes.length, 3);
  });

  test("X-RateLimit-Reset is kept to: seconds to go, or since 1970", async (t) => {
    for (const reset of [() => "3", () => String(Math.floor(Date.now() / 1000) + LIFE + 1 + 3)]) {
      const { provider, browser, token } = await expired(t);
      let number = 0;
      provider.answers.token = (valid) => ((number += 1) === 1 ? { status: 429, headers: { "x-ratelimit-reset": reset() }, body: "" } : valid());
      await token(browser);
      const [one, two] = provider.refreshes;
      assert.ok(two.at - one.at >= 1900 && two.at - one.at < 6000, `${two.at - one.at} ms`);
    }
  });

  test("a provider that asks for an hour gets five minutes", async (t) => {
    for (const headers of [{ "retry-after": "3600" }, { "x-ratelimit-reset": "3600" }, { "x-ratelimit-reset": "4000000000" }]) {
      const { provider, browser } = await expired(t);
      provider.answers.token = () => ({ status: 429, headers, body: "" });
      const wait = Number((await browser.api("/api")).headers["retry-after"]);
      assert.ok(wait >= 299 && wait <= 301, `${wait}`);
      assert.equal(provider.refreshes.length, 1);
    }
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
