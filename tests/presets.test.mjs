// Each preset, with its defaults alone, against a stand-in that behaves as its provider's documentation says: one list of session tests for
// all. What was tried with a real provider is said in docs/providers/README.md.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertProblem } from "./parts/administration.mjs";
import { startHostileProvider } from "./parts/hostile.mjs";
import { signingKey } from "./parts/keys.mjs";
import { logoutToken, post, reasonOf } from "./parts/logout-token.mjs";
import { assertRejected, attempt } from "./parts/sign-in.mjs";
import { STAND_INS, startStandIn } from "./parts/stand-ins.mjs";
import { createWorld } from "./parts/world.mjs";

const refresh = (browser) => browser.api("/auth/refresh", { method: "POST" });

describe("presets", { concurrency: 3 }, () => {
  for (const [name, row] of Object.entries(STAND_INS)) describe(name, { concurrency: 1 }, () => {
    let world;
    before(async () => {
      world = await createWorld(undefined, { start: () => startStandIn(name, startHostileProvider) });
    });
    after(() => world.close());

    test(`${name} (stand-in): a login makes a session with what the preset asks for, and the application gets the token`, async () => {
      const { provider, login, token, gateway } = world;
      const browser = await login({ returnTo: "/there" });
      const asked = provider.calls.authorization.at(-1).params;
      assert.equal(asked.scope, row.scopes);
      for (const [parameter, value] of Object.entries(row.params ?? {})) assert.equal(asked[parameter], value);
      assert.equal(asked.code_challenge_method, "S256");
      const session = (await browser.api("/auth/session")).json();
      assert.equal(session.subject, "ada");
      assert.equal(session.issuer, provider.tenantIssuer ?? provider.issuer);
      for (const [claim, value] of Object.entries(row.claims)) assert.deepEqual(session.claims[claim], value, claim);
      assert.notEqual(session.claims.email, "mallory@evil.example");
      assert.equal(session.access_token_expires_at === null, row.unknownLife ?? false);
      assert.equal(await token(browser), provider.calls.token.at(-1).answer.json.access_token);
      const [line] = gateway.eventsOf("complete");
      assert.equal(/no refresh token came/.test(line.detail), !row.refreshes, line.detail);
      // The code is good once the client has proved itself as this provider wants it, which the stand-in checks.
      assert.ok(provider.calls.token.at(-1).params.code_verifier);
    });

    test(`${name} (stand-in): a refresh brings another token of the same user${row.refreshes ? "" : ", where there is no refresh token: none"}`, async () => {
      const { provider, login, token } = world;
      const browser = await login();
      const first = await token(browser);
      const calls = provider.refreshes.length;
      const answer = await refresh(browser);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json().subject, "ada");
      assert.equal((await token(browser)) !== first, row.refreshes);
      assert.equal(provider.refreshes.length - calls, row.refreshes ? 1 : 0);
      assert.ok(!provider.refreshes.some(({ params }) => params.scope), "a refresh asks for no scope");
    });

    test(`${name} (stand-in): a logout ends the session here${row.logsOutAt ? " and at the provider, and comes back" : "; the provider has no logout"}`, async () => {
      const { provider, login, gateway } = world;
      const browser = await login();
      const cookie = browser.sessionHeader;
      provider.calls.endSession.length = 0;
      const page = await browser.navigate("/auth/logout", { from: browser.origin, method: "POST", form: {} });
      assert.equal(await reasonOf(gateway, cookie), "logout");
      assert.equal(browser.session, undefined, page.text.slice(0, 300));
      assert.equal(provider.calls.endSession.length, row.logsOutAt ? 1 : 0);
      assert.equal(page.url.pathname, "/auth/logged-out");
      assert.equal(page.status, 200, page.text);
    });

    test(`${name} (stand-in): a wrong secret is 502 and no session`, async () => {
      const { provider, browser: open } = world;
      const { clientSecret, knownKey } = provider;
      // What the client has is wrong from now on. Apple's secrets are signed, and the key that checks them is another.
      provider.clientSecret = "another-secret";
      provider.knownKey = signingKey("ES256", "another");
      const result = await attempt({ browser: open });
      Object.assign(provider, { clientSecret, knownKey });
      assert.equal(provider.calls.token.at(-1).answer.status, 401);
      assertRejected(result, { status: 502, code: "provider_rejected" });
      assert.ok(!result.page.text.includes("hunter2"));
    });

    if (row.backchannel) test(`${name} (stand-in): its logout token ends the session, and one for another client ends nothing`, async () => {
      const { provider, login, gateway } = world;
      const browser = await login();
      const foreign = await post(gateway, logoutToken(provider, { ...row.backchannel, aud: "another", azp: undefined }));
      assertProblem(foreign, 400, "bad_request");
      assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
      const answer = await post(gateway, logoutToken(provider, row.backchannel));
      assert.equal(answer.status, 200, answer.text);
      assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
    });

    if (row.frontchannel) test(`${name} (stand-in): the frame of its logout page ends the session`, async () => {
      const { provider, login, gateway } = world;
      const browser = await login();
      const query = new URLSearchParams({ iss: provider.tenantIssuer ?? provider.issuer, sid: "the-session" });
      assert.equal((await gateway.request(`/auth/frontchannel-logout?${query}`)).status, 200);
      assert.equal(await reasonOf(gateway, browser.sessionHeader), "logout");
    });
  });

  test("every preset has a stand-in, and every stand-in a preset", async (t) => {
    const { gateway } = await createWorld(t, { hostile: true, vars: { PROVIDER: "none such" } });
    const [{ message }] = (await gateway.request("/auth/healthz")).json().problems;
    const known = message.replace(/^must be one of: /, "").split(", ");
    assert.deepEqual(known.slice(3), Object.keys(STAND_INS));
    assert.deepEqual(known.slice(0, 3), ["oidc", "auth0", "workos"]);
  });
});
