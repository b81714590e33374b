// Auth0: what the gateway asks of it, parameter by parameter, and what it makes of Auth0's errors. The requests go to
// @simulacrum/auth0-simulator; what that one never answers comes from the hostile stand-in.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hostileTenant, startAuth0 } from "./parts/auth0.mjs";
import { startGateway } from "./parts/gateway.mjs";
import { DROP } from "./parts/hostile.mjs";
import { jwt } from "./parts/jwt.mjs";
import { sleep } from "./parts/process.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const FORM = "application/x-www-form-urlencoded";

const names = (object) => Object.keys(object).toSorted();

describe("auth0", { concurrency: 3 }, () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { start: () => startAuth0({}), vars: { OIDC_AUDIENCE: "https://api.example" } });
  });
  after(() => world.close());

  test("auth0: healthz names what is missing, and where in the Auth0 Dashboard it is found", async (t) => {
    const vars = { PROVIDER: "auth0", OIDC_ISSUER: undefined, OIDC_CLIENT_ID: undefined, AUTH0_LOGOUT_FEDERATED: "yes" };
    const gateway = await startGateway({ provider: {}, upstream: { origin: "http://127.0.0.1:9" }, vars });
    t.after(() => gateway.close());
    const answer = await gateway.request("/auth/healthz");
    assert.equal(answer.status, 500);
    const problems = Object.fromEntries(answer.json().problems.map(({ variable, message }) => [variable, message]));
    assert.deepEqual(names(problems), ["AUTH0_DOMAIN", "AUTH0_LOGOUT_FEDERATED", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"]);
    for (const variable of ["AUTH0_DOMAIN", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"]) {
      assert.match(problems[variable], /Auth0 Dashboard under Applications, .*, Settings/);
    }
  });

  test("auth0: the authorization request has every parameter that it needs, and each hint under its own name", async () => {
    const { provider, gateway } = world;
    const hints = { organization: "org_1", connection: "google-oauth2", screen_hint: "signup", login_hint: "ada", ui_locales: "de" };
    const login = await gateway.visit(`/auth/login?${new URLSearchParams({ ...hints, scope: "evil", state: "evil" })}`);
    const url = new URL(login.headers.location);
    assert.equal(url.origin + url.pathname, `${provider.origin}/authorize`);
    const params = Object.fromEntries(url.searchParams);
    const { state, nonce, code_challenge, ...rest } = params;
    for (const random of [state, nonce, code_challenge]) assert.ok(random.length >= 43);
    assert.deepEqual(rest, {
      response_type: "code",
      client_id: provider.clientId,
      redirect_uri: `${gateway.origin}/auth/callback`,
      scope: "openid profile email offline_access",
      code_challenge_method: "S256",
      audience: "https://api.example",
      ...hints,
    });
  });

  test("auth0: code, refresh and revocation carry the client's credentials in the body alone, and nothing that is not asked for", async (t) => {
    const { provider, gateway, login } = await createWorld(t, { start: () => startAuth0({}) });
    const browser = await login();
    await browser.api("/auth/refresh", { method: "POST" });
    await browser.api("/auth/logout", { method: "POST" });
    const [code, refresh] = provider.calls.token;
    const [revocation] = provider.calls.revocation;
    const client = { client_id: provider.clientId, client_secret: provider.clientSecret };
    const { code: value, code_verifier, ...others } = code.params;
    assert.ok(value && code_verifier.length >= 43);
    assert.deepEqual(others, { grant_type: "authorization_code", redirect_uri: `${gateway.origin}/auth/callback`, ...client });
    const first = code.answer.json.refresh_token;
    assert.deepEqual(refresh.params, { grant_type: "refresh_token", refresh_token: first, ...client });
    assert.deepEqual(revocation.params, { token: refresh.answer.json.refresh_token, ...client });
    for (const { method, headers } of [code, refresh, revocation]) {
      assert.equal(method, "POST");
      assert.equal(headers["content-type"], FORM);
      assert.equal(headers.authorization, undefined);
    }
    assert.equal(provider.calls.userinfo.length, 1, "UserInfo is asked at the login, never at a refresh");
  });

  test("auth0: without a registered end-session endpoint a logout goes through /v2/logout, and comes back to return_to without a state", async (t) => {
    const { provider, gateway, login } = await createWorld(t, { start: () => startAuth0({}) });
    const browser = await login();
    const out = await browser.navigate("/auth/logout?return_to=/bye%3Fa%3Db", { from: browser.origin, method: "POST", form: {}, follow: false });
    const url = new URL(out.headers.location);
    assert.equal(url.origin + url.pathname, `${provider.origin}/v2/logout`);
    const returnTo = `${gateway.origin}/auth/logged-out`;
    assert.deepEqual(Object.fromEntries(url.searchParams), { client_id: provider.clientId, returnTo });
    const back = await browser.navigate(url, { from: browser.origin, follow: false });
    const there = await browser.navigate(back.headers.location, { from: provider.origin, follow: false });
    assert.equal(there.status, 303);
    assert.equal(new URL(there.headers.location, gateway.origin).href, `${gateway.origin}/bye?a=b`);
  });

  test("conformance 13: /logged-out goes nowhere but on this site", async () => {
    for (const target of ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "https:evil.example"]) {
      const answer = await world.gateway.request(`/auth/logged-out?return_to=${encodeURIComponent(target)}`);
      const location = answer.headers.location;
      assert.ok(!location || new URL(location, world.gateway.origin).origin === world.gateway.origin, `${target}: ${location}`);
    }
  });

  test("auth0: AUTH0_LOGOUT_FEDERATED adds the parameter that has no value, on either endpoint", async (t) => {
    const vars = { AUTH0_LOGOUT_FEDERATED: "true" };
    const older = await createWorld(t, { start: () => startAuth0({}), vars });
    const out = await (await older.login()).api("/auth/logout", { method: "POST" });
    assert.match(out.headers.location, /\/v2\/logout\?client_id=[^&]+&returnTo=[^&]+&federated$/);

    const newer = await hostileTenant(t, { vars });
    const out2 = await (await newer.login()).api("/auth/logout", { method: "POST" });
    const url = new URL(out2.headers.location);
    assert.equal(url.pathname, "/logout");
    assert.ok(url.search.endsWith("&federated"));
    assert.deepEqual(names(Object.fromEntries(url.searchParams)), ["client_id", "federated", "id_token_hint", "post_logout_redirect_uri", "state"]);
  });

  test("auth0: with a discovered end-session endpoint the ID token says who logs out, and state finds the way back", async (t) => {
    const { browser: open } = await hostileTenant(t);
    const browser = open();
    await browser.login();
    const page = await browser.navigate("/auth/logout?return_to=/auth/healthz", { from: browser.origin, method: "POST", form: {} });
    assert.equal(page.url.pathname, "/auth/healthz");
  });

  test("auth0: an access token is never read: an opaque one and one with five parts reach the application as they are", async (t) => {
    const { provider, login, token } = await hostileTenant(t);
    for (const access_token of ["opaque", "eyJhbGciOiJkaXIifQ..iv.cipher.tag", "a.b.c"]) {
      provider.answers.token = async (valid) => {
        const answer = await valid();
        return { ...answer, json: { ...answer.json, access_token } };
      };
      assert.equal(await token(await login()), access_token);
    }
  });

  test("auth0: claims with a namespace are kept", async (t) => {
    const { provider, login } = await hostileTenant(t);
    provider.idToken.claims = (claims) => ({ ...claims, "https://app.example/roles": ["admin"] });
    const session = (await (await login()).api("/auth/session")).json();
    assert.deepEqual(session.claims["https://app.example/roles"], ["admin"]);
  });

  test("auth0: a refused refresh is a 403 there, and ends the session", async (t) => {
    const { provider, login } = await hostileTenant(t);
    const browser = await login();
    provider.answers.token = () => ({ status: 403, json: { error: "invalid_grant", error_description: "Unknown or invalid refresh token." } });
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.status, 401);
    assert.equal(answer.json().reason, "refresh_rejected");
  });

  test("auth0: a wrong secret is the operator's fault, not the user's refusal, though Auth0 calls it access_denied", async (t) => {
    const { provider, browser: open } = await hostileTenant(t);
    const browser = open();
    const callback = await callbackOf(browser);
    provider.answers.token = () => ({ status: 401, json: { error: "access_denied", error_description: "Unauthorized" } });
    const page = await browser.navigate(callback, { follow: false });
    assert.equal(page.status, 502);
    assert.match(page.text, /operator/);
  });

  test("auth0: a rate limit says in epoch seconds when it is over, and is waited for", async (t) => {
    const { provider, login } = await hostileTenant(t);
    const browser = await login();
    const reset = Math.floor(Date.now() / 1000) + 3;
    let number = 0;
    provider.answers.token = (valid) =>
      (number += 1) === 1
        ? { status: 429, headers: { "x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${reset}` }, json: { error: "too_many_requests" } }
        : valid();
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.equal(provider.refreshes.length, 2);
    assert.ok(provider.refreshes[1].at >= reset * 1000 - 50, "not before");
    assert.equal(new Set(provider.presented).size, 1);
  });

  test("auth0: a rate limit that is over in an hour is not waited for: 503 with Retry-After, of five minutes at the most", async (t) => {
    const { provider, login, token } = await hostileTenant(t);
    const browser = await login();
    const reset = Math.floor(Date.now() / 1000) + 3600;
    provider.answers.token = () => ({ status: 429, headers: { "x-ratelimit-reset": `${reset}` }, body: "" });
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers["retry-after"], "300");
    assert.equal(provider.refreshes.length, 1);
    await token(browser);
  });

  test("auth0: within the rotation's overlap, which OIDC_REUSE_LEEWAY_SECONDS tells, a lost answer is asked for again at once", async (t) => {
    const { provider, login, token } = await hostileTenant(t, { hostile: { rotates: false }, vars: { OIDC_REUSE_LEEWAY_SECONDS: "30" } });
    const browser = await login();
    const first = await token(browser);
    let number = 0;
    provider.answers.token = async (valid) => {
      const answer = await valid();
      return (number += 1) === 1 ? DROP : answer;
    };
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.notEqual(await token(browser), first);
    assert.equal(provider.presented.length, 2);
    assert.equal(new Set(provider.presented).size, 1);
  });

  test("auth0: a back-channel logout token ends the session that its sid names", async (t) => {
    const { provider, gateway, login } = await hostileTenant(t);
    let sessions = 0;
    provider.idToken.claims = (claims) => ({ ...claims, sid: `session-${(sessions += 1)}` });
    const [browser, other] = [await login(), await login()];
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: provider.issuer,
      sub: provider.subject,
      aud: provider.clientId,
      iat: now,
      exp: now + 120,
      jti: "once",
      sid: "session-1",
      events: { "http://schemas.openid.net/event/backchannel-logout": {} },
    };
    const logout_token = jwt({ alg: "RS256", typ: "logout+jwt", kid: provider.key.kid }, claims, provider.key);
    const body = new URLSearchParams({ logout_token }).toString();
    const answer = await gateway.request("/auth/backchannel-logout", { method: "POST", body, headers: { "content-type": FORM } });
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await browser.api("/api")).json().reason, "backchannel");
    assert.equal((await other.api("/api")).status, 200);
  });

  for (const [error, says] of Object.entries({
    access_denied: /cancelled|may not use/,
    unauthorized: /may not use/,
    login_required: /Log in again/,
    mfa_required: /second step/,
    too_many_attempts: /Wait some minutes/,
  })) {
    test(`auth0: ${error} in the callback is a page that says what to do, and leads back to where the user was going`, async () => {
      const { provider, browser: open } = world;
      const browser = open();
      const callback = await callbackOf(browser, "/auth/login?return_to=/there%3Fa%3Db");
      const before = provider.calls.token.length;
      const { origin, pathname, searchParams } = callback;
      const query = { error, error_description: "<b>words of the provider</b>", state: searchParams.get("state") };
      const page = await browser.navigate(`${origin}${pathname}?${new URLSearchParams(query)}`, { follow: false });
      assert.equal(page.status, 400);
      assert.match(page.text, says);
      assert.ok(page.text.includes(error), "the code, for those who help");
      assert.ok(!page.text.includes("words of the provider"));
      assert.ok(page.text.includes('href="/auth/login?return_to=%2Fthere%3Fa%3Db"'), page.text);
      const another = '<a href="/auth/login?return_to=%2Fthere%3Fa%3Db&amp;prompt=login">Log in with another account</a>';
      assert.equal(page.text.includes(another), ["access_denied", "unauthorized"].includes(error));
      assert.equal(provider.calls.token.length, before);
      assert.equal(browser.session, undefined);
    });
  }

  test("auth0: AUTH0_LOGOUT_FEDERATED counts towards the 4,096 characters of a logout URL", async (t) => {
    const { provider, browser: open } = await hostileTenant(t, { vars: { AUTH0_LOGOUT_FEDERATED: "true" } });
    const lengths = [];
    const logout = async (padding) => {
      provider.idToken = { claims: (claims) => ({ ...claims, sid: "session-1", padding: "p".repeat(padding) }) };
      const browser = open();
      await browser.login();
      const { location } = (await browser.api("/auth/logout", { method: "POST" })).headers;
      lengths.push(location.length);
      assert.ok(location.length <= 4096 && location.endsWith("&federated"), location);
      return location;
    };
    const { length } = await logout(0);
    const most = Math.floor(((4096 - length) * 3) / 4);
    for (let padding = most - 3; padding <= most + 12; padding += 3) await logout(padding);
    assert.ok(Math.max(...lengths) > 4086, "one has the hint up to the limit");
    assert.ok(lengths.at(-1) < 1000, "and one leaves it out");
  });

  for (const [what, login, error, error_description, says] of [
    ["an organization that Auth0 does not know", "/auth/login?organization=org_unknown", "invalid_request", "parameter organization is invalid", /organization that this login was for/],
    ["an organization that Auth0 says nothing of", "/auth/login?organization=org_unknown", "invalid_request", undefined, /organization that this login was for/],
    ["no organization where Auth0 wants one", "/auth/login", "invalid_request", "parameter organization is required for this client", /has to name an organization and did not/],
    ["an organization that the user does not belong to", "/auth/login?organization=org_1", "access_denied", "user ada is not part of the org_1 organization", /Your account does not belong to the organization/],
  ]) {
    test(`auth0: the page about a login for ${what} says that it is the organization`, async () => {
      const browser = world.browser();
      const { origin, pathname, searchParams } = await callbackOf(browser, login);
      const query = new URLSearchParams({ error, state: searchParams.get("state") });
      if (error_description) query.set("error_description", error_description);
      const page = await browser.navigate(`${origin}${pathname}?${query}`, { follow: false });
      assert.equal(page.status, 400);
      assert.match(page.text, says);
      assert.ok(page.text.includes(`(${error})`));
      assert.ok(!error_description || !page.text.includes(error_description), "the provider's words are not quoted");
      assert.equal(browser.session, undefined);
    });
  }

  test("auth0: another invalid_request says nothing of organizations", async () => {
    const browser = world.browser();
    const { origin, pathname, searchParams } = await callbackOf(browser);
    const query = new URLSearchParams({ error: "invalid_request", error_description: "redirect_uri", state: searchParams.get("state") });
    const page = await browser.navigate(`${origin}${pathname}?${query}`, { follow: false });
    assert.equal(page.status, 400);
    assert.doesNotMatch(page.text, /organization/i);
  });

  test("auth0: mfa_required at the token endpoint is the same page, without the token for it", async (t) => {
    const { provider, browser: open, gateway } = await hostileTenant(t);
    const browser = open();
    const callback = await callbackOf(browser);
    provider.answers.token = () => ({ status: 403, json: { error: "mfa_required", error_description: "…", mfa_token: "SECRET" } });
    const page = await browser.navigate(callback, { follow: false });
    assert.equal(page.status, 400);
    assert.match(page.text, /second step/);
    await sleep(100);
    assert.ok(!page.text.includes("SECRET") && !gateway.log.includes("SECRET"));
  });

  // The third is what Auth0 says of an organization that is gone.
  for (const [error, prompts] of [
    ["access_denied", [undefined, "none", undefined]],
    ["mfa_required", [undefined, "none", undefined]],
    ["invalid_request", [undefined, "none", undefined]],
    ["temporarily_unavailable", [undefined, "none"]],
  ]) {
    const outcome = prompts.length > 2 ? "leads to a login that the user sees, not back into the silent one" : "is a page, and nothing is lost";
    test(`auth0: ${error} to the silent login of a session without tokens ${outcome}`, async (t) => {
      const { provider, gateway, browser: open } = await hostileTenant(t, { hostile: { accessTokenSeconds: 1 } });
      provider.answers.token = async (valid) => {
        const answer = await valid();
        delete answer.json.refresh_token;
        return answer;
      };
      const browser = open();
      await browser.login();
      await sleep(1100);
      provider.answers.authorization = async (valid, { params }) => {
        if (params.prompt !== "none") return valid();
        const back = `${params.redirect_uri}?${new URLSearchParams({ error, state: params.state })}`;
        return { status: 302, headers: { location: back } };
      };
      const page = await browser.navigate("/there");
      assert.deepEqual(provider.calls.authorization.map(({ params }) => params.prompt), prompts, page.text);
      const [, { detail }] = gateway.eventsOf("complete");
      assert.ok(detail.includes(error), `the log says why: ${detail}`);
      if (prompts.length > 2) assert.equal(page.json().url, "/there");
      else assert.equal(page.status, 400);
      assert.ok(browser.session);
    });
  }

  test("auth0: a domain that is no tenant's is told by the variable that is there, AUTH0_DOMAIN", async (t) => {
    const { provider, gateway } = await hostileTenant(t);
    provider.answers.discovery = () => ({ status: 404, body: "" });
    const { status, text } = await gateway.visit("/auth/login");
    assert.equal(status, 502);
    assert.match(text, /AUTH0_DOMAIN/);
    assert.ok(!text.includes("OIDC_ISSUER"));
  });
});
