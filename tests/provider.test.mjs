// What the gateway asks of a provider, and what it makes of the provider's metadata: discovery, client
// authentication, PAR, response modes, scopes, algorithms.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DROP, flood, HANG } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { signingKey } from "./parts/keys.mjs";
import { assertSignedIn, attempt } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const basic = (id, secret) => {
  const encode = (text) => new URLSearchParams({ x: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
};

describe("provider", () => {
  for (const [what, discovery] of Object.entries({
    "another issuer": { issuer: "https://other.example" },
    "an issuer with a slash more": (issuer) => ({ issuer: `${issuer}/` }),
    "no issuer": { issuer: undefined },
    "no authorization endpoint": { authorization_endpoint: undefined },
    "no keys": { jwks_uri: undefined },
    "a token endpoint on plain http elsewhere": { token_endpoint: "http://op.example/token" },
    "keys on plain http elsewhere": { jwks_uri: "http://op.example/jwks" },
    "an authorization endpoint that is a script": { authorization_endpoint: "javascript:alert(1)" },
  })) {
    test(`[discovery-issuer-mismatch]: a discovery document with ${what} fails closed`, async (t) => {
      const { provider, gateway, upstream } = await createWorld(t, { hostile: true });
      provider.discovery = typeof discovery === "function" ? discovery(provider.issuer) : discovery;
      const answer = await gateway.request("/auth/login");
      assert.equal(answer.status, 502);
      assert.equal(answer.json().code, "provider_rejected");
      assert.equal(answer.setCookies.length, 0);
      assert.equal(upstream.requests.length, 0);
      provider.discovery = {};
      assert.equal((await gateway.request("/auth/login")).status, 302, "nothing of it was kept");
    });
  }

  for (const [what, answer, status, code] of [
    ["answers 404", { status: 404, body: "" }, 502, "provider_rejected"],
    ["answers a redirect", { status: 302, headers: { location: "/elsewhere" } }, 502, "provider_rejected"],
    ["answers no JSON", { body: "<h1>hello</h1>" }, 502, "provider_rejected"],
    ["answers 500", { status: 500, body: "" }, 503, "provider_unavailable"],
    ["drops the connection", DROP, 503, "provider_unavailable"],
  ]) {
    test(`a provider whose discovery ${what} is ${code}, with a GET repeated at most once`, async (t) => {
      const { provider, gateway } = await createWorld(t, { hostile: true });
      provider.answers.discovery = () => answer;
      const problem = await gateway.request("/auth/login");
      assert.equal(problem.status, status);
      assert.equal(problem.json().code, code);
      assert.ok(provider.calls.discovery.length <= 2, `${provider.calls.discovery.length} calls`);
      if (status === 503) assert.ok(Number(problem.headers["retry-after"]) > 0);
    });
  }

  test("a discovery document of 50 MB is not read to the end", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true });
    const floods = [];
    provider.answers.discovery = () => {
      floods.push(flood(50 << 20));
      return { body: floods.at(-1).body };
    };
    const problem = await gateway.request("/auth/login");
    assert.ok([502, 503].includes(problem.status), `${problem.status}`);
    for (const { sent } of floods) assert.ok(sent() < 20 << 20);
  });

  test("a provider that never answers is given up after 10 s, twice for a GET", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true });
    provider.answers.discovery = () => HANG;
    const began = Date.now();
    const problem = await gateway.request("/auth/login");
    assert.equal(problem.status, 503);
    assert.equal(problem.json().code, "provider_unavailable");
    const seconds = (Date.now() - began) / 1000;
    assert.ok(seconds > 9 && seconds < 23, `${seconds} s`);
  });

  test("the discovery document serves for an hour while it cannot be fetched again", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    assert.equal((await gateway.request("/auth/login")).status, 302);
    provider.answers.discovery = () => DROP;
    await setClockAhead(gateway, 1800);
    assert.equal((await gateway.request("/auth/login")).status, 302);
    await setClockAhead(gateway, 3700);
    assert.equal((await gateway.request("/auth/login")).status, 503);
  });

  test("[client-secret-basic]: the client authenticates with client_secret_basic, each half form-encoded", async (t) => {
    const world = await createWorld(t);
    await assertSignedIn(world, await attempt(world));
    const { headers, params } = world.provider.calls.token[0];
    assert.equal(headers.authorization, basic(world.provider.clientId, world.provider.clientSecret));
    assert.equal(params.client_secret, undefined);
  });

  test("client_secret_post is used where it is all that the provider knows, or where OIDC_TOKEN_AUTH says so", async (t) => {
    const post = await createWorld(t, {
      hostile: { discovery: { token_endpoint_auth_methods_supported: ["client_secret_post"] } },
    });
    await assertSignedIn(post, await attempt(post));
    const world = await createWorld(t, { provider: { auth: "client_secret_post" }, vars: { OIDC_TOKEN_AUTH: "client_secret_post" } });
    const { browser } = await attempt(world);
    await browser.api("/auth/refresh", { method: "POST" });
    await browser.api("/auth/logout", { method: "POST" });
    for (const { provider } of [post, world]) {
      for (const { headers, params } of provider.calls.token) {
        assert.equal(headers.authorization, undefined);
        assert.equal(params.client_id, provider.clientId);
        assert.equal(params.client_secret, provider.clientSecret);
      }
    }
    assert.equal(world.provider.refreshes.length, 1);
    assert.equal(world.provider.calls.revocation[0].status, 200);
  });

  test("without OIDC_CLIENT_SECRET the client is a public one: its id in the body, PKCE, no secret", async (t) => {
    const world = await createWorld(t, { provider: { auth: "none" } });
    const { browser } = await attempt(world);
    await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(world.provider.refreshes[0].status, 200);
    for (const { headers, params } of world.provider.calls.token) {
      assert.equal(headers.authorization, undefined);
      assert.equal(params.client_id, world.provider.clientId);
      assert.equal(params.client_secret, undefined);
    }
  });

  for (const alg of ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]) {
    test(`ID tokens with ${alg} are accepted`, async (t) => {
      const world = await createWorld(t, { hostile: { key: signingKey(alg) } });
      await assertSignedIn(world, await attempt(world));
    });
  }
  for (const alg of ["ES256", "EdDSA", "PS256"]) {
    test(`a real provider's ID tokens with ${alg} are accepted`, async (t) => {
      const world = await createWorld(t, { provider: { alg } });
      await assertSignedIn(world, await attempt(world));
    });
  }

  test("PAR is used where the provider requires it: the browser's URL has nothing but the request's name", async (t) => {
    const world = await createWorld(t, { provider: { par: "required" } });
    const { browser, page } = await attempt(world);
    await assertSignedIn(world, { browser, page });
    const { url } = browser.hops.find(({ url }) => url.pathname === "/auth" && url.origin === world.provider.issuer);
    assert.deepEqual([...url.searchParams.keys()].toSorted(), ["client_id", "request_uri"]);
    const { params, headers } = world.provider.calls.par[0];
    assert.equal(params.code_challenge_method, "S256");
    assert.equal(params.redirect_uri, `${world.gateway.origin}/auth/callback`);
    assert.match(headers.authorization, /^Basic /);
  });

  test("PAR is left alone where it is only offered, unless OIDC_PAR says always; never is never", async (t) => {
    for (const [par, OIDC_PAR, calls] of [["offered", undefined, 0], ["offered", "auto", 0], ["offered", "always", 1], ["offered", "never", 0]]) {
      const world = await createWorld(t, { provider: { par }, vars: { OIDC_PAR } });
      await assertSignedIn(world, await attempt(world));
      assert.equal(world.provider.calls.par.length, calls, `${OIDC_PAR}`);
    }
    const none = await createWorld(t, {
      hostile: { discovery: { pushed_authorization_request_endpoint: undefined } },
      vars: { OIDC_PAR: "always" },
    });
    assert.equal((await none.gateway.request("/auth/login")).status, 502);
  });

  test("a pushed authorization request that is refused is 502, one without an answer 503", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true, vars: { OIDC_PAR: "always" } });
    for (const [answer, status] of [
      [{ status: 400, json: { error: "invalid_request" } }, 502],
      [{ status: 401, json: { error: "invalid_client" } }, 502],
      [{ status: 201, json: { hello: "there" } }, 502],
      [{ status: 503, body: "" }, 503],
      [DROP, 503],
    ]) {
      provider.answers.par = () => answer;
      assert.equal((await gateway.request("/auth/login")).status, status, JSON.stringify(answer));
    }
  });

  test("form_post: the provider posts the callback, from its own site", async (t) => {
    const world = await createWorld(t, { vars: { OIDC_RESPONSE_MODE: "form_post" } });
    const { browser, page } = await attempt(world, { target: "/auth/login?return_to=/there" });
    await assertSignedIn(world, { browser, page });
    assert.equal(page.json().url, "/there");
    const callback = browser.hops.find(({ url }) => url.pathname === "/auth/callback");
    assert.equal(callback.sent.origin, world.provider.issuer);
    assert.equal(callback.url.search, "", "nothing of it is in the URL");
    assert.equal(world.provider.calls.authorization[0].params.response_mode, "form_post");
  });

  test("conformance 11: a posted callback with a doubled or foreign state makes no token call", async (t) => {
    const { provider, gateway, browser: open } = await createWorld(t, { hostile: true, vars: { OIDC_RESPONSE_MODE: "form_post" } });
    const browser = open();
    const login = await browser.navigate("/auth/login", { follow: false });
    const state = new URL(login.headers.location).searchParams.get("state");
    const iss = provider.issuer;
    for (const form of [
      [["state", state], ["state", state], ["code", "x"], ["iss", iss]],
      [["state", `${state.slice(0, -1)}x`], ["code", "x"], ["iss", iss]],
      [["code", "x"], ["iss", iss]],
      [],
    ]) {
      const page = await browser.navigate("/auth/callback", { method: "POST", form, from: iss, follow: false });
      assert.equal(page.status, 400, JSON.stringify(form));
    }
    const json = JSON.stringify({ state, code: "x", iss });
    const posted = await gateway.request("/auth/callback", {
      method: "POST",
      body: json,
      headers: { "content-type": "application/json", cookie: browser.jar().header(new URL(browser.origin)) },
    });
    assert.equal(posted.status, 400);
    const huge = await gateway.request("/auth/callback", {
      method: "POST",
      body: `state=${"x".repeat(2 << 20)}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    assert.equal(huge.status, 413);
    assert.equal(provider.calls.token.length, 0);
  });

  test("offline_access is left out where scopes_supported lacks it, and is asked for otherwise", async (t) => {
    for (const [scopes_supported, expected] of [
      [["openid", "profile", "email"], "email openid profile"],
      [undefined, "email offline_access openid profile"],
      [["openid", "offline_access"], "email offline_access openid profile"],
    ]) {
      const { gateway } = await createWorld(t, { hostile: { discovery: { scopes_supported } } });
      const { headers } = await gateway.request("/auth/login");
      const scope = new URL(headers.location).searchParams.get("scope");
      assert.equal(scope.split(" ").toSorted().join(" "), expected);
    }
  });

  test("OIDC_SCOPES, OIDC_AUDIENCE, OIDC_RESOURCE and OIDC_AUTHORIZATION_PARAMS go into the requests", async (t) => {
    const { provider, gateway, login } = await createWorld(t, {
      hostile: true,
      vars: {
        OIDC_SCOPES: "openid api:read",
        OIDC_AUDIENCE: "https://api.example",
        OIDC_RESOURCE: "https://resource.example/api",
        OIDC_AUTHORIZATION_PARAMS: '{"acr_values":"mfa","access_type":"offline"}',
      },
    });
    const browser = await login();
    const { params } = provider.calls.authorization[0];
    assert.equal(params.scope, "openid api:read");
    assert.equal(params.audience, "https://api.example");
    assert.equal(params.resource, "https://resource.example/api");
    assert.equal(params.acr_values, "mfa");
    assert.equal(params.access_type, "offline");
    await browser.api("/auth/refresh", { method: "POST" });
    const [code, refresh] = provider.calls.token.map(({ params }) => params);
    assert.equal(code.resource, "https://resource.example/api");
    assert.equal(refresh.resource, "https://resource.example/api");
    assert.equal(refresh.scope, undefined, "some providers refuse a scope there");
    assert.ok(gateway.origin);
  });

  test("the code is exchanged with the redirect URI and the verifier of its own login", async (t) => {
    const { createHash } = await import("node:crypto");
    const { provider, gateway, login } = await createWorld(t);
    await login();
    const { params } = provider.tokenCalls("authorization_code")[0];
    assert.equal(params.redirect_uri, `${gateway.origin}/auth/callback`);
    const challenge = createHash("sha256").update(params.code_verifier).digest("base64url");
    assert.equal(challenge, provider.calls.authorization[0].params.code_challenge);
  });

  test("AUTH_PREFIX moves every endpoint, and the old paths are the application's", async (t) => {
    const { provider, gateway, upstream, browser: open } = await createWorld(t, { vars: { AUTH_PREFIX: "/_gate/in" } });
    provider.allow(gateway.origin, "/_gate/in");
    const browser = open();
    await browser.login({ returnTo: "/x", prefix: "/_gate/in" });
    assert.equal((await browser.api("/_gate/in/session")).status, 200);
    assert.equal((await browser.api("/auth/session")).json().url, "/auth/session");
    assert.equal((await gateway.request("/_gate/in/healthz")).status, 200);
    const page = await browser.navigate("/_gate/in/logout", { from: browser.origin, method: "POST", form: {} });
    assert.equal(page.url.pathname, "/_gate/in/logged-out");
    assert.ok(upstream.requests.length > 0);
  });
});
