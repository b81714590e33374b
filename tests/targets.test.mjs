// Access tokens for the APIs behind routes: by resource, by audience, by scopes, and by exchange.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertProblem, inspect } from "./parts/administration.mjs";
import { actorOf } from "./parts/actors.mjs";
import { sleep } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const [A, B] = ["https://a.example/api", "https://b.example/api"];
const RESOURCES = [{ match: "/a/*", resource: A }, { match: "/b/*", resource: B, identity_headers: true }, { match: "/*" }];
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const audience = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).aud;

describe("an access token for a route, at a certified provider", () => {
  const world = (t, provider) => createWorld(t, { provider: { resources: [A, B], ...provider }, routes: RESOURCES });

  test("the login asks for all resources, and each route gets the token for its own", async (t) => {
    const { provider, login, token } = await world(t);
    const browser = await login();
    assert.deepEqual([provider.calls.authorization[0].query.resource].flat().sort(), [A, B]);
    assert.equal(audience(await token(browser, "/a/x")), A);
    assert.equal(audience(await token(browser, "/b/x")), B);
    const own = await token(browser, "/x");
    assert.ok(!own.includes("."), "the session's own is the opaque one for UserInfo");
    const [first, again] = [await token(browser, "/a/x"), await token(browser, "/a/y")];
    assert.equal(first, again);
    assert.equal(provider.refreshes.length, 2, "one call for each");
  });

  test("a storm of requests at the tokens' end costs one call for each, and no refresh token comes twice", async (t) => {
    const { provider, login } = await world(t, { accessTokenSeconds: 3 });
    const browser = await login();
    const storm = async () => {
      const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => browser.api(["/a/x", "/b/x", "/x"][i % 3])));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    };
    await storm();
    assert.equal(provider.refreshes.length, 2);
    const before = provider.refreshes.length;
    await sleep(3000);
    await storm();
    // The alarm has got the session's own.
    const calls = provider.refreshes.slice(before).map(({ params }) => params.resource);
    assert.deepEqual(calls.filter(Boolean).sort(), [A, B]);
    assert.equal(new Set(provider.presented).size, provider.presented.length, "a refresh token was presented twice");
  });

  test("a token for a route survives a restart", async (t) => {
    const { provider, gateway, login, token } = await world(t);
    const browser = await login();
    const before = await token(browser, "/a/x");
    await gateway.restart();
    assert.equal(await token(browser, "/a/x"), before);
    assert.equal(provider.refreshes.length, 1);
  });

  test("an application that refuses the token gets another one, for the same API", async (t) => {
    const { provider, upstream, login, token } = await world(t);
    const browser = await login();
    const first = await token(browser, "/a/x");
    upstream.answer("/a/picky", (request, response) => {
      const isOld = request.headers.authorization === `Bearer ${first}`;
      const headers = isOld ? { "www-authenticate": 'Bearer error="invalid_token"' } : {};
      response.writeHead(isOld ? 401 : 200, headers).end(JSON.stringify({ token: request.headers.authorization }));
    });
    const answer = await browser.api("/a/picky");
    assert.equal(answer.status, 200);
    assert.equal(audience(answer.json().token.slice(7)), A);
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });
});

describe("an access token for a route, at a scriptable provider", () => {
  const ROUTES = [
    { match: "/api/*", audience: "https://api.example", scopes: "read write" },
    { match: "/exchanged/*", exchange: { audience: "behind", scopes: "deep" }, require: { sub: "ada" } },
    { match: "/*" },
  ];
  const world = (t) => createWorld(t, { hostile: true, routes: ROUTES });

  test("audience and scopes go into the refresh, and not into any other", async (t) => {
    const { provider, login, token } = await world(t);
    const browser = await login();
    await token(browser, "/api/x");
    const { params } = provider.refreshes[0];
    assert.deepEqual([params.audience, params.scope, params.resource], ["https://api.example", "read write", undefined]);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const own = provider.refreshes[1].params;
    assert.deepEqual([own.audience, own.scope], [undefined, undefined]);
  });

  test("a refused audience is a 502 of its own route: the session lives, and the provider is not asked again at once", async (t) => {
    const { provider, gateway, login } = await world(t);
    const browser = await login();
    provider.answers.token = (valid, { params }) =>
      params.audience ? { status: 400, json: { error: "invalid_target", error_description: "no such API" } } : valid();
    assertProblem(await browser.api("/api/x"), 502, "provider_rejected");
    assertProblem(await browser.api("/api/x"), 502, "provider_rejected");
    assert.equal(provider.refreshes.length, 1);
    assert.equal((await browser.api("/x")).status, 200);
    const { ledger } = await inspect(gateway, actorOf(browser.session));
    const refused = ledger.find(({ outcome }) => outcome === "target_refused");
    assert.match(refused.detail, /for https:\/\/api\.example: the provider answered invalid_target/);
    const line = gateway.eventsOf("refresh").find(({ outcome }) => outcome === "target_refused");
    assert.match(line.detail, /no such API/);
  });

  test("an access token is exchanged once, with what RFC 8693 wants", async (t) => {
    const { provider, login, token } = await world(t);
    provider.answers.token = (valid, { params }) =>
      params.grant_type === EXCHANGE ? { json: { access_token: "exchanged", issued_token_type: params.requested_token_type, token_type: "Bearer", expires_in: 60 } } : valid();
    const browser = await login();
    const own = await token(browser, "/x");
    const answers = await Promise.all(Array.from({ length: 10 }, () => token(browser, "/exchanged/x")));
    assert.deepEqual([...new Set(answers)], ["exchanged"]);
    const calls = provider.calls.token.filter(({ params }) => params.grant_type === EXCHANGE);
    assert.equal(calls.length, 1);
    const kind = "urn:ietf:params:oauth:token-type:access_token";
    const { subject_token, subject_token_type, requested_token_type, audience: aud, scope } = calls[0].params;
    assert.deepEqual({ subject_token, subject_token_type, requested_token_type, aud, scope }, {
      subject_token: own, subject_token_type: kind, requested_token_type: kind, aud: "behind", scope: "deep",
    });
    assert.equal(provider.refreshes.length, 0);
  });

  test("without a refresh token a page is refused, and not sent in circles through logins that bring none either", async (t) => {
    const { provider, browser: open } = await world(t);
    provider.answers.token = async (valid) => {
      const answer = await valid();
      delete answer.json?.refresh_token;
      return answer;
    };
    const browser = open();
    const page = await browser.navigate("/api/page");
    assert.equal(page.status, 502);
    assert.equal(provider.calls.authorization.length, 1);
    assert.equal((await browser.api("/x")).status, 200);
  });

  test("a provider that does not exchange refuses that route alone", async (t) => {
    const { provider, login } = await world(t);
    provider.answers.token = (valid, { params }) => (params.grant_type === EXCHANGE ? { status: 400, json: { error: "unsupported_grant_type" } } : valid());
    const browser = await login();
    assertProblem(await browser.api("/exchanged/x"), 502, "provider_rejected");
    assert.equal((await browser.api("/api/x")).status, 200);
  });
});
