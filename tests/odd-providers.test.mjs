// What providers send that is not by the book, and depends on no check: it is accepted, and its dangerous neighbour is refused.
// Conformance.md 52.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertProblem, inspect } from "./parts/administration.mjs";
import { actorOf } from "./parts/actors.mjs";
import { expired, LIFE } from "./parts/expired.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { jwt, jwtWith, withBrokenSignature } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { logoutToken, post, reasonOf } from "./parts/logout-token.mjs";
import { assertRejected, assertSignedIn, attempt, callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

/** ID tokens with these claims, at the login and at each refresh. */
const withClaims = (more) => ({ claims: (claims, grantType) => ({ ...claims, ...(typeof more === "function" ? more(claims, grantType) : more) }) });
const refresh = (browser) => browser.api("/auth/refresh", { method: "POST" });

describe("odd providers", { concurrency: 4 }, () => {
  describe("audiences (Zitadel)", () => {
    const several = (azp, more = []) => withClaims(({ aud }) => ({ aud: [aud, "project-1", ...more], azp }));

    for (const [what, idToken, vars] of [
      ["with azp of this client", several("the-gateway"), {}],
      ["without azp, all of which OIDC_TRUSTED_AUDIENCES lists", several(undefined, ["console"]), { OIDC_TRUSTED_AUDIENCES: "console, project-1" }],
    ]) {
      test(`conformance 52: several audiences ${what} are accepted at the login, at a refresh and in a logout token`, async (t) => {
        const world = await createWorld(t, { hostile: { idToken }, vars });
        const { browser, page } = await attempt(world);
        const first = await assertSignedIn(world, { browser, page });
        const refreshed = await refresh(browser);
        assert.equal(refreshed.status, 200);
        assert.ok(refreshed.json().claims.aud.includes("project-1"));
        assert.notEqual(await world.token(browser), first);
        const { aud, azp } = refreshed.json().claims;
        assert.equal((await post(world.gateway, logoutToken(world.provider, { aud, azp }))).status, 200);
        assert.equal(await reasonOf(world.gateway, browser.sessionHeader), "backchannel");
      });
    }

    for (const [what, idToken, vars] of [
      ["without azp", several(undefined), {}],
      ["without azp, one of which OIDC_TRUSTED_AUDIENCES lacks", several(undefined, ["a-stranger"]), { OIDC_TRUSTED_AUDIENCES: "project-1" }],
      ["with azp of another client", several("project-1"), {}],
      ["with azp of another client, though OIDC_TRUSTED_AUDIENCES lists it", several("project-1"), { OIDC_TRUSTED_AUDIENCES: "project-1" }],
      ["with azp of another client, this one being the only audience", withClaims({ azp: "project-1" }), { OIDC_TRUSTED_AUDIENCES: "project-1" }],
      ["of which none is this client, trusted or not", withClaims({ aud: ["project-1"], azp: "the-gateway" }), { OIDC_TRUSTED_AUDIENCES: "project-1" }],
    ]) {
      test(`conformance 52: audiences ${what} are refused at the login, at a refresh and in a logout token`, async (t) => {
        const { provider, gateway, ...world } = await createWorld(t, { hostile: true, vars });
        const browser = await world.login();
        const cookie = browser.sessionHeader;
        const { aud, azp } = idToken.claims({ aud: provider.clientId });
        assertProblem(await post(gateway, logoutToken(provider, { aud, azp })), 400, "bad_request");
        assert.equal(await reasonOf(gateway, cookie), "live");
        provider.idToken = idToken;
        assertRejected(await attempt({ browser: world.browser }));
        assertProblem(await refresh(browser), 401, "session_ended");
        assert.equal(await reasonOf(gateway, cookie), "refresh_rejected");
      });
    }

    test("conformance 52: what is said of a further audience names OIDC_TRUSTED_AUDIENCES", async (t) => {
      const world = await createWorld(t, { hostile: { idToken: several(undefined) } });
      assertRejected(await attempt(world));
      assert.match(world.gateway.eventsOf("complete").at(-1).detail, /OIDC_TRUSTED_AUDIENCES/);
    });
  });

  describe("claims of any type (ADFS, ORCID)", () => {
    const ODD = {
      email: ["ada@example.com", "ada@example.org"],
      name: ["Ada", "Lovelace"],
      phone_number: 441234567,
      address: "12 St James's Square",
      updated_at: "10/12/2024 08:15",
      birthdate: 1815,
      locale: ["en", "cy"],
      email_verified: "true",
      groups: "staff",
      amr: "pwd",
      acr: 2,
      auth_time: "yesterday",
      preferred_username: { name: "ada" },
      picture: null,
      website: false,
    };
    const FORWARDED = { "X-User": "sub", "X-Email": "email", "X-Name": "name", "X-Phone": "phone_number", "X-Nick": "preferred_username", "X-Picture": "picture", "X-Site": "website" };
    const header = ({ headers }, name) => headers[headers.findIndex((known) => known.toLowerCase() === name) + 1];
    const names = ({ headers }) => headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());

    for (const [what, hostile] of [
      ["the ID token", { idToken: withClaims(ODD), answers: { userinfo: () => ({ json: { sub: "ada" } }) } }],
      ["UserInfo", { answers: { userinfo: () => ({ json: { sub: "ada", ...ODD } }) } }],
    ]) {
      test(`conformance 52: optional claims of any type in ${what} are what /session says, at the login and after a refresh, and identity headers stay safe`, async (t) => {
        const world = await createWorld(t, {
          hostile,
          routes: [{ match: "/*", identity_headers: true }],
          vars: { IDENTITY_HEADERS: JSON.stringify(FORWARDED) },
        });
        const { browser, page } = await attempt(world);
        await assertSignedIn(world, { browser, page });
        const ofLogin = what === "UserInfo" ? { ...ODD, amr: undefined, acr: undefined, auth_time: undefined } : ODD;
        const check = ({ claims }) => {
          for (const [name, value] of Object.entries(ofLogin)) assert.deepEqual(claims[name], value, name);
        };
        check((await browser.api("/auth/session")).json());
        const refreshed = await refresh(browser);
        assert.equal(refreshed.status, 200, refreshed.text);
        check(refreshed.json());
        const seen = (await browser.api("/api")).json();
        assert.equal(header(seen, "x-user"), "ada");
        assert.equal(header(seen, "x-email"), "ada@example.com,ada@example.org");
        assert.equal(header(seen, "x-name"), "Ada,Lovelace");
        assert.equal(header(seen, "x-phone"), "441234567");
        assert.ok(!names(seen).includes("x-nick") && !names(seen).includes("x-picture"), "an object and null are no text");
        assert.equal(header(seen, "x-site"), "false");
      });
    }

    for (const [what, change] of Object.entries({
      "an empty sub": { sub: "" },
      "a sub that is a number": { sub: 7 },
      "a sub that is an array": { sub: ["ada"] },
      "an iss that is an array": ({ iss }) => ({ iss: [iss] }),
      "an exp that is text": ({ exp }) => ({ exp: String(exp) }),
      "a sid that is a number": { sid: 7 },
      "a sid that is null": { sid: null },
      "an azp that is an array": ({ aud }) => ({ azp: [aud] }),
      "an at_hash that is null": { at_hash: null },
      "events that are an array": { events: [] },
      "events that are null": { events: null },
    })) {
      test(`conformance 52: ${what} is refused in an ID token, at the login and at a refresh`, async (t) => {
        const { provider, gateway, ...world } = await createWorld(t, { hostile: true });
        const browser = await world.login();
        const cookie = browser.sessionHeader;
        provider.idToken = withClaims(change);
        assertRejected(await attempt({ browser: world.browser }));
        assertProblem(await refresh(browser), 401, "session_ended");
        assert.equal(await reasonOf(gateway, cookie), "refresh_rejected");
      });
    }

    test("conformance 52: acr and auth_time have their type where OIDC_AUTHORIZATION_PARAMS asks for them", async (t) => {
      const world = await createWorld(t, { hostile: true, vars: { OIDC_AUTHORIZATION_PARAMS: '{"acr_values":"mfa","max_age":"600"}' } });
      world.provider.idToken = withClaims({ acr: "mfa", auth_time: Math.floor(Date.now() / 1000) });
      await assertSignedIn(world, await attempt(world));
      for (const odd of [{ acr: ["mfa"] }, { acr: null }, { auth_time: "1800000000" }]) {
        world.provider.idToken = withClaims(odd);
        assertRejected(await attempt(world));
      }
    });
  });

  describe("token responses (Twitch)", () => {
    const ODD = {
      "a scope that is an array": { scope: ["openid", "user:read:email"] },
      "an empty scope array": { scope: [] },
      "a scope that is null": { scope: null },
      "no token_type": { token_type: undefined },
      "a token_type that is null": { token_type: null },
      "a fractional expires_in": { expires_in: LIFE - 0.5 },
      "expires_in as text": { expires_in: `${LIFE}` },
      "a fractional expires_in as text": { expires_in: ` ${LIFE - 0.5} ` },
      "all of it, as Twitch sends it": { scope: ["openid"], token_type: undefined, expires_in: LIFE - 0.01 },
    };
    const REFUSED = {
      "a scope that is an object": { scope: { openid: true } },
      "a scope that is a number": { scope: 7 },
      "a scope array with an object in it": { scope: ["openid", {}] },
      "a token_type of another kind": { token_type: "DPoP" },
      "a token_type that is an array": { token_type: ["Bearer"] },
      "a negative expires_in": { expires_in: -1 },
      "a negative expires_in as text": { expires_in: "-1" },
      "expires_in as words": { expires_in: "soon" },
      "an expires_in that is an array": { expires_in: [LIFE] },
      "an expires_in of nothing": { expires_in: 0 },
      "an access_token that is an object": { access_token: { token: "x" } },
      "no access_token": { access_token: undefined },
    };
    const answering = (change) => (valid) => {
      const answer = valid();
      return { ...answer, json: { ...answer.json, ...change } };
    };

    for (const [what, change] of Object.entries(ODD)) {
      test(`conformance 52: a token response with ${what} is accepted, at the login and at a refresh, where no refresh token is lost`, async (t) => {
        const { provider, gateway, browser, first, token } = await expired(t, { hostile: { answers: { token: answering(change) } } });
        assert.ok(first);
        assert.notEqual((await browser.api("/auth/session")).json().access_token_expires_at, null);
        for (const round of [1, 2]) {
          await setClockAhead(gateway, round * (LIFE + 1));
          const next = await token(browser);
          assert.equal(next, provider.calls.token.at(-1).answer.json.access_token);
          assert.equal(provider.refreshes.length, round);
        }
        const [one, two] = provider.presented;
        assert.equal(two, provider.refreshes[0].answer.json.refresh_token, "the one that came with the odd answer");
        assert.notEqual(one, two);
        assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
      });
    }

    for (const [what, headers, status] of [
      ["text/html", { "content-type": "text/html; charset=utf-8" }, 200],
      ["no content type", { "content-type": "" }, 200],
      ["status 201", {}, 201],
    ]) {
      test(`conformance 52: a token response with ${what} that is JSON all the same is accepted, at the login and at a refresh`, async (t) => {
        const odd = (valid) => ({ ...valid(), status, headers });
        const { provider, browser, token, gateway } = await expired(t, { hostile: { answers: { token: odd } }, ahead: LIFE + 1 });
        const next = await token(browser);
        assert.equal(next, provider.calls.token.at(-1).answer.json.access_token);
        assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
      });
    }

    for (const [what, change] of Object.entries(REFUSED)) {
      test(`conformance 52: a token response with ${what} is refused, at the login and at a refresh`, async (t) => {
        const { provider, gateway, upstream, ...world } = await createWorld(t, { hostile: { accessTokenSeconds: LIFE }, entry: INSTRUMENTS });
        const browser = await world.login();
        await setClockAhead(gateway, LIFE + 1);
        const seen = upstream.requests.length;
        provider.answers.token = answering(change);
        assertRejected(await attempt(world), { status: 502, code: "provider_rejected" });
        assertProblem(await browser.api("/api"), 401, "login_required");
        assert.equal(provider.refreshes.length, 1, "a used refresh token is not presented again");
        assert.equal(upstream.requests.length, seen);
        assert.match(gateway.eventsOf("refresh").at(-1).outcome, /unknown/);
      });
    }
  });

  describe("/healthz", () => {
    test("once a login has found that the discovery document is of no use, /healthz names the variable and what the document lacks, until it is good", async (t) => {
      const { provider, gateway } = await createWorld(t, { hostile: { discovery: { jwks_uri: "" } }, entry: INSTRUMENTS });
      const healthz = () => gateway.request("/auth/healthz");
      assert.equal((await healthz()).status, 200);
      assert.equal(provider.calls.discovery.length, 0, "it asks nobody by itself");
      assert.equal((await gateway.visit("/auth/login")).status, 502);
      const answer = await healthz();
      assertProblem(answer, 500, "config_invalid");
      assert.deepEqual(answer.json().problems.map(({ variable }) => variable), ["OIDC_ISSUER"]);
      assert.match(answer.json().problems[0].message, /has no jwks_uri/);
      provider.discovery = {};
      await setClockAhead(gateway, 6);
      assert.deepEqual((await healthz()).json(), { status: "ok" });
      assert.equal((await gateway.visit("/auth/login")).status, 302);
    });

    test("an issuer that is another one stands in /healthz beside the configured one, and a provider that is down is no problem of the configuration", async (t) => {
      const { provider, gateway } = await createWorld(t, { hostile: { discovery: { issuer: "https://other.example" } }, entry: INSTRUMENTS });
      assert.equal((await gateway.visit("/auth/login")).status, 502);
      const { message } = (await gateway.request("/auth/healthz")).json().problems[0];
      assert.ok(message.includes("https://other.example") && message.includes(provider.issuer), message);
      provider.answers.discovery = () => ({ status: 500, body: "" });
      await setClockAhead(gateway, 6);
      assert.equal((await gateway.visit("/auth/login")).status, 503);
      assert.equal((await gateway.request("/auth/healthz")).status, 200);
    });
  });

  describe("no nonce (LinkedIn)", () => {
    const without = withClaims({ nonce: undefined });

    test("conformance 52: an ID token without a nonce is accepted with OIDC_NONCE = optional, and refused otherwise by words that name it", async (t) => {
      const optional = await createWorld(t, { hostile: { idToken: without }, vars: { OIDC_NONCE: "optional" } });
      await assertSignedIn(optional, await attempt(optional));
      for (const vars of [{}, { OIDC_NONCE: "required" }]) {
        const world = await createWorld(t, { hostile: { idToken: without }, vars });
        assertRejected(await attempt(world));
        assert.match(world.gateway.eventsOf("complete").at(-1).detail, /OIDC_NONCE/);
      }
    });

    test("conformance 52: with OIDC_NONCE = optional a wrong nonce, an empty one and one that is no text are refused", async (t) => {
      const world = await createWorld(t, { hostile: true, vars: { OIDC_NONCE: "optional" } });
      await assertSignedIn(world, await attempt(world));
      for (const nonce of ["another", "", null, 7, ["another"]]) {
        world.provider.idToken = withClaims({ nonce });
        assertRejected(await attempt(world));
      }
    });

    test("conformance 52: with OIDC_NONCE = optional the code's verifier still binds the token to the login", async (t) => {
      const world = await createWorld(t, { hostile: { idToken: without }, vars: { OIDC_NONCE: "optional" } });
      const [mine, theirs] = [world.browser(), world.browser()];
      const [own, foreign] = [await callbackOf(mine), await callbackOf(theirs)];
      // The code of another login, put into this one's callback.
      own.searchParams.set("code", foreign.searchParams.get("code"));
      const page = await mine.navigate(own.href);
      assert.equal(page.status, 400);
      assert.equal(mine.session, undefined);
    });
  });

  describe("logout tokens without exp (Hydra, LemonLDAP::NG)", () => {
    const seconds = () => Math.floor(Date.now() / 1000);

    test("conformance 52: a logout token without exp ends the session within two minutes of its iat, once", async (t) => {
      const { gateway, provider, login } = await createWorld(t, { hostile: true });
      for (const iat of [seconds(), seconds() - 100]) {
        const browser = await login();
        const token = logoutToken(provider, { iat, exp: undefined });
        assert.equal((await post(gateway, token)).status, 200);
        assert.equal(await reasonOf(gateway, browser.sessionHeader), "backchannel");
        const again = await login();
        assertProblem(await post(gateway, token), 400, "bad_request");
        assert.equal(await reasonOf(gateway, again.sessionHeader), "live");
      }
    });

    test("conformance 52: an old logout token without exp, one of the future, one without any time, and an exp that cannot be read are refused", async (t) => {
      const { gateway, provider, login } = await createWorld(t, { hostile: true });
      const browser = await login();
      for (const change of [{ iat: seconds() - 130 }, { iat: seconds() - 86_400 }, { iat: seconds() + 3600 }, { iat: undefined }, { exp: null }, { exp: "soon" }]) {
        assertProblem(await post(gateway, logoutToken(provider, { exp: undefined, ...change })), 400, "bad_request", JSON.stringify(change));
        assert.equal(await reasonOf(gateway, browser.sessionHeader), "live");
      }
    });
  });

  describe("discovery (NetSuite)", () => {
    const ODD = {
      "members that nobody needs": { service_documentation: "TBD", op_policy_uri: "", op_tos_uri: "n/a", registration_endpoint: "TBD", introspection_endpoint: 7, check_session_iframe: null, claims_supported: "all", display_values_supported: {}, ui_locales_supported: 1, response_types_supported: "code", subject_types_supported: null, grant_types_supported: "authorization_code", acr_values_supported: "TBD", claim_types_supported: 0 },
      "optional endpoints that are empty": { userinfo_endpoint: "", end_session_endpoint: "", revocation_endpoint: "", pushed_authorization_request_endpoint: "" },
      "optional endpoints that are null": { userinfo_endpoint: null, end_session_endpoint: null, revocation_endpoint: null, pushed_authorization_request_endpoint: null },
      "an endpoint for pushed requests that nobody needs": { pushed_authorization_request_endpoint: "TBD" },
      "lists of another type": { scopes_supported: "openid", token_endpoint_auth_methods_supported: null },
    };
    for (const [what, discovery] of Object.entries(ODD)) {
      test(`conformance 52: a discovery document with ${what} is accepted, and the user logs in, is refreshed and logs out`, async (t) => {
        const world = await createWorld(t, { hostile: { discovery } });
        const { browser, page } = await attempt(world);
        await assertSignedIn(world, { browser, page });
        assert.equal((await refresh(browser)).status, 200);
        assert.equal((await browser.api("/auth/logout", { method: "POST" })).status, 303);
        assert.equal(world.provider.calls.userinfo.length, discovery.userinfo_endpoint === undefined ? 2 : 0);
      });
    }

    for (const [member, value, says] of [
      ["token_endpoint", "http://op.example/token", /token_endpoint is neither https nor on a loopback host/],
      ["userinfo_endpoint", "http://op.example/userinfo", /userinfo_endpoint is neither https/],
      ["end_session_endpoint", "http://op.example/logout", /end_session_endpoint is neither https/],
      ["revocation_endpoint", "javascript:alert(1)", /revocation_endpoint is neither https/],
      ["pushed_authorization_request_endpoint", "ftp://op.example/par", /pushed_authorization_request_endpoint is neither https/],
      ["userinfo_endpoint", "TBD", /userinfo_endpoint is no URL/],
      ["end_session_endpoint", { url: "https://op.example" }, /end_session_endpoint is no URL/],
      ["token_endpoint", "", /has no token_endpoint/],
      ["jwks_uri", null, /has no jwks_uri/],
      ["authorization_endpoint", "TBD", /authorization_endpoint is no URL/],
      ["issuer", "", /has no issuer/],
      ["authorization_response_iss_parameter_supported", "yes", /authorization_response_iss_parameter_supported is neither true nor false/],
      ["id_token_signing_alg_values_supported", "RS256", /id_token_signing_alg_values_supported is no list/],
    ]) {
      test(`conformance 52: a discovery document with ${JSON.stringify(value)} for ${member}, which is used, is refused, and the page names the member`, async (t) => {
        const { gateway } = await createWorld(t, { hostile: { discovery: { [member]: value } }, vars: { OIDC_PAR: "always" } });
        const page = await gateway.visit("/auth/login");
        assert.equal(page.status, 502);
        assert.match(page.text.replaceAll("&#39;", "'"), says);
      });
    }
  });

  describe("signed UserInfo (BankID)", () => {
    const claimsOf = async (browser) => (await browser.api("/auth/session")).json().claims;
    /** A signed UserInfo with these claims: `header`, `key` and `type` say how. */
    const signed = (provider, { header, key = provider.key, type = "application/jwt", ...claims } = {}) => () => ({
      headers: { "content-type": type },
      body: jwt({ alg: key.alg, kid: key.kid, ...header }, { sub: provider.subject, name: "Ada of the bank", ...claims }, key),
    });
    const full = ({ issuer, clientId }) => ({ iss: issuer, aud: clientId, iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 60 });

    for (const [what, more] of [
      ["with iss, aud and times", full],
      ["without iss and aud", () => ({})],
      ["whose content type has a parameter", () => ({ type: "Application/JWT; charset=UTF-8" })],
      ["for several audiences with our azp", ({ clientId }) => ({ aud: [clientId, "other"], azp: clientId })],
    ]) {
      test(`conformance 52: a signed UserInfo ${what} is what /session says, at the login and after a refresh`, async (t) => {
        const world = await createWorld(t, { hostile: true });
        world.provider.answers.userinfo = (...call) => signed(world.provider, more(world.provider))(...call);
        const { browser, page } = await attempt(world);
        await assertSignedIn(world, { browser, page });
        assert.equal((await claimsOf(browser)).name, "Ada of the bank");
        world.provider.answers.userinfo = signed(world.provider, { ...more(world.provider), name: "Countess", groups: ["staff"] });
        const { claims } = (await refresh(browser)).json();
        assert.deepEqual([claims.name, claims.groups, claims.iss], ["Countess", ["staff"], world.provider.issuer]);
      });
    }

    for (const alg of ["RS256", "PS256", "ES256", "ES512", "EdDSA", "Ed25519"]) {
      test(`conformance 52: a UserInfo signed with ${alg} is accepted`, async (t) => {
        const key = signingKey(alg);
        const world = await createWorld(t, { hostile: { published: [signingKey("RS256").publicJwk, key.publicJwk].filter((jwk, i, all) => all.findIndex(({ kid }) => kid === jwk.kid) === i) } });
        world.provider.answers.userinfo = signed(world.provider, { key });
        const { browser } = await attempt(world);
        assert.equal((await claimsOf(browser)).name, "Ada of the bank");
      });
    }

    for (const [what, answer] of Object.entries({
      "of another issuer": (provider) => signed(provider, { iss: "https://evil.example" }),
      "for another client": (provider) => signed(provider, { aud: "another-client" }),
      "for several audiences without azp": (provider) => signed(provider, { aud: [provider.clientId, "other"] }),
      "issued to another client": (provider) => signed(provider, { aud: provider.clientId, azp: "other" }),
      "that has expired": (provider) => signed(provider, { exp: Math.floor(Date.now() / 1000) - 90 }),
      "with an iss that is null": (provider) => signed(provider, { iss: null }),
      "signed by a stranger under the provider's kid": (provider) => signed(provider, { key: { ...signingKey("RS256", "stranger"), kid: provider.key.kid } }),
      "with an unknown kid": (provider) => signed(provider, { key: signingKey("RS256", "stranger") }),
      "with a broken signature": (provider) => () => {
        const good = signed(provider)();
        return { ...good, body: withBrokenSignature(good.body) };
      },
      "with alg none": (provider) => () => ({ headers: { "content-type": "application/jwt" }, body: jwtWith({ alg: "none" }, { sub: provider.subject, name: "Ada of the bank" }, "") }),
      "of another subject with a broken signature": (provider) => () => {
        const good = signed(provider, { sub: "grace" })();
        return { ...good, body: withBrokenSignature(good.body) };
      },
      "that is JSON without a signature": (provider) => () => ({ headers: { "content-type": "application/jwt" }, body: JSON.stringify({ sub: provider.subject, name: "Ada of the bank" }) }),
      "that is encrypted": () => () => ({ headers: { "content-type": "application/jwt" }, body: "a.b.c.d.e" }),
      "without a sub": (provider) => signed(provider, { sub: undefined }),
    })) {
      test(`conformance 52: a signed UserInfo ${what} counts as no answer: the login stands, and nothing of it is used`, async (t) => {
        const world = await createWorld(t, { hostile: true });
        world.provider.answers.userinfo = answer(world.provider);
        const { browser, page } = await attempt(world);
        await assertSignedIn(world, { browser, page });
        assert.equal((await claimsOf(browser)).name, undefined);
        assert.match(world.gateway.eventsOf("complete").at(-1).detail, /UserInfo could not be read/);
      });
    }

    test("conformance 52: a signed UserInfo of another subject rejects the login, and at a refresh ends the session", async (t) => {
      const world = await createWorld(t, { hostile: true });
      const browser = await world.login();
      const cookie = browser.sessionHeader;
      for (const sub of ["grace", "", 7]) {
        world.provider.answers.userinfo = signed(world.provider, { sub });
        assertRejected(await attempt(world));
      }
      assertProblem(await refresh(browser), 401, "session_ended");
      assert.equal(await reasonOf(world.gateway, cookie), "refresh_rejected");
    });
  });

  describe("algorithms", () => {
    for (const alg of ["ES512", "Ed25519", "EdDSA"]) {
      test(`conformance 52: ${alg} is accepted in the ID token, in a refreshed one, and in a logout token; a broken signature is not`, async (t) => {
        const world = await createWorld(t, { hostile: { key: signingKey(alg) }, vars: { OIDC_ID_TOKEN_ALG: alg } });
        const { browser, page } = await attempt(world);
        await assertSignedIn(world, { browser, page });
        assert.equal((await refresh(browser)).status, 200);
        const good = logoutToken(world.provider);
        assertProblem(await post(world.gateway, withBrokenSignature(good)), 400, "bad_request");
        assert.equal(await reasonOf(world.gateway, browser.sessionHeader), "live");
        assert.equal((await post(world.gateway, good)).status, 200);
        assert.equal(await reasonOf(world.gateway, browser.sessionHeader), "backchannel");
        world.provider.idToken = { sign: (header, claims) => withBrokenSignature(jwt(header, claims, world.provider.key)) };
        assertRejected(await attempt(world));
      });
    }
  });

  describe("ID tokens that end before the access token (Okta, Entra)", () => {
    /** ID tokens that live for 200 s by the gateway's clock, which is `ahead`; and routes that are sent one. */
    const shortLived = async (t, more) => {
      let ahead = 0;
      const idToken = { claims: (claims) => ({ ...claims, iat: claims.iat + ahead, exp: claims.iat + ahead + 200 }) };
      const routes = [{ match: "/id/*", token: "id" }, { match: "/*" }];
      const world = await createWorld(t, { hostile: { idToken, ...more }, routes, entry: INSTRUMENTS });
      const setAhead = async (seconds) => {
        ahead = seconds;
        await setClockAhead(world.gateway, seconds);
      };
      const issued = () => world.provider.calls.token.map(({ answer }) => answer.json.id_token);
      const sent = (browser) => world.token(browser, "/id/x");
      return { ...world, setAhead, issued, sent };
    };

    test("conformance 52: an ID token that is sent is refreshed first once it has as little life left as an access token must have", async (t) => {
      const { provider, login, token, setAhead, issued, sent } = await shortLived(t);
      const browser = await login();
      assert.equal(await sent(browser), issued()[0]);
      await setAhead(150);
      assert.equal(await sent(browser), issued()[0]);
      assert.equal(provider.refreshes.length, 0);
      await setAhead(191);
      const access = await token(browser);
      assert.equal(provider.refreshes.length, 0, "a route that is sent the access token needs none");
      const answers = await Promise.all(Array.from({ length: 20 }, () => sent(browser)));
      assert.equal(provider.refreshes.length, 1);
      assert.deepEqual([...new Set(answers)], [issued()[1]]);
      assert.notEqual(await token(browser), access);
    });

    test("conformance 52: where a refresh brings no other ID token, a request is 401 login_required, a page goes through the provider silently, and no expired one is sent", async (t) => {
      const { provider, upstream, login, token, setAhead, issued, sent } = await shortLived(t);
      const browser = await login();
      const { idToken } = provider;
      provider.idToken = false;
      await setAhead(250);
      const seen = upstream.requests.length;
      for (let i = 0; i < 3; i += 1) assertProblem(await browser.api("/id/x"), 401, "login_required");
      assert.equal(provider.refreshes.length, 1, "each request does not cause another");
      assert.equal(upstream.requests.length, seen);
      assert.ok(await token(browser), "the access token serves");
      provider.idToken = idToken;
      const page = await browser.navigate("/id/page");
      assert.equal(page.status, 200);
      assert.equal(page.url.pathname, "/id/page");
      assert.equal(provider.calls.authorization.at(-1).params.prompt, "none");
      assert.equal(await sent(browser), issued().at(-1));
    });

    test("conformance 52: without a refresh token an ID token that is over is as none, and a page that the provider answers with login_required goes to a login that is seen, once", async (t) => {
      const noRefreshToken = (valid) => {
        const { json, ...answer } = valid();
        return { ...answer, json: { ...json, refresh_token: undefined } };
      };
      const { provider, login, setAhead, issued, sent } = await shortLived(t, { answers: { token: noRefreshToken } });
      const browser = await login();
      await setAhead(250);
      assertProblem(await browser.api("/id/x"), 401, "login_required");
      provider.answers.authorization = (valid, { params }) => {
        if (params.prompt !== "none") return valid();
        const back = new URL(params.redirect_uri);
        for (const [name, value] of Object.entries({ error: "login_required", state: params.state, iss: provider.issuer })) back.searchParams.set(name, value);
        return { status: 303, headers: { location: back.href } };
      };
      provider.forgetCalls();
      assert.equal((await browser.navigate("/id/page")).status, 200);
      assert.deepEqual(provider.calls.authorization.map(({ params }) => params.prompt), ["none", undefined]);
      assert.equal(await sent(browser), issued().at(-1));
    });

    test("conformance 52: while the provider can't refresh an ID token that is over, requests for it are 503, and those for the access token pass", async (t) => {
      const { provider, login, token, setAhead } = await shortLived(t);
      const browser = await login();
      provider.answers.token = () => ({ status: 503, headers: { "retry-after": "40" }, body: "" });
      await setAhead(250);
      const answer = await browser.api("/id/x");
      assertProblem(answer, 503, "provider_unavailable");
      assert.ok(Number(answer.headers["retry-after"]) > 0);
      assert.ok(await token(browser));
    });
  });
});
