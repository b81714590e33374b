// Organizations at Auth0 and WorkOS: a login for one, the session that is switched to another, and that it stays there.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hostileTenant } from "./parts/auth0.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { claimsOf, jwt } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { sleep, until } from "./parts/process.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { CF_HEADER } from "./parts/workerd.mjs";
import { startWorkOs } from "./parts/workos.mjs";
import { createWorld } from "./parts/world.mjs";

const newWorld = (t, options = {}) => createWorld(t, { start: () => startWorkOs(options.workos ?? {}), ...options });

describe("organizations", { concurrency: 3 }, () => {
  test("auth0: an organization that was asked for must be the ID token's: an id as it is, a name in lower case", async (t) => {
    const { provider, browser: open } = await hostileTenant(t);
    provider.idToken.claims = (claims) => ({ ...claims, org_id: "org_1", org_name: "acme" });
    for (const [organization, status] of [["org_1", 303], ["acme", 303], ["Acme", 303], ["org_2", 400], ["other", 400]]) {
      const browser = open();
      const callback = await callbackOf(browser, `/auth/login?organization=${organization}`);
      assert.equal((await browser.navigate(callback, { follow: false })).status, status, organization);
      const granted = provider.calls.token.at(-1).answer.json.refresh_token;
      if (status === 400) await until("what was granted is revoked", () => provider.revoked.includes(granted));
      else assert.deepEqual(provider.revoked, []);
    }
    provider.idToken.claims = undefined;
    const browser = open();
    const callback = await callbackOf(browser, "/auth/login?organization=org_1");
    assert.equal((await browser.navigate(callback, { follow: false })).status, 400, "without a claim");
    const plain = open();
    assert.equal((await plain.navigate(await callbackOf(plain), { follow: false })).status, 303, "nothing was asked for");
  });

  test("auth0: the organization that was asked for is asked for again where a silent login finds nobody", async (t) => {
    const { provider, gateway, browser: open } = await hostileTenant(t, { hostile: { accessTokenSeconds: 60 }, entry: INSTRUMENTS });
    provider.idToken.claims = (claims) => ({ ...claims, org_id: "org_2" });
    const browser = open();
    await browser.navigate("/auth/login?organization=org_2");
    provider.answers.token = () => ({ status: 502, body: "" });
    await setClockAhead(gateway, 61);
    await browser.api("/api");
    provider.answers.token = undefined;
    provider.answers.authorization = (valid, { params }) => {
      const to = new URL(params.redirect_uri);
      to.search = new URLSearchParams({ state: params.state, error: "login_required", iss: provider.issuer });
      return params.prompt === "none" ? { status: 303, headers: { location: to.href } } : valid();
    };
    const refused = await callbackOf(browser, "/auth/login?organization=org_2&login_hint=ada&return_to=/there");
    await browser.navigate(refused, { until: ({ origin }) => origin !== browser.origin });
    const again = new URL(browser.hops.at(-1).headers.location).searchParams;
    assert.deepEqual([again.get("prompt"), again.get("organization"), again.get("login_hint")], [null, "org_2", "ada"]);
  });

  test("conformance 47: auth0: the ID token has to be for the configured organization, whatever the query asks for", async (t) => {
    const vars = { OIDC_AUTHORIZATION_PARAMS: '{"organization":"org_1"}' };
    const { provider, browser: open } = await hostileTenant(t, { vars });
    for (const [org_id, status] of [["org_1", 303], ["org_2", 400]]) {
      provider.idToken.claims = (claims) => ({ ...claims, org_id });
      for (const query of ["", "?organization=org_2"]) {
        const browser = open();
        const callback = await callbackOf(browser, `/auth/login${query}`);
        assert.equal((await browser.navigate(callback, { follow: false })).status, status, `${org_id} ${query}`);
        assert.equal(provider.calls.authorization.at(-1).params.organization, "org_1");
      }
    }
  });

  test("auth0: a refresh that brings another organization ends the session, and nothing of it is used", async (t) => {
    const { provider, browser: open } = await hostileTenant(t);
    provider.idToken.claims = (claims) => ({ ...claims, org_id: "org_1" });
    const browser = open();
    await browser.navigate("/auth/login?organization=org_1");
    for (const org_id of ["org_2", undefined]) {
      provider.idToken.claims = (claims) => ({ ...claims, org_id: "org_1" });
      await browser.navigate("/auth/login?organization=org_1");
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
      const other = open();
      await other.navigate("/auth/login?organization=org_1");
      provider.idToken.claims = (claims) => ({ ...claims, org_id });
      const refreshed = await other.api("/auth/refresh", { method: "POST" });
      assert.equal(refreshed.json().reason, "refresh_rejected", refreshed.text);
    }
  });

  for (const [what, change] of [
    ["another one", (json) => ({ ...json, organization_id: "org_2" })],
    ["none", ({ organization_id, ...json }) => ({ ...json, organization_id: null })],
  ]) {
    test(`conformance 47: workos: a user object whose organization_id is ${what} than the token's org_id is refused`, async (t) => {
      const { provider, browser: open } = await newWorld(t);
      const browser = open();
      const callback = await callbackOf(browser, "/auth/login?organization=org_1");
      provider.answers.token = async (valid) => {
        const answer = await valid();
        return { ...answer, json: change(answer.json) };
      };
      const page = await browser.navigate(callback, { follow: false });
      assert.equal(page.status, 400);
      assert.equal(browser.session, undefined);
    });
  }

  test("conformance 47: workos: a login that asked for one organization and got another, or none, is refused with a page that says so", async (t) => {
    for (const vars of [{}, { OIDC_AUTHORIZATION_PARAMS: '{"organization_id":"org_1"}' }]) {
      const { provider, browser: open } = await newWorld(t, { vars });
      for (const got of ["org_2", null]) {
        const browser = open();
        const callback = await callbackOf(browser, "/auth/login?organization=org_1");
        assert.equal(provider.calls.authorization.at(-1).query.organization_id, "org_1");
        // The user chose another one on WorkOS's page: the emulator's code is for that.
        provider.forceOrganization = got;
        const page = await browser.navigate(callback, { follow: false });
        assert.equal(page.status, 400, page.text);
        assert.match(page.text, /another organization than this site asked for, or to none/);
        assert.equal(browser.session, undefined);
        const { sid } = claimsOf(provider.calls.token.at(-1).answer.json.access_token);
        await until("WorkOS's session is revoked", () => provider.calls.revocation.some(({ params }) => params.session_id === sid));
      }
    }
  });

  test("conformance 47: workos: a configured organization holds against the query, at a login and at a switch", async (t) => {
    const { provider, login, browser: open } = await newWorld(t, { vars: { OIDC_AUTHORIZATION_PARAMS: '{"organization_id":"org_1"}' } });
    for (const query of ["organization=org_2", "connection=conn_theirs"]) {
      await callbackOf(open(), `/auth/login?${query}`);
      const sent = provider.calls.authorization.at(-1).query;
      assert.deepEqual([sent.organization_id, sent.connection_id], ["org_1", undefined], query);
    }
    const browser = await login();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const organization = (id) => browser.api("/auth/refresh", { method: "POST", headers, body: `organization=${id}` });
    assert.equal((await organization("org_2")).status, 400);
    assert.equal((await organization("org_1")).status, 200);
  });

  test("workos: a refresh that brings another organization than the session's ends it", async (t) => {
    const { provider, browser: open } = await newWorld(t);
    const browser = open();
    await browser.navigate("/auth/login?organization=org_1");
    const own = (await browser.api("/auth/session")).json().claims.org_id;
    assert.equal(own, "org_1");
    provider.answers.token = (valid, call) => {
      const body = { ...call.params, organization_id: "org_2" };
      return provider.emulated(body);
    };
    const refreshed = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(refreshed.json().reason, "refresh_rejected", refreshed.text);
  });

  test("workos: tokens whose key cannot be had change no organization, and end the session where they name another than was asked for", async (t) => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const key = signingKey("RS256", "rotated");
    for (const [asked, brought, reason] of [
      [undefined, "org_1", undefined],
      [undefined, "org_2", "refresh_rejected"],
      ["org_2", "org_2", undefined],
      ["org_2", "org_1", "refresh_rejected"],
    ]) {
      const { provider, gateway, browser: open } = await newWorld(t);
      const browser = open();
      await browser.navigate("/auth/login?organization=org_1");
      const cookie = browser.sessionHeader;
      provider.answers.jwks = () => ({ status: 503, body: "" });
      provider.answers.token = async (valid, call) => {
        const answer = await provider.emulated({ ...call.params, organization_id: brought });
        const { json } = answer;
        return { ...answer, json: { ...json, access_token: jwt({ alg: key.alg, kid: key.kid }, claimsOf(json.access_token), key) } };
      };
      await browser.api("/auth/refresh", { method: "POST", headers, body: asked ? `organization=${asked}` : "" });
      const session = (await gateway.request("/auth/session", { headers: { cookie } })).json();
      assert.equal(session.reason, reason, `${asked} ${brought}`);
      assert.equal(session.claims?.org_id, reason ? undefined : "org_1", `${asked} ${brought}`);
    }
  });

  test("workos: POST /refresh with an organization switches to it, at once and with its claims", async (t) => {
    const { provider, login, token } = await newWorld(t);
    const browser = await login();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const organization = (id) => browser.api("/auth/refresh", { method: "POST", headers, body: `organization=${id}` });
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const one = await organization("org_1");
    assert.equal(one.status, 200, one.text);
    assert.equal(one.json().claims.org_id, "org_1");
    const two = await organization("org_2");
    assert.equal(two.json().claims.org_id, "org_2");
    assert.equal((await browser.api("/auth/session")).json().claims.org_id, "org_2");
    assert.deepEqual(provider.calls.token.slice(2).map(({ params }) => params.organization_id), ["org_1", "org_2"]);
    assert.equal(claimsOf(await token(browser)).org_id, "org_2");
    assert.equal((await organization("x".repeat(600))).status, 400);
  });

  test("workos: a switch waits for a refresh that is under way, and both come out right", async (t) => {
    const { provider, login } = await newWorld(t);
    const browser = await login();
    provider.answers.token = async (valid) => {
      await sleep(400);
      return valid();
    };
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answers = await Promise.all([
      browser.api("/auth/refresh", { method: "POST" }),
      browser.api("/auth/refresh", { method: "POST", headers, body: "organization=org_1" }),
    ]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
    assert.equal((await browser.api("/auth/session")).json().claims.org_id, "org_1");
    const presented = provider.calls.token.slice(1).map(({ params }) => params.refresh_token);
    assert.equal(new Set(presented).size, presented.length, "no refresh token is shown twice");
  });

  for (const [status, json] of [
    [400, { error: "sso_required", error_description: "…", connection_ids: ["conn_1"] }],
    [400, { error: "mfa_enrollment", error_description: "…" }],
    [403, { code: "mfa_enrollment", message: "…", pending_authentication_token: "SECRET" }],
    [404, { code: "entity_not_found", message: "…" }],
  ]) {
    test(`workos: a switch that is refused with ${json.error ?? json.code} (${status}) is 401 login_required; the session goes on`, async (t) => {
      const { provider, login, token } = await newWorld(t);
      const browser = await login();
      const first = await token(browser);
      provider.answers.token = () => ({ status, json });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const answer = await browser.api("/auth/refresh", { method: "POST", headers, body: "organization=org_1" });
      assert.equal(answer.status, 401);
      assert.equal(answer.json().code, "login_required");
      assert.ok(!answer.text.includes("SECRET"));
      assert.equal(await token(browser), first);
      provider.answers.token = undefined;
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
      assert.notEqual(await token(browser), first);
    });
  }

  test("workos: an organization can be chosen on the page, which leads to a login at it", async (t) => {
    const { provider, browser: open } = await newWorld(t);
    const browser = open();
    const callback = await callbackOf(browser, "/auth/login?return_to=/there");
    provider.answers.token = () => ({
      status: 403,
      json: {
        code: "organization_selection_required",
        message: "…",
        pending_authentication_token: "SECRET",
        organizations: [{ id: "org_1", name: "Acme <b>&</b> Sons" }, { id: "org_2&x=y", name: "" }],
      },
    });
    const page = await browser.navigate(callback, { follow: false });
    assert.ok(page.text.includes(">Acme &lt;b&gt;&amp;&lt;/b&gt; Sons</a>"), page.text);
    const links = [...page.text.matchAll(/<a href="([^"]*organization=[^"]*)"/g)].map(([, href]) => href.replaceAll("&amp;", "&"));
    assert.equal(links.length, 2);
    assert.deepEqual(links.map((link) => Object.fromEntries(new URL(link, browser.origin).searchParams)), [
      { return_to: "/there", organization: "org_1" },
      { return_to: "/there", organization: "org_2&x=y" },
    ]);
    provider.answers.token = undefined;
    const there = await browser.navigate(links[0], { from: browser.origin });
    assert.equal(provider.calls.authorization.at(-1).query.organization_id, "org_1");
    assert.equal(there.json().url, "/there");
  });

  const elsewhere = { [CF_HEADER]: JSON.stringify({ continent: "NA", country: "US", longitude: "-74" }) };

  test("auth0: a session that follows its user to another region stays in its organization", async (t) => {
    const { provider, browser: open } = await hostileTenant(t);
    provider.idToken.claims = (claims) => ({ ...claims, org_id: "org_1", org_name: "acme" });
    const browser = open();
    await browser.navigate("/auth/login?organization=acme");
    browser.headers = elsewhere;
    assert.equal((await browser.navigate("/there")).json().url, "/there");
    const { params } = provider.calls.authorization.at(-1);
    assert.equal(params.prompt, "none");
    assert.equal(params.organization, "org_1");
    assert.match(browser.session.value, /^enam\./);
  });

  test("auth0: a silent login that brings another organization leaves the session where it is", async (t) => {
    const { provider, browser: open } = await hostileTenant(t);
    provider.idToken.claims = (claims) => ({ ...claims, org_id: "org_1" });
    const browser = open();
    await browser.navigate("/auth/login?organization=org_1");
    provider.idToken.claims = (claims) => ({ ...claims, org_id: "org_2" });
    browser.headers = elsewhere;
    assert.equal((await browser.navigate("/there")).json().url, "/there");
    assert.match(browser.session.value, /^weur\./);
    assert.equal((await browser.api("/auth/session")).json().claims.org_id, "org_1");
  });

  test("an OpenID provider is asked for no organization", async (t) => {
    const { provider, login } = await createWorld(t, { hostile: true });
    provider.idToken.claims = (claims) => ({ ...claims, org_id: "org_1" });
    const browser = await login();
    browser.headers = elsewhere;
    await browser.navigate("/there");
    const { params } = provider.calls.authorization.at(-1);
    assert.equal(params.prompt, "none");
    assert.equal(params.organization, undefined);
  });

  test("workos: a switched session stays in its organization: at each refresh, and in another region", async (t) => {
    const { gateway, provider, login, token } = await newWorld(t, { workos: { accessTokenSeconds: 4 } });
    const browser = await login();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    await browser.api("/auth/refresh", { method: "POST", headers, body: "organization=org_2" });
    await token(browser);
    await gateway.untilEvent("refresh", ({ cause }) => cause === "alarm");
    assert.equal(provider.calls.token.at(-1).params.organization_id, "org_2", "WorkOS else goes back to the login's organization");
    assert.equal(claimsOf(await token(browser)).org_id, "org_2");
    browser.headers = elsewhere;
    await browser.navigate("/there");
    assert.match(browser.session.value, /^enam\./);
    assert.equal(provider.calls.authorization.at(-1).query.organization_id, "org_2");
  });
});
