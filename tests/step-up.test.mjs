// Logins of a kind, and recent ones: what a route asks for (acr, max_age), and what an application does (RFC 9470).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, assertProblem } from "./parts/administration.mjs";
import { jwt } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { sleep } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const ROUTES = [{ match: "/vault/*", acr: "mfa" }, { match: "/fresh/*", max_age: 2 }, { match: "/*" }];
const world = (t, more) => createWorld(t, { routes: ROUTES, ...more });
const asked = (provider) => provider.calls.authorization.at(-1).query;

describe("what a route asks for", () => {
  test("a page behind a stronger login leads through the provider once, and then opens", async (t) => {
    const { provider, upstream, login } = await world(t);
    const browser = await login();
    assert.equal(asked(provider).acr_values, undefined);
    const page = await browser.navigate("/vault/page?x=1");
    assert.equal(page.status, 200);
    assert.equal(page.url.pathname + page.url.search, "/vault/page?x=1");
    const { acr_values, prompt } = asked(provider);
    assert.deepEqual({ acr_values, prompt }, { acr_values: "mfa", prompt: "login" });
    assert.equal((await browser.api("/vault/data")).status, 200);
    assert.equal((await browser.api("/auth/session")).json().claims.acr, "mfa");
    assert.equal(provider.tokenCalls("authorization_code").length, 2);
    assert.ok(upstream.requests.every(({ url }) => !url.startsWith("/vault/page") || url === "/vault/page?x=1"));
  });

  test("a first login that leads there asks for it at once", async (t) => {
    const { provider, browser: open } = await world(t);
    const browser = open();
    assert.equal((await browser.navigate("/vault/page")).status, 200);
    assert.equal(provider.calls.authorization[0].query.acr_values, "mfa");
    assert.equal(provider.tokenCalls("authorization_code").length, 1);
  });

  test("a call of an API gets the challenge of RFC 9470, and the session lives", async (t) => {
    const { login, upstream, provider } = await world(t);
    const browser = await login();
    const answer = await browser.api("/vault/data");
    const problem = assertProblem(answer, 401, "login_required");
    assert.equal(answer.headers["www-authenticate"], 'Bearer error="insufficient_user_authentication", acr_values="mfa"');
    assert.ok(upstream.requests.every(({ url }) => url !== "/vault/data"));
    assert.deepEqual(answer.setCookies, []);
    assert.equal((await browser.api("/x")).status, 200);
    // The problem names the login that is enough, wherever it comes back to.
    const page = await browser.navigate(`${problem.login}&return_to=%2Fplain`);
    assert.deepEqual([page.status, page.url.pathname, asked(provider).acr_values], [200, "/plain", "mfa"]);
    assert.equal((await browser.api("/vault/data")).status, 200);
  });

  test("where nobody has a session, and the provider knows the user from a weaker login, it is asked once more, and asks the user", async (t) => {
    const { provider, gateway, login } = await world(t);
    const browser = await login();
    assert.equal((await administer(gateway, `/sessions/${actorOf(browser.session)}`, { method: "DELETE" })).status, 204);
    const before = provider.calls.authorization.length;
    const page = await browser.navigate("/vault/page?x=1");
    assert.deepEqual([page.status, page.url.pathname + page.url.search], [200, "/vault/page?x=1"]);
    const calls = provider.calls.authorization.slice(before).map(({ query }) => [query.acr_values, query.prompt]);
    assert.deepEqual(calls, [["mfa", undefined], ["mfa", "login"]]);
  });

  test("a provider that logs in otherwise is not believed: the user is told, nothing goes in circles, and the session lives", async (t) => {
    const { provider, login } = await world(t, { provider: { acr: () => "pwd" } });
    const browser = await login();
    const page = await browser.navigate("/vault/page");
    assert.equal(page.status, 400);
    assert.match(page.text, /another way than this site requires \(acr\)/);
    assert.equal(provider.tokenCalls("authorization_code").length, 2);
    assert.equal((await browser.api("/x")).status, 200);
  });

  test("a login that is too old is asked for once more", async (t) => {
    const { provider, login } = await world(t);
    const browser = await login();
    await sleep(3200);
    const answer = await browser.api("/fresh/data");
    assertProblem(answer, 401, "login_required");
    assert.equal(answer.headers["www-authenticate"], 'Bearer error="insufficient_user_authentication", max_age=2');
    const page = await browser.navigate("/fresh/page");
    assert.equal(page.status, 200);
    assert.equal(asked(provider).max_age, "2");
    assert.equal((await browser.api("/fresh/data")).status, 200);
  });

  test("a provider that does not say when the user logged in is not believed", async (t) => {
    const { provider, login } = await world(t, { hostile: true });
    const browser = await login();
    const page = await browser.navigate("/fresh/page");
    assert.equal(page.status, 400);
    assert.match(page.text, /does not say when the user logged in/);
    provider.idToken.claims = (claims) => ({ ...claims, auth_time: claims.iat - 60 });
    assert.match((await browser.navigate("/fresh/page")).text, /longer ago than this site allows/);
    provider.idToken.claims = (claims) => ({ ...claims, auth_time: claims.iat });
    assert.equal((await browser.navigate("/fresh/page")).status, 200);
  });

  test("a login that takes longer than the page allows begins a session and says so: nobody is sent round in circles", async (t) => {
    const { provider, login } = await world(t, { hostile: true });
    const browser = await login();
    const since = (seconds) => (provider.idToken.claims = (claims) => ({ ...claims, auth_time: claims.iat - seconds }));
    since(4);
    const page = await browser.navigate("/fresh/page?a=1");
    assert.equal(page.status, 200);
    assert.match(page.text, /<h1>Login took too long/);
    assert.equal(provider.calls.authorization.length, 2);
    assert.equal((await browser.api("/x")).status, 200);
    since(0);
    const [, again] = /<a[^>]* href="([^"]*)"[^>]*>Log in again/.exec(page.text);
    const opened = await browser.navigate(again.replaceAll("&amp;", "&"), { from: browser.origin });
    assert.deepEqual([opened.status, opened.url.pathname + opened.url.search], [200, "/fresh/page?a=1"]);
    const { prompt, max_age } = provider.calls.authorization.at(-1).params;
    assert.deepEqual([prompt, max_age], ["login", "2"]);
  });

  test("what is asked for is asked for again by the login that follows one that failed", async (t) => {
    const { provider, login } = await world(t, { hostile: true, routes: [{ match: "/pay", methods: ["POST"], acr: "mfa" }, { match: "/*" }] });
    const browser = await login();
    const { login: needed } = (await browser.api("/pay", { method: "POST" })).json();
    const failed = await browser.navigate(`${needed}&return_to=/page`);
    assert.equal(failed.status, 400, "the provider names no acr");
    assert.equal(provider.calls.authorization.at(-1).params.acr_values, "mfa");
    await browser.api("/auth/logout", { method: "POST" });
    const stranger = await browser.navigate(`${needed}&return_to=/page`);
    const [, again] = /<a[^>]* href="([^"]*)"[^>]*>Log in again/.exec(stranger.text);
    provider.idToken.claims = (claims) => ({ ...claims, acr: "mfa" });
    const opened = await browser.navigate(again.replaceAll("&amp;", "&"), { from: browser.origin });
    assert.deepEqual([opened.status, opened.url.pathname], [200, "/page"]);
    assert.equal(provider.calls.authorization.at(-1).params.acr_values, "mfa");
    assert.equal((await browser.api("/pay", { method: "POST" })).status, 200);
  });

  test("what is asked for is asked for by the login that follows a silent one, too, and a form goes along", async (t) => {
    const routes = [{ match: "/pay", methods: ["POST"], acr: "mfa" }, { match: "/*" }];
    const { provider, login } = await world(t, { hostile: { accessTokenSeconds: 2 }, routes });
    provider.answers.token = async (valid) => {
      const answer = await valid();
      delete answer.json.refresh_token;
      return answer;
    };
    provider.answers.authorization = async (valid, { params }) => {
      if (params.prompt !== "none") return valid();
      const { redirect_uri, state } = params;
      return { status: 302, headers: { location: `${redirect_uri}?${new URLSearchParams({ error: "login_required", state, iss: provider.issuer })}` } };
    };
    for (const query of ["form=1&return_to=/pay", "return_to=/page"]) {
      const browser = await login();
      const { login: needed } = (await browser.api("/pay", { method: "POST" })).json();
      await sleep(2500);
      const before = provider.calls.authorization.length;
      await browser.navigate(query.startsWith("form") ? `/auth/login?${query}` : `${needed}&${query}`, { until: (url) => url.pathname === "/pay" });
      const asked = provider.calls.authorization.slice(before).map(({ params }) => [params.prompt, params.acr_values]);
      // This provider does as nobody asks. It is asked once more, as it may still know the user from a weaker login.
      assert.deepEqual(asked, [["none", "mfa"], [undefined, "mfa"], ["login", "mfa"]], query);
    }
  });

  test("a visitor's own wishes do not count", async (t) => {
    const { provider, login, gateway } = await world(t);
    const browser = await login();
    await browser.navigate("/auth/login?acr_values=weak&max_age=9&step_up=AAAA&return_to=/x");
    assert.deepEqual([asked(provider).acr_values, asked(provider).max_age], [undefined, undefined]);
    await browser.navigate("/auth/login?acr_values=weak&return_to=/vault/x");
    assert.equal(asked(provider).acr_values, "mfa");
    assert.ok(!gateway.log.includes("panicked"));
  });
});

describe("what an application asks for", () => {
  const challenge = (...more) => ({ "www-authenticate": ['Bearer error="insufficient_user_authentication"', ...more].join(", ") });
  const demanding = (upstream, isFine) =>
    upstream.answer("/app", (_, response, { headers }) => (isFine(headers) ? response.end("fine") : response.writeHead(401, challenge('acr_values="mfa"')).end("more")));

  test("a page gets another login, and then opens", async (t) => {
    const { provider, upstream, login } = await world(t);
    const browser = await login();
    let times = 0;
    demanding(upstream, () => ++times > 1);
    const page = await browser.navigate("/app");
    assert.equal(page.text, "fine");
    assert.deepEqual([asked(provider).acr_values, asked(provider).prompt], ["mfa", "login"]);
    assert.equal(times, 2);
  });

  test("an application that is never content gets no circle: its refusal is the user's to see", async (t) => {
    const { provider, upstream, login } = await world(t);
    const browser = await login();
    demanding(upstream, () => false);
    const page = await browser.navigate("/app");
    assert.deepEqual([page.status, page.text], [401, "more"]);
    assert.equal(provider.tokenCalls("authorization_code").length, 2);
  });

  test("a call of an API gets the application's own answer", async (t) => {
    const { upstream, login } = await world(t);
    const browser = await login();
    demanding(upstream, () => false);
    const answer = await browser.api("/app");
    assert.deepEqual([answer.status, answer.text], [401, "more"]);
    assert.match(answer.headers["www-authenticate"], /acr_values="mfa"/);
  });
});

test("a client's own JWT has to come from such a login, too", async (t) => {
  const key = signingKey("ES256");
  const { gateway } = await world(t, {
    routes: [{ match: "/*", acr: "mfa", bearer: true }],
    vars: { JWT_ISSUER: "https://tokens.example", JWT_AUDIENCE: "api", JWKS: JSON.stringify({ keys: [key.publicJwk] }) },
  });
  const call = (claims) => {
    const exp = Math.floor(Date.now() / 1000) + 300;
    const token = jwt({ alg: key.alg, kid: key.kid }, { iss: "https://tokens.example", aud: "api", sub: "machine", exp, ...claims }, key);
    return gateway.request("/x", { headers: { authorization: `Bearer ${token}` } });
  };
  assert.equal((await call({ acr: "mfa" })).status, 200);
  const weak = await call({ acr: "pwd" });
  assertProblem(weak, 401, "login_required");
  assert.match(weak.headers["www-authenticate"], /^Bearer error="insufficient_user_authentication", acr_values="mfa", resource_metadata="/);
});
