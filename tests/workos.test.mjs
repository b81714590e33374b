// WorkOS: what the gateway asks of it, parameter by parameter, and what it makes of WorkOS's errors. The requests go to
// WorkOS's own emulator, through a proxy that a test can let answer in its place.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ADMIN_TOKEN, startGateway } from "./parts/gateway.mjs";
import { claimsOf, jwt, withBrokenSignature } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { sleep, until } from "./parts/process.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { CF_HEADER } from "./parts/workerd.mjs";
import { startWorkOs } from "./parts/workos.mjs";
import { createWorld } from "./parts/world.mjs";

const newWorld = (t, options = {}) => createWorld(t, { start: () => startWorkOs(options.workos ?? {}), ...options });

/** The parameters of the authorization request that a login makes. */
async function authorization(gateway, query = "") {
  const { headers } = await gateway.visit(`/auth/login${query}`);
  const url = new URL(headers.location);
  return { url, params: Object.fromEntries(url.searchParams) };
}

/** `provider.answers.token` that answers with the usual tokens after `change` has had them. */
const changed = (change) => async (valid) => {
  const answer = await valid();
  return { ...answer, json: change(answer.json) };
};

/** The token with other claims and header fields, signed by `key`; the provider publishes it where `publish` is set. */
function resigned(token, key, { claims = {}, header = {} } = {}) {
  const all = Object.entries({ ...claimsOf(token), ...claims }).filter(([, value]) => value !== undefined);
  return jwt({ alg: key.alg, kid: key.kid, ...header }, Object.fromEntries(all), key);
}

describe("workos", { concurrency: 3 }, () => {
  let world;
  before(async () => {
    world = await newWorld();
  });
  after(() => world.close());

  test("workos: healthz names what is missing, and where in the WorkOS Dashboard it is found", async (t) => {
    const vars = { PROVIDER: "workos", OIDC_ISSUER: undefined };
    const gateway = await startGateway({ provider: {}, upstream: { origin: "http://127.0.0.1:9" }, vars });
    t.after(() => gateway.close());
    const answer = await gateway.request("/auth/healthz");
    assert.equal(answer.status, 500);
    const { problems } = answer.json();
    assert.deepEqual(problems.map(({ variable }) => variable), ["WORKOS_CLIENT_ID", "WORKOS_API_KEY"]);
    for (const { message } of problems) assert.match(message, /WorkOS Dashboard under API Keys/);
  });

  test("workos: the authorization request has the documented parameters, and no others", async () => {
    const { provider, gateway } = world;
    const { url, params } = await authorization(gateway);
    assert.equal(url.origin + url.pathname, `${provider.origin}/user_management/authorize`);
    const { state, code_challenge, ...rest } = params;
    for (const random of [state, code_challenge]) assert.ok(random.length >= 43);
    assert.deepEqual(rest, {
      client_id: provider.clientId,
      redirect_uri: `${gateway.origin}/auth/callback`,
      response_type: "code",
      code_challenge_method: "S256",
      provider: "authkit",
    });
  });

  for (const [query, expected] of [
    ["?screen_hint=signup", { provider: "authkit", screen_hint: "sign-up" }],
    ["?screen_hint=sign-up", { provider: "authkit", screen_hint: "sign-up" }],
    ["?screen_hint=login", { provider: "authkit", screen_hint: "sign-in" }],
    ["?organization=org_1&login_hint=a@b.example&domain_hint=b.example", { provider: "authkit", organization_id: "org_1", login_hint: "a@b.example", domain_hint: "b.example" }],
    ["?connection=conn_1&organization=org_1&screen_hint=signup", { connection_id: "conn_1" }],
    ["?prompt=none", { provider: "authkit" }],
    ["?prompt=login&ui_locales=de&provider=GoogleOAuth&organization_id=evil", { provider: "authkit", prompt: "login" }],
  ]) {
    test(`workos: /login${query} asks for ${JSON.stringify(expected)}`, async () => {
      const { params } = await authorization(world.gateway, query);
      const { client_id, redirect_uri, response_type, state, code_challenge, code_challenge_method, ...rest } = params;
      assert.deepEqual(rest, expected);
    });
  }

  test("workos: OIDC_AUTHORIZATION_PARAMS may name another provider than AuthKit, or an organization", async (t) => {
    const vars = { OIDC_AUTHORIZATION_PARAMS: '{"provider":"GoogleOAuth","provider_scopes":"calendar"}' };
    const { gateway } = await newWorld(t, { vars });
    const { params } = await authorization(gateway, "?screen_hint=signup");
    assert.equal(params.provider, "GoogleOAuth");
    assert.equal(params.provider_scopes, "calendar");
    assert.equal(params.screen_hint, undefined, "AuthKit alone knows screens");
  });

  test("workos: code and refresh are JSON with the documented fields, none of them null, and the API key as the client secret", async (t) => {
    const { provider, login } = await newWorld(t);
    const browser = await login();
    await browser.api("/auth/refresh", { method: "POST" });
    const [code, refresh] = provider.calls.token;
    const client = { client_id: provider.clientId, client_secret: provider.clientSecret };
    const { code: value, code_verifier, ...others } = code.params;
    assert.ok(value && code_verifier.length >= 43);
    assert.deepEqual(others, { grant_type: "authorization_code", ...client });
    assert.deepEqual(refresh.params, { grant_type: "refresh_token", refresh_token: code.answer.json.refresh_token, ...client });
    for (const { method, headers, path } of [code, refresh]) {
      assert.equal(method, "POST");
      assert.equal(path, "/user_management/authenticate");
      assert.equal(headers["content-type"], "application/json");
      assert.equal(headers.authorization, undefined);
    }
    for (const { path } of provider.calls.jwks) assert.equal(path, `/sso/jwks/${provider.clientId}`);
    assert.equal(provider.calls.jwks.length, 1, "the keys are kept");
  });

  test("workos: the session has the standard claims, those of the access token, and its end", async () => {
    const { provider, browser: open } = world;
    const browser = open();
    await browser.login({ hint: "ada" });
    const { access_token, user } = provider.calls.token.at(-1).answer.json;
    const { subject, issuer, claims, access_token_expires_at } = (await browser.api("/auth/session")).json();
    const token = claimsOf(access_token);
    assert.equal(subject, user.id);
    assert.equal(issuer, provider.origin);
    assert.equal(Date.parse(access_token_expires_at), token.exp * 1000);
    const { iss, sub, sid, email, email_verified, given_name, family_name, name } = claims;
    assert.deepEqual({ iss, sub, sid, email, email_verified, given_name, family_name, name }, {
      iss: provider.origin,
      sub: user.id,
      sid: token.sid,
      email: "ada@example.com",
      email_verified: true,
      given_name: "Ada",
      family_name: "Lovelace",
      name: "Ada Lovelace",
    });
    for (const claim of ["exp", "iat", "aud", "jti"]) assert.equal(claims[claim], undefined, claim);
    assert.ok(Object.values(claims).every((value) => value !== null));
  });

  test("workos: a logout goes to WorkOS with the session of the access token, and comes back to return_to without a state", async (t) => {
    const { provider, gateway, browser: open } = await newWorld(t);
    const browser = open();
    await browser.login();
    const { sid } = claimsOf(provider.calls.token.at(-1).answer.json.access_token);
    const logout = "/auth/logout?return_to=/bye";
    const page = await browser.navigate(logout, { from: browser.origin, method: "POST", form: {}, until: ({ pathname }) => pathname === "/bye" });
    assert.deepEqual(provider.calls.endSession.map(({ query }) => query), [
      { session_id: sid, return_to: `${gateway.origin}/auth/logged-out` },
    ]);
    assert.equal(page.url.href, `${gateway.origin}/auth/logged-out`);
    assert.equal(page.headers.location, "/bye");
    assert.equal(provider.calls.revocation.length, 0, "the logout needs the session");
  });

  test("workos: a session that an administrator revokes is revoked there, too, by its id and the API key", async (t) => {
    const { provider, gateway, login } = await newWorld(t);
    const browser = await login();
    const { sid } = claimsOf(provider.calls.token.at(-1).answer.json.access_token);
    const id = browser.session.value.split(".")[1];
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const answer = await gateway.request(`/auth/admin/sessions/${id}`, { method: "DELETE", headers });
    assert.equal(answer.status, 204, answer.text);
    const [revocation, ...others] = provider.calls.revocation;
    assert.equal(others.length, 0);
    assert.equal(revocation.method, "POST");
    assert.deepEqual(revocation.params, { session_id: sid });
    assert.equal(revocation.headers["content-type"], "application/json");
    assert.equal(revocation.headers.authorization, `Bearer ${provider.clientSecret}`);
    assert.equal(revocation.answer.status, 200, "the emulator knows the session");
    assert.equal((await browser.api("/api")).json().reason, "revoked");
  });

  test("workos: a session that ends unused is revoked there, too", async (t) => {
    const { provider, login } = await newWorld(t, { vars: { SESSION_IDLE_SECONDS: "1" } });
    await login();
    const { sid } = claimsOf(provider.calls.token.at(-1).answer.json.access_token);
    await until("the alarm has ended it", () => provider.calls.revocation.length > 0);
    assert.deepEqual(provider.calls.revocation.map(({ params }) => params), [{ session_id: sid }]);
  });

  test("workos: a session follows its user to another region by a plain authorization request", async (t) => {
    const { provider, login, token } = await newWorld(t);
    const browser = await login({ hint: "ada" });
    const first = await token(browser);
    const from = (place) => ({ [CF_HEADER]: JSON.stringify(place) });
    browser.headers = from({ continent: "NA", country: "US", longitude: "-74" });
    const page = await browser.navigate("/there");
    assert.equal(page.json().url, "/there", page.text.slice(0, 300));
    const { query } = provider.calls.authorization.at(-1);
    assert.equal(provider.calls.authorization.length, 2);
    assert.equal(query.prompt, undefined);
    assert.equal(query.provider, "authkit");
    assert.equal(query.id_token_hint, undefined);
    assert.match(browser.session.value, /^enam\./);
    assert.notEqual(await token(browser), first);
    assert.equal((await browser.api("/auth/session")).json().region, "enam");
    assert.equal(provider.calls.revocation.length, 0);
  });

  for (const [status, json] of [
    [400, { error: "invalid_grant", error_description: "The refresh token is invalid: WORDS." }],
    [400, { error: "sso_required", error_description: "…", email: "ada@example.com", connection_ids: ["conn_1"] }],
    [400, { error: "mfa_enrollment", error_description: "…", pending_authentication_token: "SECRET" }],
    [403, { code: "mfa_enrollment", message: "…", pending_authentication_token: "SECRET" }],
  ]) {
    test(`workos: a refresh that is refused with ${json.error ?? json.code} (${status}) is final: the session ends`, async (t) => {
      const { provider, gateway, login } = await newWorld(t);
      const browser = await login();
      provider.answers.token = () => ({ status, json });
      const answer = await browser.api("/auth/refresh", { method: "POST" });
      assert.equal(answer.status, 401);
      assert.equal(answer.json().reason, "refresh_rejected");
      assert.equal(browser.session, undefined);
      await gateway.untilEvent("end");
      assert.ok(!/SECRET|WORDS/.test(answer.text) && !gateway.log.includes("SECRET"));
    });
  }

  for (const [status, json, says] of [
    [403, { code: "email_verification_required", message: "…", pending_authentication_token: "SECRET", email: "ada@example.com" }, /e-mail address is not confirmed/],
    [403, { code: "mfa_enrollment", message: "…", pending_authentication_token: "SECRET", user: {} }, /set one up/],
    [403, { code: "mfa_challenge", message: "…", pending_authentication_token: "SECRET", authentication_factors: [] }, /second step/],
    [403, { code: "organization_selection_required", message: "…", pending_authentication_token: "SECRET", organizations: [] }, /more than one organization/],
    [400, { error: "sso_required", error_description: "WORDS", email: "ada@example.com" }, /single sign-on/],
    [400, { error: "mfa_enrollment", error_description: "WORDS" }, /set one up/],
    [422, { error: "organization_authentication_methods_required", error_description: "WORDS", auth_methods: {} }, /not allowed for your account/],
    [403, { code: "radar_email_challenge", message: "WORDS", pending_authentication_token: "SECRET" }, /needs something more/],
  ]) {
    test(`workos: ${json.code ?? json.error} (${status}) at a login is a page that says what to do`, async (t) => {
      const { provider, gateway, browser: open } = await newWorld(t);
      const browser = open();
      const callback = await callbackOf(browser, "/auth/login?return_to=/there");
      provider.answers.token = () => ({ status, json });
      const page = await browser.navigate(callback, { follow: false });
      assert.equal(page.status, 400);
      assert.match(page.text, says);
      assert.ok(page.text.includes('href="/auth/login?return_to=%2Fthere"'), page.text);
      assert.equal(browser.session, undefined);
      const { detail } = await gateway.untilEvent("complete");
      assert.ok(detail.includes(json.code ?? json.error));
      assert.ok(!/SECRET|WORDS/.test(page.text) && !gateway.log.includes("SECRET"));
    });
  }

  test("workos: single sign-on that is required is offered by its connection", async (t) => {
    const { provider, browser: open } = await newWorld(t);
    const browser = open();
    const callback = await callbackOf(browser);
    provider.answers.token = () => ({ status: 400, json: { error: "sso_required", error_description: "…", connection_ids: ["conn_1"] } });
    const page = await browser.navigate(callback, { follow: false });
    assert.match(page.text, /<a href="\/auth\/login\?return_to=%2F&amp;connection=conn_1">Log in with single sign-on<\/a>/);
  });

  const key = signingKey("RS256", "of-the-test");
  const other = signingKey("RS256", "of-another");
  for (const [what, change] of Object.entries({
    "a broken signature": (token) => withBrokenSignature(token),
    "a key that is not published": (token) => resigned(token, other),
    "another's signature under a published key's name": (token) => resigned(token, other, { header: { kid: key.kid } }),
    "no algorithm": (token) => `${resigned(token, key, { header: { alg: "none" } }).split(".").slice(0, 2).join(".")}.`,
    "an algorithm with a shared secret": (token) => resigned(token, key, { header: { alg: "HS256" } }),
    "another issuer": (token) => resigned(token, key, { claims: { iss: "https://api.workos.com" } }),
    "no issuer": (token) => resigned(token, key, { claims: { iss: undefined } }),
    "another audience": (token) => resigned(token, key, { claims: { aud: "client_other" } }),
    "another user": (token) => resigned(token, key, { claims: { sub: "user_other" } }),
    "a time to come": (token) => resigned(token, key, { claims: { nbf: Math.floor(Date.now() / 1000) + 600 } }),
  })) {
    test(`workos: an access token with ${what} makes no session`, async (t) => {
      const { provider, browser: open } = await newWorld(t);
      provider.answers.jwks = () => ({ json: { keys: [key.publicJwk] } });
      provider.answers.token = changed((json) => ({ ...json, access_token: change(resigned(json.access_token, key)) }));
      const browser = open();
      const page = await browser.navigate(await callbackOf(browser), { follow: false });
      assert.equal(page.status, 400, page.text);
      assert.match(page.text, /Login failed/);
      assert.equal(browser.session, undefined);
    });
  }

  test("workos: an access token without an audience, or with the client as the issuer, is good", async (t) => {
    const { provider, browser: open } = await newWorld(t);
    provider.answers.jwks = () => ({ json: { keys: [key.publicJwk] } });
    const { origin, clientId } = provider;
    for (const claims of [{ aud: undefined }, { iss: origin }, { iss: `${origin}/` }, { iss: `${origin}/user_management/${clientId}` }]) {
      provider.answers.token = changed((json) => ({ ...json, access_token: resigned(json.access_token, key, { claims }) }));
      await open().login();
    }
  });

  test("workos: a key that is new is looked for once, and found", async (t) => {
    const { provider, login, browser: open } = await newWorld(t);
    await login();
    assert.equal(provider.calls.jwks.length, 1);
    provider.answers.jwks = () => ({ json: { keys: [key.publicJwk] } });
    provider.answers.token = changed((json) => ({ ...json, access_token: resigned(json.access_token, key) }));
    await open().login();
    assert.equal(provider.calls.jwks.length, 2);
  });

  test("conformance 34: refreshed tokens of another user, or with a bad signature, end the session, and nothing of them is used", async (t) => {
    const { provider, gateway, login, token } = await newWorld(t);
    for (const change of [
      (json) => ({ ...json, user: { ...json.user, id: "user_other" } }),
      (json) => ({ ...json, access_token: withBrokenSignature(json.access_token) }),
    ]) {
      provider.answers.token = undefined;
      const browser = await login();
      await token(browser);
      const cookie = browser.sessionHeader;
      provider.answers.token = changed(change);
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).json().reason, "refresh_rejected");
      assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401);
    }
  });

  test("workos: refreshed tokens whose key cannot be had have an unknown outcome: the session lives, and nothing of the answer is used", async (t) => {
    for (const jwks of [() => ({ status: 503, body: "" }), (valid) => valid()]) {
      const { provider, gateway, login, token } = await newWorld(t);
      const browser = await login();
      const first = await token(browser);
      provider.answers.jwks = jwks;
      provider.answers.token = changed((json) => ({ ...json, access_token: resigned(json.access_token, key) }));
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
      assert.equal(gateway.eventsOf("refresh").at(-1).outcome, "unknown");
      assert.equal(await token(browser), first);
    }
  });

  test("workos: a rate limit says in epoch seconds when it is over, and is waited for", async (t) => {
    const { provider, login } = await newWorld(t);
    const browser = await login();
    const reset = Math.floor(Date.now() / 1000) + 3;
    let number = 0;
    provider.answers.token = (valid) => ((number += 1) === 1 ? { status: 429, headers: { "x-ratelimit-reset": `${reset}` }, body: "" } : valid());
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const calls = provider.calls.token.slice(1);
    assert.equal(calls.length, 2);
    assert.ok(calls[1].at >= reset * 1000 - 50, "not before");
  });

  test("workos: what WorkOS answers at the authorization endpoint is the operator's business, and quoted by its code alone", async () => {
    const browser = world.browser();
    const callback = await callbackOf(browser);
    const query = { error: "organization_invalid", error_description: "<b>words</b>", state: callback.searchParams.get("state") };
    const page = await browser.navigate(`${callback.origin}${callback.pathname}?${new URLSearchParams(query)}`, { follow: false });
    assert.equal(page.status, 400);
    assert.ok(page.text.includes("organization_invalid") && !page.text.includes("words"));
  });
});
