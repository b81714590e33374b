// The ways in which providers differ: client authentication, PAR, form_post, scopes, signatures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileWorld, world } from "./parts/world.mjs";

for (const auth of ["client_secret_basic", "client_secret_post", "none"]) {
  test(`a client with ${auth} logs in and refreshes`, async (t) => {
    const vars = auth === "client_secret_post" ? { OIDC_TOKEN_AUTH: auth } : {};
    const { browser, provider } = await world(t, { provider: { auth }, vars });
    const ada = browser();
    await ada.login();
    assert.equal((await ada.call("/auth/refresh", { method: "POST" })).status, 200);
    const { headers, body } = provider.calls.findLast(({ path }) => path === "/token");
    assert.equal(body.get("grant_type"), "refresh_token");
    assert.equal(headers.authorization !== undefined, auth === "client_secret_basic");
    assert.equal(body.get("client_secret"), auth === "client_secret_post" ? provider.clientSecret : null);
    assert.equal(body.get("client_id"), auth === "client_secret_basic" ? null : "gateway");
  });
}

test("a provider that offers client_secret_post alone gets it without being asked to", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.script.metadata = { token_endpoint_auth_methods_supported: ["client_secret_post"] };
  await browser().login();
  assert.equal(provider.calls.find(({ path }) => path === "/token").body.get("client_secret"), provider.clientSecret);
});

for (const alg of ["ES256", "EdDSA"]) {
  test(`ID tokens signed with ${alg} are accepted`, async (t) => {
    const { browser } = await world(t, { provider: { alg } });
    await browser().login();
  });
}

for (const [what, provider, vars] of [["the provider requires it", { requirePar: true }, {}], ["OIDC_PAR=always", {}, { OIDC_PAR: "always" }]]) {
  test(`where ${what}, the authorization request is pushed`, async (t) => {
    const parts = await world(t, { provider, vars });
    const ada = parts.browser();
    const response = await ada.send("/auth/login?login_hint=ada");
    assert.equal(response.status, 302, response.body);
    const url = new URL(response.headers.location);
    assert.deepEqual([...url.searchParams.keys()].sort(), ["client_id", "request_uri"]);
    const pushed = parts.provider.calls.find(({ path }) => path === "/request");
    assert.equal(pushed.body.get("login_hint"), "ada");
    assert.equal(pushed.body.get("code_challenge_method"), "S256");
    await ada.login();
  });
}

test("response_mode=form_post: the provider's page posts the callback", async (t) => {
  const { browser } = await hostileWorld(t, { vars: { OIDC_RESPONSE_MODE: "form_post" } });
  const ada = browser();
  const stopped = await ada.toCallback();
  const url = new URL(stopped);
  const authorize = new URL(ada.visited.find((visited) => visited.includes("/authorize")));
  assert.equal(authorize.searchParams.get("response_mode"), "form_post");
  const response = await ada.post("/auth/callback", Object.fromEntries(url.searchParams), { "sec-fetch-site": "cross-site", origin: "null" });
  assert.equal(response.status, 303);
  assert.ok(ada.session);
  assert.equal((await ada.call("/x")).status, 200);
});

test("offline_access is left out where the provider does not know it", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.script.metadata = { scopes_supported: ["openid", "profile", "email"] };
  const { headers } = await browser().send("/auth/login");
  assert.equal(new URL(headers.location).searchParams.get("scope"), "openid profile email");
});

test("audience, resource and further parameters go into the authorization request, resource into the token requests", async (t) => {
  const vars = { OIDC_AUDIENCE: "https://api.example", OIDC_RESOURCE: "https://resource.example/", OIDC_AUTHORIZATION_PARAMS: '{"acr_values":"mfa"}' };
  const { browser, provider } = await hostileWorld(t, { vars });
  const ada = browser();
  await ada.login();
  const { query } = provider.calls.find(({ path }) => path === "/authorize");
  assert.deepEqual([query.get("audience"), query.get("resource"), query.get("acr_values")], ["https://api.example", "https://resource.example/", "mfa"]);
  await ada.call("/auth/refresh", { method: "POST" });
  for (const { body } of provider.calls.filter(({ path }) => path === "/token")) assert.equal(body.get("resource"), "https://resource.example/");
});

for (const [what, metadata] of Object.entries({ "plain http off loopback": { token_endpoint: "http://op.example/token" }, "no metadata": { authorization_endpoint: 7 } })) {
  test(`a discovery document with ${what} is refused`, async (t) => {
    const { browser, provider } = await hostileWorld(t);
    provider.script.metadata = metadata;
    const response = await browser().send("/auth/login");
    assert.deepEqual([response.status, response.json().code], [502, "provider_rejected"]);
  });
}

test("a redirect of a provider's endpoint is not followed", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.script["/token"] = (_, response) => response.writeHead(307, { location: `${provider.issuer}/elsewhere` }).end();
  assert.equal((await browser().navigate("/auth/login")).status, 502);
  assert.equal(provider.count("/elsewhere"), 0);
});
