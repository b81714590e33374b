// Users of several tenants behind one registration (Entra): each tenant is an issuer of its own, and the keys are those of all.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { administer, assertProblem } from "./parts/administration.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { startHostileProvider } from "./parts/hostile.mjs";
import { signingKey } from "./parts/keys.mjs";
import { logoutToken, post, reasonOf } from "./parts/logout-token.mjs";
import { assertRejected, assertSignedIn, attempt } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const A = "0f8fad5b-d9cb-469f-a165-70867728950e";
const B = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const OTHER = "11111111-1111-1111-1111-111111111111";

/** A gateway before a provider of several tenants; `listed` is OIDC_TENANTS. */
const several = (t, { listed = [A, B], at = "organizations", vars, ...hostile } = {}) =>
  createWorld(t, {
    hostile: {
      issuerPath: "/{tenantid}/v2.0",
      callbackIssuer: null,
      discovery: { authorization_response_iss_parameter_supported: false },
      paths: { [`/${at}/v2.0/.well-known/openid-configuration`]: "discovery" },
      ...hostile,
    },
    vars: { PROVIDER: "entra", OIDC_TENANTS: [listed].flat().join() || undefined, ...vars },
  });
const issuerOf = (provider, tenant) => `${provider.origin}/${tenant}/v2.0`;
/** ID tokens of this tenant, with changes. */
const of = (provider, tenant, change = {}) => ({
  claims: (claims) => ({ ...claims, iss: issuerOf(provider, tenant), tid: tenant, ...change }),
});

describe("tenants", () => {
  let world;
  before(async () => {
    world = await several();
  });
  after(() => world.close());
  beforeEach(() => {
    Object.assign(world.provider, { idToken: {}, answers: {}, callbackIssuer: null, published: undefined });
    world.provider.forgetCalls();
  });

  for (const tenant of [A, B]) {
    test(`a user of the listed tenant ${tenant.slice(0, 4)}… logs in, and the session's issuer is that tenant's`, async () => {
      const { provider } = world;
      provider.idToken = of(provider, tenant);
      const result = await attempt(world);
      await assertSignedIn(world, result);
      const session = (await result.browser.api("/auth/session")).json();
      assert.equal(session.issuer, issuerOf(provider, tenant));
      assert.equal((await result.browser.api("/auth/refresh", { method: "POST" })).status, 200);
    });
  }

  for (const [name, tenant, change] of [
    ["a tenant that is not listed", OTHER, {}],
    ["a tid that differs from the tenant of iss", A, { tid: B }],
    ["iss of a tenant that is not listed and tid of one that is", OTHER, { tid: A }],
    ["no tid", A, { tid: undefined }],
    ["a tid that is no text", A, { tid: [A] }],
    ["iss as it is written in the configuration", "{tenantid}", {}],
    ["a tid with a slash", `x/${A}`, {}],
    ["a tid with dots", "..", {}],
    ["an empty tid", "", {}],
  ]) {
    test(`conformance 53: an ID token with ${name} makes no session`, async () => {
      const { provider } = world;
      provider.idToken = of(provider, tenant, change);
      const result = await attempt(world);
      assertRejected(result);
    });
  }

  test("conformance 53: RFC 9207: an iss of one tenant and an ID token of another make no session; of the same they make one", async () => {
    const { provider } = world;
    provider.callbackIssuer = issuerOf(provider, A);
    provider.idToken = of(provider, B);
    assertRejected(await attempt(world));
    provider.idToken = of(provider, A);
    await assertSignedIn(world, await attempt(world));
    provider.forgetCalls();
    provider.callbackIssuer = issuerOf(provider, OTHER);
    provider.idToken = of(provider, OTHER);
    assertRejected(await attempt(world));
    assert.equal(provider.calls.token.length, 0, "the code is not redeemed");
  });

  test("conformance 53: a refreshed ID token of another listed tenant ends the session, and nothing of it is used", async () => {
    const { provider } = world;
    provider.idToken = of(provider, A);
    const { browser } = await attempt(world);
    provider.idToken = of(provider, B);
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(assertProblem(answer, 401, "session_ended").reason, "refresh_rejected");
    const { access_token } = provider.calls.token.at(-1).answer.json;
    assert.ok(!world.upstream.requests.some(({ headers }) => JSON.stringify(headers).includes(access_token)));
  });

  test("conformance 53: a logout token ends sessions of its own tenant alone", async () => {
    const { provider, gateway } = world;
    const open = async (tenant) => {
      provider.idToken = of(provider, tenant, { sid: "the-same" });
      return (await attempt(world)).browser;
    };
    const [a, b] = [await open(A), await open(B)];
    const tell = (tenant, change = {}) =>
      post(gateway, logoutToken(provider, { iss: issuerOf(provider, tenant), tid: tenant, sid: "the-same", ...change }));
    for (const refused of [await tell(OTHER), await tell(A, { tid: B }), await tell(A, { tid: undefined })]) {
      assertProblem(refused, 400, "bad_request");
    }
    assert.equal((await a.api("/api")).status, 200);
    assert.equal((await tell(A)).status, 200);
    assert.equal((await a.api("/api")).json().reason, "backchannel");
    assert.equal((await b.api("/api")).status, 200, "another tenant's user of the same name");
  });

  test("conformance 53: a key of another tenant signs for no other", async (t) => {
    for (const [issuer, signs] of [[A, true], ["{tenantid}", true], [undefined, true], [B, false], ["https://elsewhere.example/{tenantid}", false], [[A], false]]) {
      const world = await several(t);
      const { provider, gateway } = world;
      const named = typeof issuer === "string" && !issuer.includes("://") ? issuerOf(provider, issuer) : issuer;
      provider.published = [{ ...provider.key.publicJwk, issuer: named }];
      provider.idToken = of(provider, A);
      const result = await attempt(world);
      if (signs) await assertSignedIn(world, result);
      else assertRejected(result);
      const told = await post(gateway, logoutToken(provider, { iss: issuerOf(provider, A), tid: A }));
      assert.equal(told.status, signs ? 200 : 400, `${issuer}: ${told.text}`);
    }
  });

  test("conformance 53: of the keys of two tenants each signs its own tenant's tokens", async (t) => {
    const world = await several(t);
    const { provider } = world;
    const [keyOfA, keyOfB] = [signingKey("RS256", "key-of-a"), signingKey("RS256", "key-of-b")];
    provider.published = [[keyOfA, A], [keyOfB, B]].map(([key, tenant]) => ({ ...key.publicJwk, issuer: issuerOf(provider, tenant) }));
    for (const [key, tenant, isGood] of [[keyOfA, A, true], [keyOfB, B, true], [keyOfA, B, false], [keyOfB, A, false]]) {
      provider.key = key;
      provider.idToken = of(provider, tenant);
      const result = await attempt(world);
      if (isGood) await assertSignedIn(world, result);
      else assertRejected(result);
    }
  });

  test("front-channel logout ends the sessions of the tenant of its iss alone, and without a listed tenant's iss none", async () => {
    const { provider, gateway } = world;
    const open = async (tenant) => {
      provider.idToken = of(provider, tenant, { sid: "in-both" });
      return (await attempt(world)).browser;
    };
    const [a, b] = [await open(A), await open(B)];
    const frame = (params) => gateway.request(`/auth/frontchannel-logout?${new URLSearchParams({ sid: "in-both", ...params })}`);
    for (const params of [{ iss: issuerOf(provider, OTHER) }, { iss: provider.issuer }, {}]) {
      assert.equal((await frame(params)).status, 200);
      for (const { sessionHeader } of [a, b]) assert.equal(await reasonOf(gateway, sessionHeader), "live", JSON.stringify(params));
    }
    assert.equal((await frame({ iss: issuerOf(provider, A) })).status, 200);
    assert.equal(await reasonOf(gateway, a.sessionHeader), "logout");
    assert.equal(await reasonOf(gateway, b.sessionHeader), "live", "another tenant's session of the same name");
  });

  test("with one tenant listed, front-channel logout works without iss, and an administrator names no issuer", async (t) => {
    const world = await several(t, { listed: A.toUpperCase(), at: A });
    const { provider, gateway } = world;
    provider.idToken = of(provider, A, { sid: "the-session" });
    const { browser } = await attempt(world);
    const listed = (await administer(gateway, `/users/${provider.subject}/sessions`)).json();
    assert.deepEqual([listed.issuer, listed.sessions?.length], [issuerOf(provider, A), 1]);
    assert.equal((await gateway.request("/auth/frontchannel-logout?sid=the-session")).status, 200);
    assert.equal(await reasonOf(gateway, browser.sessionHeader), "logout");
  });

  test("an administrator names the issuer of the user, and gets that tenant's sessions alone", async () => {
    const { provider, gateway } = world;
    provider.subject = "of-two-tenants";
    for (const tenant of [A, B]) {
      provider.idToken = of(provider, tenant);
      await attempt(world);
    }
    const path = "/users/of-two-tenants/sessions";
    const list = (query) => administer(gateway, `${path}${query}`);
    assertProblem(await list(""), 400, "bad_request");
    assertProblem(await list(`?issuer=${encodeURIComponent(issuerOf(provider, OTHER))}`), 400, "bad_request");
    const listed = (await list(`?issuer=${encodeURIComponent(issuerOf(provider, A))}`)).json();
    assert.equal(listed.issuer, issuerOf(provider, A));
    assert.equal(listed.sessions.length, 1);
    provider.subject = "ada";
  });

  test("the console asks for the issuer where users of several log in", async (t) => {
    const { provider, gateway } = world;
    provider.subject = "of-the-console";
    provider.idToken = of(provider, B);
    await attempt(world);
    provider.subject = "ada";
    const chromium = await launchChromium();
    t.after(() => chromium.close());
    const page = await (await chromium.newContext()).newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(`${gateway.adminOrigin}/auth/admin/`);
    await page.getByLabel("Administrators’ token").fill(ADMIN_TOKEN);
    await page.getByRole("button", { name: "Unlock" }).click();
    await page.getByRole("status").filter({ hasText: "Unlocked" }).waitFor();
    await page.getByLabel("User or session").fill("of-the-console");
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("alert").filter({ hasText: "several issuers" }).waitFor();
    await page.getByLabel("Issuer").fill(issuerOf(provider, B));
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("status").filter({ hasText: "1 session" }).waitFor();
  });

  test("without OIDC_TENANTS users of every tenant log in, each with the issuer of their own", async (t) => {
    const world = await several(t, { listed: [] });
    for (const tenant of [A, OTHER]) {
      world.provider.idToken = of(world.provider, tenant);
      const { browser } = await attempt(world);
      assert.equal((await browser.api("/auth/session")).json().issuer, issuerOf(world.provider, tenant));
    }
    world.provider.idToken = of(world.provider, A, { tid: OTHER });
    assertRejected(await attempt(world));
  });

  test("with one tenant listed, discovery is at that tenant, and its document may name its own issuer", async (t) => {
    const world = await several(t, { listed: A, at: A });
    const { provider } = world;
    provider.discovery.issuer = issuerOf(provider, A);
    provider.idToken = of(provider, A);
    await assertSignedIn(world, await attempt(world));
    provider.idToken = of(provider, B);
    assertRejected(await attempt(world));
  });

  test("a discovery document that names another tenant's issuer is refused, and both issuers are named", async (t) => {
    const world = await several(t);
    world.provider.discovery.issuer = issuerOf(world.provider, OTHER);
    const page = await world.browser().navigate("/auth/login");
    assert.equal(page.status, 502);
    const problem = await world.gateway.request("/auth/login", { headers: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" } });
    const text = page.text + problem.text;
    assert.ok(text.includes(OTHER) && text.includes("{tenantid}"), text);
  });

  test("OIDC_DISCOVERY_URL: the document lies elsewhere, and its issuer must be OIDC_ISSUER all the same (Azure AD B2C)", async (t) => {
    const path = "/b2c/policy/v2.0/.well-known/openid-configuration";
    const start = async () => {
      const provider = await startHostileProvider({ issuerPath: "/b2c-tenant-id/v2.0/", paths: { [path]: "discovery" } });
      return Object.assign(provider, { vars: { OIDC_DISCOVERY_URL: `${provider.origin}${path}?p=x` } });
    };
    const world = await createWorld(t, { start });
    const { gateway, provider } = world;
    await assertSignedIn(world, await attempt(world));
    assert.ok(provider.calls.discovery.every(({ params }) => params.p === "x"));
    provider.discovery = { issuer: `${provider.origin}/another/v2.0/` };
    await gateway.restart();
    const page = await world.browser().navigate("/auth/login");
    assert.equal(page.status, 502, page.text);
    assert.match(page.text, /another issuer/);
  });
});
