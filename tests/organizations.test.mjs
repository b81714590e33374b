// Organizations at Auth0 and WorkOS: a login for one, the session that is switched to another, and that it stays there.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hostileTenant } from "./parts/auth0.mjs";
import { claimsOf } from "./parts/jwt.mjs";
import { sleep } from "./parts/process.mjs";
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
    }
    provider.idToken.claims = undefined;
    const browser = open();
    const callback = await callbackOf(browser, "/auth/login?organization=org_1");
    assert.equal((await browser.navigate(callback, { follow: false })).status, 400, "without a claim");
    const plain = open();
    assert.equal((await plain.navigate(await callbackOf(plain), { follow: false })).status, 303, "nothing was asked for");
  });

  test("auth0: an organization that is configured is held against the ID token, too", async (t) => {
    const vars = { OIDC_AUTHORIZATION_PARAMS: '{"organization":"org_1"}' };
    const { provider, browser: open } = await hostileTenant(t, { vars });
    for (const [org_id, status] of [["org_1", 303], ["org_2", 400]]) {
      provider.idToken.claims = (claims) => ({ ...claims, org_id });
      const browser = open();
      assert.equal((await browser.navigate(await callbackOf(browser), { follow: false })).status, status, org_id);
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
