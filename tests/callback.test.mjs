// The callback: whose it is, how often it counts, what the provider says in it, and how the code fares at the token
// endpoint. Conformance.md 10, 11, 12.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { DROP } from "./parts/hostile.mjs";
import { sleep, until } from "./parts/process.mjs";
import { rawGet } from "./parts/rawhttp.mjs";
import { assertRejected, assertSignedIn, attempt, callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

describe("callback", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { hostile: true });
  });
  after(() => world.close());
  beforeEach(() => {
    Object.assign(world.provider, { answers: {}, idToken: {} });
    world.provider.forgetCalls();
  });
  const tokenCalls = () => world.provider.calls.token.length;
  const rejectedUntouched = (result) => {
    assertRejected(result);
    assert.equal(tokenCalls(), 0, "the code was not redeemed");
  };

  test("conformance 10: another iss in the callback is rejected before the code is redeemed", async () => {
    for (const iss of ["https://other.example", `${world.provider.issuer}/`, ""]) {
      const browser = world.browser();
      const url = await callbackOf(browser);
      url.searchParams.set("iss", iss);
      rejectedUntouched({ browser, page: await browser.navigate(url) });
    }
  });
  test("conformance 10: a callback without iss, which the provider advertises, is rejected before the code is redeemed", async () => {
    const browser = world.browser();
    const url = await callbackOf(browser);
    url.searchParams.delete("iss");
    rejectedUntouched({ browser, page: await browser.navigate(url) });
  });
  test("conformance 10: a provider that does not advertise iss may leave it out, and must not send another's", async (t) => {
    const discovery = { authorization_response_iss_parameter_supported: undefined };
    const other = await createWorld(t, { hostile: { discovery } });
    const browser = other.browser();
    const url = await callbackOf(browser);
    url.searchParams.delete("iss");
    await assertSignedIn(other, { browser, page: await browser.navigate(url) });
    const second = other.browser();
    const wrong = await callbackOf(second);
    wrong.searchParams.set("iss", "https://other.example");
    assertRejected({ browser: second, page: await second.navigate(wrong) });
    assert.equal(other.provider.calls.token.length, 1);
  });
  test("what a login was granted that is refused after its code was exchanged is revoked, unless a session that lives may share it", async () => {
    const { provider } = world;
    const token = (change) => async (valid) => {
      const answer = await valid();
      return { ...answer, json: { ...answer.json, ...change } };
    };
    for (const [what, refuse] of Object.entries({
      "UserInfo of another user": () => (provider.answers.userinfo = () => ({ json: { sub: "grace" } })),
      "an ID token for another client": () => (provider.idToken = { claims: (claims) => ({ ...claims, aud: "another" }) }),
      "no ID token": () => (provider.answers.token = token({ id_token: undefined })),
      "an access token that no header carries": () => (provider.answers.token = token({ access_token: "a b" })),
    })) {
      Object.assign(provider, { answers: {}, idToken: {} });
      provider.forgetCalls();
      refuse();
      assert.notEqual((await attempt(world)).page.status, 200, what);
      const granted = provider.calls.token[0].answer.json.refresh_token;
      await until(`what was granted is revoked: ${what}`, () => provider.revoked.includes(granted));
      assert.equal(provider.revoked.length, 1, what);
    }

    Object.assign(provider, { answers: {}, idToken: {} });
    const browser = world.browser();
    await browser.login();
    provider.forgetCalls();
    provider.answers.userinfo = () => ({ json: { sub: "grace" } });
    const { page } = await attempt(world, { browser });
    assert.equal(page.status, 400);
    assert.equal((await browser.api("/auth/session")).status, 200, "the session from before lives");
    await sleep(300);
    assert.deepEqual(provider.revoked, []);
  });

  test("a forged callback spoils nothing: the true one still logs in", async () => {
    const browser = world.browser();
    const url = await callbackOf(browser);
    const forged = new URL(url);
    forged.searchParams.set("state", `${url.searchParams.get("state").slice(0, -1)}x`);
    rejectedUntouched({ browser, page: await browser.navigate(forged) });
    await assertSignedIn(world, { browser, page: await browser.navigate(url) });
  });

  test("conformance 11: an unknown, empty, missing or foreign state is rejected without a token call", async () => {
    const changes = {
      unknown: (params) => params.set("state", "unknown"),
      "like a state": (params) => params.set("state", `01234567.${"a".repeat(43)}`),
      "of this attempt, another secret": (params) => params.set("state", `${params.get("state").slice(0, 9)}${"a".repeat(43)}`),
      empty: (params) => params.set("state", ""),
      missing: (params) => params.delete("state"),
      long: (params) => params.set("state", "x".repeat(6000)),
    };
    for (const [name, change] of Object.entries(changes)) {
      const browser = world.browser();
      const url = await callbackOf(browser);
      change(url.searchParams);
      const page = await browser.navigate(url);
      assert.equal(page.status, 400, `${name}: ${page.status}`);
      assert.equal(browser.session, undefined, name);
      assert.equal(tokenCalls(), 0, name);
    }
  });
  test("conformance 11: a callback opened twice creates nothing the second time, and the session lives on", async () => {
    const browser = world.browser();
    const url = await callbackOf(browser);
    await assertSignedIn(world, { browser, page: await browser.navigate(url) });
    const cookie = browser.session.value;
    const again = await browser.navigate(url);
    assert.equal(again.status, 400);
    assert.equal(tokenCalls(), 1);
    assert.equal(browser.session.value, cookie);
    assert.ok(await world.token(browser));
    assert.match(again.text, /href="\/"/, "the page leads back to the application");
  });
  test("conformance 11: a callback opened twice at the same time redeems the code once", async () => {
    const browser = world.browser();
    const url = await callbackOf(browser);
    const cookie = browser.jar().header(url);
    const headers = [`cookie: ${cookie}`, "accept: text/html"];
    const target = `${url.pathname}${url.search}`;
    const answers = await Promise.all([1, 2, 3, 4].map(() => rawGet(url.origin, target, headers)));
    const sessions = answers.flatMap(({ setCookies }) => setCookies).filter((line) => /^edge-session=[^;]/.test(line));
    assert.equal(sessions.length, 1);
    assert.equal(tokenCalls(), 1);
  });
  test("conformance 11: a callback in another browser creates nothing, and the right browser still can", async () => {
    const browser = world.browser();
    const url = await callbackOf(browser);
    const other = world.browser();
    rejectedUntouched({ browser: other, page: await other.navigate(url) });
    const third = world.browser();
    await callbackOf(third); // a login of its own under way
    rejectedUntouched({ browser: third, page: await third.navigate(url) });
    await assertSignedIn(world, { browser, page: await browser.navigate(url) });
  });
  for (const name of ["state", "code", "iss"]) {
    test(`conformance 11: a ${name} that is there twice is rejected without a token call`, async () => {
      for (const second of ["same", "other"]) {
        const browser = world.browser();
        const url = await callbackOf(browser);
        url.searchParams.append(name, second === "same" ? url.searchParams.get(name) : "other");
        rejectedUntouched({ browser, page: await browser.navigate(url) });
      }
    });
  }
  test("conformance 11: a callback after LOGIN_TIMEOUT_SECONDS creates nothing", async (t) => {
    const other = await createWorld(t, { hostile: true, vars: { LOGIN_TIMEOUT_SECONDS: "1" } });
    const browser = other.browser();
    const url = await callbackOf(browser);
    const cookie = browser.jar().header(url); // a client that keeps it beyond its Max-Age
    await sleep(1300);
    const answer = await other.gateway.request(`${url.pathname}${url.search}`, { headers: { cookie } });
    assert.equal(answer.status, 400);
    assert.equal(answer.json().code, "callback_rejected");
    assert.equal(other.provider.calls.token.length, 0);
  });
  test("a callback without a code and without an error is rejected", async () => {
    const browser = world.browser();
    const url = await callbackOf(browser);
    url.searchParams.delete("code");
    rejectedUntouched({ browser, page: await browser.navigate(url) });
  });

  test("conformance 12: error= leads to a clear page and no session", async () => {
    for (const error of ["access_denied", "server_error", "invalid_scope", "login_required"]) {
      const browser = world.browser();
      const url = await callbackOf(browser);
      url.searchParams.delete("code");
      url.searchParams.set("error", error);
      const page = await browser.navigate(url);
      rejectedUntouched({ browser, page });
      assert.ok(page.text.includes(error), page.text);
      assert.match(page.text, /log in again/i);
    }
  });
  test("conformance 12: an error and its description are never reflected raw", async () => {
    const script = "<script>alert(1)</script>";
    for (const name of ["error_description", "error", "error_uri", "state", "iss"]) {
      const browser = world.browser();
      const url = await callbackOf(browser);
      url.searchParams.delete("code");
      url.searchParams.set("error", "access_denied");
      url.searchParams.set(name, script);
      const page = await browser.navigate(url);
      assert.equal(page.status, 400, name);
      assert.ok(!page.text.includes("<script"), name);
      assert.ok(!Object.values(page.headers).join().includes("<script"), name);
      const problem = await world.gateway.request(`${url.pathname}${url.search}`, { headers: { cookie: "a=b" } });
      assert.equal(problem.headers["content-type"], "application/problem+json");
    }
  });
  test("an explicit prompt=none that is refused goes to return_to without a session", async () => {
    for (const error of ["login_required", "interaction_required", "consent_required", "account_selection_required"]) {
      const browser = world.browser();
      const url = await callbackOf(browser, "/auth/login?prompt=none&return_to=/after%3Fx=1");
      assert.equal(world.provider.calls.authorization.at(-1).params.prompt, "none");
      url.searchParams.delete("code");
      url.searchParams.set("error", error);
      const answer = await browser.navigate(url, { follow: false });
      assert.equal(answer.status, 303);
      assert.equal(answer.headers.location, "/after?x=1");
      assert.equal(browser.session, undefined);
    }
  });
  test("a rejected callback beside a living session leaves it alone and links back to the application", async () => {
    const browser = await world.login();
    const url = await callbackOf(browser);
    url.searchParams.delete("code");
    url.searchParams.set("error", "access_denied");
    const cookie = browser.session.value;
    const page = await browser.navigate(url);
    assert.equal(page.status, 400);
    assert.equal(browser.session.value, cookie);
    assert.match(page.text, /<a [^>]*href="\/"/);
    assert.ok(await world.token(browser));
  });

  for (const [what, answer, expected] of [
    ["refuses the code (invalid_grant)", { status: 400, json: { error: "invalid_grant" } }, {}],
    ["refuses the client (invalid_client)", { status: 401, json: { error: "invalid_client" } }, { status: 502, code: "provider_rejected" }],
    ["refuses the client (unauthorized_client)", { status: 400, json: { error: "unauthorized_client" } }, { status: 502, code: "provider_rejected" }],
    ["answers no JSON", { body: "<h1>hello</h1>", headers: { "content-type": "text/html" } }, { status: 502, code: "provider_rejected" }],
    ["answers JSON without tokens", { json: { hello: "there" } }, { status: 502, code: "provider_rejected" }],
    ["redirects", { status: 307, headers: { location: "/token2" } }, { status: 502, code: "provider_rejected" }],
    ["answers 503", { status: 503, body: "" }, { status: 503, code: "provider_unavailable" }],
  ]) {
    test(`a token endpoint that ${what} creates no session and is asked once`, async () => {
      world.provider.answers.token = () => answer;
      const result = await attempt(world);
      assertRejected(result, expected);
      assert.equal(tokenCalls(), 1);
      if (expected.status === 503) assert.ok(Number(result.page.headers["retry-after"]) > 0);
    });
  }
  test("a token endpoint whose connection is lost is a 503, and the code is not presented again", async () => {
    world.provider.answers.token = () => DROP;
    assertRejected(await attempt(world), { status: 503, code: "provider_unavailable" });
    assert.equal(tokenCalls(), 1);
  });
  test("an error of the token endpoint is never reflected raw", async () => {
    world.provider.answers.token = () => ({ status: 400, json: { error: "<script>1</script>", error_description: "<script>2</script>" } });
    const { page } = await attempt(world);
    assert.ok(page.status >= 400 && !page.text.includes("<script"));
  });
});
