// What the gateway asks of a provider, and how: client authentication, PAR, response modes, scopes, algorithms.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { DROP } from "./parts/hostile.mjs";
import { signingKey } from "./parts/keys.mjs";
import { sleep } from "./parts/process.mjs";
import { assertSignedIn, attempt } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const basic = (id, secret) => {
  const encode = (text) => new URLSearchParams({ x: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
};

describe("provider", () => {
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

  test("with OIDC_TOKEN_AUTH = none the client is a public one: its id in the body, PKCE, no secret", async (t) => {
    const world = await createWorld(t, { provider: { auth: "none" }, vars: { OIDC_TOKEN_AUTH: "none" } });
    const { browser } = await attempt(world);
    await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(world.provider.refreshes[0].status, 200);
    for (const { headers, params } of world.provider.calls.token) {
      assert.equal(headers.authorization, undefined);
      assert.equal(params.client_id, world.provider.clientId);
      assert.equal(params.client_secret, undefined);
    }
  });

  for (const alg of ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]) {
    test(`ID tokens with ${alg} are accepted`, async (t) => {
      const world = await createWorld(t, { hostile: { key: signingKey(alg) } });
      await assertSignedIn(world, await attempt(world));
    });
  }
  test("ID tokens in another algorithm than OIDC_ID_TOKEN_ALG or discovery names are rejected, and the log says where it is set", async (t) => {
    const published = ["RS256", "ES256"].map((alg) => signingKey(alg).publicJwk);
    for (const world of [
      { hostile: { published }, vars: { OIDC_ID_TOKEN_ALG: "RS256,PS256" } },
      { hostile: { published, discovery: { id_token_signing_alg_values_supported: ["RS256", "HS256", "none"] } } },
    ]) {
      const made = await createWorld(t, world);
      await assertSignedIn(made, await attempt(made));
      made.provider.key = signingKey("ES256");
      const { page, browser } = await attempt(made);
      assert.equal(page.status, 400);
      assert.equal(browser.session, undefined);
      assert.match(made.gateway.eventsOf("complete").at(-1).detail, /OIDC_ID_TOKEN_ALG/);
    }
    const silent = await createWorld(t, { hostile: { key: signingKey("ES384"), discovery: { id_token_signing_alg_values_supported: undefined } } });
    await assertSignedIn(silent, await attempt(silent));
  });

  for (const userInfoAlg of ["RS256", "ES512", "Ed25519"]) {
    test(`a real provider's UserInfo signed with ${userInfoAlg} is what /session says, at the login and after a refresh`, async (t) => {
      const world = await createWorld(t, { provider: { userInfoAlg } });
      const { browser, page } = await attempt(world, { target: "/auth/login?return_to=/&login_hint=ada" });
      await assertSignedIn(world, { browser, page });
      const nameOf = (answer) => answer.json().claims.name;
      assert.equal(nameOf(await browser.api("/auth/session")), "Name of ada");
      assert.equal(nameOf(await browser.api("/auth/refresh", { method: "POST" })), "Name of ada");
      assert.equal(world.provider.calls.userinfo.length, 2);
      assert.match(world.provider.calls.userinfo[0].body, /^[\w-]+\.[\w-]+\.[\w-]+$/, "it is a signed JWT");
    });
  }

  for (const alg of ["ES256", "EdDSA", "PS256", "ES512", "Ed25519"]) {
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
    assert.equal((await none.gateway.visit("/auth/login")).status, 502);
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
      assert.equal((await gateway.visit("/auth/login")).status, status, JSON.stringify(answer));
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
      const { headers } = await gateway.visit("/auth/login");
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

  test("a provider that wants prompt=consent for a refresh token gets it from OIDC_AUTHORIZATION_PARAMS", async (t) => {
    const consent = '{"prompt":"consent"}';
    const world = await createWorld(t, { provider: { consent: true }, vars: { OIDC_AUTHORIZATION_PARAMS: consent } });
    const browser = await world.login();
    assert.equal(world.provider.calls.authorization[0].params.prompt, "consent");
    assert.equal(world.gateway.eventsOf("complete")[0].detail, "the user logged in");
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.equal(world.provider.refreshes.length, 1);
  });

  test("without it the log says that no refresh token came, and which variable helps", async (t) => {
    const world = await createWorld(t, { provider: { consent: true } });
    await world.login();
    const { outcome, detail } = world.gateway.eventsOf("complete")[0];
    assert.equal(outcome, "ok");
    assert.match(detail, /no refresh token came: .*OIDC_AUTHORIZATION_PARAMS = {"prompt":"consent"}/);
    const plain = await createWorld(t, { provider: { consent: true }, vars: { OIDC_SCOPES: "openid" } });
    await plain.login();
    assert.match(plain.gateway.eventsOf("complete")[0].detail, /no refresh token came: OIDC_SCOPES lacks offline_access/);
  });

  test("conformance 47: a configured prompt holds against a hint of /login, and a silent login alone asks for none", async (t) => {
    const { provider, browser: open } = await createWorld(t, {
      hostile: { accessTokenSeconds: 1 },
      vars: { OIDC_AUTHORIZATION_PARAMS: '{"prompt":"consent"}' },
    });
    provider.answers.token = (valid) => {
      const answer = valid();
      delete answer.json.refresh_token;
      return answer;
    };
    const prompts = () => provider.calls.authorization.map(({ params }) => params.prompt);
    const browser = open();
    await browser.navigate("/auth/login?return_to=/auth/session&prompt=login");
    assert.deepEqual(prompts(), ["consent"]);
    await sleep(1000);
    await browser.navigate("/auth/login?return_to=/auth/session");
    assert.deepEqual(prompts(), ["consent", "none"], "the session is out of tokens");
    await open().navigate("/auth/login?return_to=/auth/session");
    assert.deepEqual(prompts(), ["consent", "none", "consent"]);
  });

  test("a provider that writes expires_in as a string is understood", async (t) => {
    const world = await createWorld(t, { hostile: true });
    world.provider.answers.token = (valid) => {
      const answer = valid();
      answer.json.expires_in = String(answer.json.expires_in);
      return answer;
    };
    const { browser, page } = await attempt(world);
    await assertSignedIn(world, { browser, page });
    const expiry = async () => Date.parse((await browser.api("/auth/session")).json().access_token_expires_at);
    const first = await expiry();
    assert.ok(Math.abs(first - Date.now() - 300_000) < 30_000);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.ok((await expiry()) > first);
  });

  test("a refused client is told which variables to look at, a public one by name", async (t) => {
    const refused = () => ({ status: 401, json: { error: "invalid_client" } });
    for (const [vars, expected] of [
      [{}, /invalid_client\. Check OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, and OIDC_TOKEN_AUTH/],
      [{ OIDC_TOKEN_AUTH: "none" }, /invalid_client\. OIDC_TOKEN_AUTH is none/],
    ]) {
      const world = await createWorld(t, { hostile: true, vars });
      world.provider.answers.token = refused;
      const { page } = await attempt(world);
      assert.equal(page.status, 502);
      assert.match(page.text, expected);
      assert.match(world.gateway.eventsOf("complete")[0].detail, expected);
      assert.ok(!world.gateway.log.includes(world.provider.clientSecret));
    }
    const pushed = await createWorld(t, { hostile: true, vars: { OIDC_PAR: "always" } });
    pushed.provider.answers.par = refused;
    assert.match((await pushed.gateway.visit("/auth/login")).text, /invalid_client\. Check OIDC_CLIENT_ID/);
  });

  test("the code is exchanged with the redirect URI and the verifier of its own login", async (t) => {
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
