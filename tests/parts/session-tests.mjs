// What a session does whatever the provider is: one list of tests.
import assert from "node:assert/strict";
import { burst, statuses } from "./expired.mjs";
import { DROP } from "./hostile.mjs";
import { sleep, until } from "./process.mjs";
import { callbackOf } from "./sign-in.mjs";
import { createWorld } from "./world.mjs";

/** `[title, body]` of each, and what has to come before and after them, with a provider that `start(options)` starts: see kinds.mjs. */
export function sessionTests(kind, start) {
  const tests = [];
  const test = (title, body) => tests.push([title, body]);
  /** For tests that change nothing for others: their tokens live long, and the provider does what is right. */
  let shared;
  const before = async () => {
    shared = await createWorld(undefined, { start: () => start({}) });
  };
  const after = () => shared.close();

  /** For a test that answers for the provider, or lets time pass. */
  const world = (t, { accessTokenSeconds, ...options } = {}) =>
    createWorld(t, { start: () => start({ accessTokenSeconds }), ...options });

  test(`${kind}: a login makes a session, comes back to where it began, and the application gets the access token`, async () => {
    const { provider, browser: open, token } = shared;
    const browser = open();
    const page = await browser.login({ returnTo: "/there?a=b", hint: "ada" });
    assert.equal(page.json().url, "/there?a=b");
    assert.ok(provider.issued().includes(await token(browser)));
    const session = (await browser.api("/auth/session")).json();
    assert.equal(session.subject, provider.subjectOf("ada"));
    assert.equal(session.issuer, provider.issuer);
    assert.equal(session.claims.sub, session.subject);
    assert.equal(session.claims.iss, session.issuer);
    assert.equal(session.claims.email, "ada@example.com");
    const life = Date.parse(session.access_token_expires_at) - Date.parse(session.created_at);
    assert.ok(life > 295_000 && life < 305_000, `the access token lives ${life} ms`);
  });

  test(`${kind}: no token and no secret is in a URL, in the session's view, in the log or in a page`, async () => {
    const { provider, browser: open, gateway, upstream } = shared;
    const browser = open();
    await browser.login({ hint: "ada" });
    const seen = browser.hops.flatMap(({ url, headers }) => [url.href, headers.location ?? ""]);
    seen.push((await browser.api("/auth/session")).text);
    seen.push((await browser.api("/auth/refresh", { method: "POST" })).text);
    await browser.navigate("/auth/logout", { from: browser.origin, method: "POST", form: {} });
    seen.push(...browser.hops.flatMap(({ url, headers, text }) => [url.href, headers.location ?? "", text]));
    seen.push(gateway.log, ...upstream.requests.map(({ url }) => url));
    const secrets = [...provider.issued(), provider.clientSecret].filter(Boolean);
    assert.ok(secrets.length >= 4);
    for (const text of seen) for (const secret of secrets) assert.ok(!text.includes(secret), text.slice(0, 300));
  });

  test(`${kind}: a callback with a foreign state, a doubled code or a used one makes no session and no token call`, async (t) => {
    const { provider, browser: open } = await world(t);
    const browser = open();
    const callback = await callbackOf(browser);
    const before = provider.calls.token.length;
    const other = open();
    await callbackOf(other);
    assert.equal((await other.navigate(callback, { follow: false })).status, 400, "another browser's");
    const doubled = new URL(callback);
    doubled.searchParams.append("code", "x");
    assert.equal((await browser.navigate(doubled, { follow: false })).status, 400);
    assert.equal(provider.calls.token.length, before);
    assert.equal((await browser.navigate(callback, { follow: false })).status, 303);
    assert.equal(provider.calls.token.length, before + 1);
    assert.equal((await browser.navigate(callback, { follow: false })).status, 400, "replayed");
    assert.equal(provider.calls.token.length, before + 1);
  });

  test(`${kind}: POST /refresh brings another access token, with the refresh token that came last`, async () => {
    const { provider, login, token } = shared;
    const browser = await login({ hint: "grace" });
    const first = await token(browser);
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().subject, (await browser.api("/auth/session")).json().subject);
    const second = await token(browser);
    assert.notEqual(second, first);
    assert.ok(provider.issued().includes(second));
  });

  test(`${kind}: logging out ends the session here and at the provider, and comes back`, async () => {
    const { browser: open } = shared;
    const browser = open();
    await browser.login({ hint: "ada" });
    const old = browser.sessionHeader;
    const page = await browser.navigate("/auth/logout", { from: browser.origin, method: "POST", form: {} });
    assert.equal(page.status, 200);
    assert.equal(page.url.pathname, "/auth/logged-out");
    assert.ok(browser.hops.some(({ url }) => url.origin === new URL(shared.provider.issuer).origin), "the browser was at the provider");
    assert.equal(browser.session, undefined);
    const answer = await shared.gateway.request("/api", { headers: { cookie: old } });
    assert.equal(answer.status, 401);
    assert.equal(answer.json().reason, "logout");
  });

  test(`${kind}: 50 requests at the moment of expiry are 50 successes and one token call`, async (t) => {
    const { provider, login, token } = await world(t, { accessTokenSeconds: 6 });
    const browser = await login();
    const first = await token(browser);
    // The alarm, which would be there before, joins or is joined: it gets its answer when the requests have come. (The
    // token call itself is made at once: refresh tokens of some providers end with the access token.)
    provider.answers.token = async (valid) => {
      const answer = await valid();
      await sleep(2000);
      return answer;
    };
    const { access_token_expires_at } = (await browser.api("/auth/session")).json();
    await sleep(Date.parse(access_token_expires_at) - Date.now());
    const before = provider.calls.token.length;
    const answers = await burst(browser, 50);
    assert.deepEqual(statuses(answers), [200]);
    assert.ok(provider.calls.token.length <= 2 && provider.calls.token.length - before <= 1, `${provider.calls.token.length} token calls`);
    assert.equal(provider.calls.token.length, 2, "the login's, and one");
    const tokens = new Set(answers.map((answer) => /Bearer ([^"]+)/.exec(answer.text)[1]));
    assert.equal(tokens.size, 1);
    assert.ok(!tokens.has(first));
  });

  test(`${kind}: a token endpoint that says "not now" is asked again, with its pause, and the session is kept`, async (t) => {
    const { provider, login, token } = await world(t);
    const browser = await login();
    const first = await token(browser);
    let number = 0;
    provider.answers.token = (valid) => ((number += 1) === 1 ? { status: 429, headers: { "retry-after": "1" }, body: "" } : valid());
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(number, 2);
    const [one, two] = provider.calls.token.slice(1);
    assert.ok(two.at - one.at >= 900, `${two.at - one.at} ms`);
    assert.notEqual(await token(browser), first);
  });

  test(`${kind}: a refused refresh ends the session, and the cookie is taken away`, async (t) => {
    const { provider, login } = await world(t);
    const browser = await login();
    provider.answers.token = () => ({ status: 400, json: { error: "invalid_grant", error_description: "no" } });
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.status, 401);
    assert.equal(answer.json().code, "session_ended");
    assert.equal(answer.json().reason, "refresh_rejected");
    assert.equal(browser.session, undefined);
    assert.equal((await browser.api("/api")).status, 401);
  });

  test(`${kind}: an answer that is lost loses no session: the access token goes on, the refresh token is not shown again, and a navigation logs in anew`, async (t) => {
    const { provider, login, token } = await world(t, { accessTokenSeconds: 4 });
    const browser = await login({ hint: "ada" });
    const first = await token(browser);
    provider.answers.token = async (valid) => {
      await valid();
      return DROP;
    };
    await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(await token(browser), first);
    const calls = provider.calls.token.length;
    provider.answers.token = undefined;
    const { access_token_expires_at } = (await browser.api("/auth/session")).json();
    await sleep(Date.parse(access_token_expires_at) - Date.now());
    assert.equal((await browser.api("/api")).json().code, "login_required");
    assert.equal(provider.calls.token.length, calls);
    const page = await browser.navigate("/there");
    assert.equal(page.json().url, "/there", "back where it was");
    assert.notEqual(await token(browser), first);
  });

  test(`${kind}: a session in use is refreshed ahead of its access token's end, by the alarm`, async (t) => {
    const { gateway, provider, login, token } = await world(t, { accessTokenSeconds: 4 });
    const browser = await login();
    const first = await token(browser);
    await gateway.untilEvent("refresh", ({ cause, outcome }) => cause === "alarm" && outcome === "ok");
    assert.equal(provider.calls.token.length, 2);
    assert.notEqual(await token(browser), first);
  });

  test(`${kind}: a session outlives a restart of the gateway`, async (t) => {
    const { gateway, login, token } = await world(t);
    const browser = await login({ hint: "ada" });
    const first = await token(browser);
    await gateway.kill9();
    await gateway.restart();
    assert.equal(await token(browser), first);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
  });

  test(`${kind}: a code that is refused is 400, a client that is refused 502, and a provider that is not there 503; never a session`, async (t) => {
    const { provider, browser: open } = await world(t);
    for (const [answer, status, code] of [
      [{ status: 400, json: { error: "invalid_grant", error_description: "code 01hunter2 is not valid" } }, 400, "callback_rejected"],
      [{ status: 401, json: { error: "invalid_client", error_description: "hunter2" } }, 502, "provider_rejected"],
      [{ status: 200, json: { hello: "there" } }, 502, "provider_rejected"],
      [{ status: 200, body: "<html>" }, 502, "provider_rejected"],
      [{ status: 429, body: "" }, 503, "provider_unavailable"],
      [DROP, 503, "provider_unavailable"],
    ]) {
      provider.answers.token = () => answer;
      const browser = open();
      const callback = await callbackOf(browser);
      const refused = await browser.api(callback);
      assert.equal(refused.status, status, `${JSON.stringify(answer)}: ${refused.text}`);
      assert.equal(refused.json().code, code);
      assert.ok(!refused.text.includes("hunter2"));
      assert.equal(browser.session, undefined);
    }
  });

  test(`${kind}: a logout while a refresh is under way wins`, async (t) => {
    const { provider, gateway, login } = await world(t);
    const browser = await login();
    const cookie = browser.sessionHeader;
    provider.answers.token = async (valid) => {
      await sleep(800);
      return valid();
    };
    const refresh = browser.api("/auth/refresh", { method: "POST" });
    await until("the refresh is under way", () => provider.calls.token.length === 2);
    await browser.api("/auth/logout", { method: "POST" });
    assert.equal((await refresh).status, 401);
    assert.equal((await gateway.request("/api", { headers: { cookie } })).json().reason, "logout");
  });

  return { tests, before, after };
}
