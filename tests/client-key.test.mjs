// A client that proves itself with a key (private_key_jwt, RFC 7523) and has no secret.
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { describe, test } from "node:test";
import { startGateway } from "./parts/gateway.mjs";
import { claimsOf } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** A gateway with this key before the certified provider, which knows the public one. */
const keyed = (t, { alg = "RS256", provider, vars, ...more } = {}) => {
  const key = signingKey(alg, `client-${alg}`);
  return createWorld(t, {
    provider: { auth: "private_key_jwt", clientJwks: { keys: [key.publicJwk] }, ...provider },
    vars: { OIDC_TOKEN_AUTH: "private_key_jwt", OIDC_CLIENT_KEY: JSON.stringify(key.privateJwk), OIDC_CLIENT_SECRET: "never-sent-secret", ...vars },
    ...more,
  });
};
const headerOf = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[0], "base64url"));

describe("private_key_jwt", { concurrency: 2 }, () => {
  for (const alg of ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"]) {
    test(`the certified provider accepts ${alg} at the token endpoint, at the refresh and at the revocation`, async (t) => {
      const { provider, login, token, gateway } = await keyed(t, { alg });
      const browser = await login({ hint: "ada" });
      const first = await token(browser);
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
      assert.notEqual(await token(browser), first);
      const refreshToken = provider.calls.token.at(-1).body.refresh_token;
      await browser.navigate("/auth/logout", { from: browser.origin, method: "POST", form: {} });
      assert.equal(await provider.refreshToken(refreshToken), "gone");
      const calls = [...provider.calls.token, ...provider.calls.revocation];
      assert.equal(calls.length, 3);
      const jtis = calls.map(({ params, headers }) => {
        assert.equal(params.client_assertion_type, TYPE);
        assert.equal(params.client_secret, undefined);
        assert.equal(headers.authorization, undefined);
        const { iss, sub, aud, jti, iat, exp } = claimsOf(params.client_assertion);
        assert.deepEqual([iss, sub, aud], [provider.clientId, provider.clientId, `${provider.issuer}/token`]);
        assert.ok(exp > iat && exp - iat <= 60 && Math.abs(iat - Date.now() / 1000) < 30);
        assert.equal(headerOf(params.client_assertion).kid, `client-${alg}`);
        return jti;
      });
      assert.equal(new Set(jtis).size, calls.length, "no jti is used twice");
      for (const { params } of calls) assert.ok(!gateway.log.includes(params.client_assertion));
      assert.ok(!gateway.log.includes("never-sent-secret"));
    });
  }

  test("pushed authorization requests carry an assertion, too", async (t) => {
    const { provider, login } = await keyed(t, { alg: "ES256", provider: { par: "required" } });
    await login();
    const [{ form, headers }] = provider.calls.par;
    assert.equal(form.client_assertion_type, TYPE);
    assert.equal(form.client_secret ?? headers.authorization, undefined);
  });

  test("GET /auth/jwks.json has the public key alone, and it checks the assertions", async (t) => {
    const { gateway, provider, login } = await keyed(t, { alg: "ES256" });
    await login();
    const answer = await gateway.request("/auth/jwks.json");
    assert.equal(answer.status, 200);
    const { keys, ...rest } = answer.json();
    assert.deepEqual(rest, {});
    const { publicJwk, privateJwk } = signingKey("ES256", "client-ES256");
    assert.deepEqual(keys, [publicJwk]);
    assert.ok(!answer.text.includes(privateJwk.d));
    const [header, claims, signature] = provider.calls.token[0].params.client_assertion.split(".");
    const key = { key: createPublicKey({ key: keys[0], format: "jwk" }), dsaEncoding: "ieee-p1363" };
    assert.ok(verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url")));
    assert.equal((await gateway.request("/auth/jwks.json", { method: "POST", headers: { origin: gateway.origin } })).status, 405);
  });

  test("a client with a secret publishes no key", async (t) => {
    const { gateway } = await createWorld(t, { hostile: true });
    assert.deepEqual((await gateway.request("/auth/jwks.json")).json(), { keys: [] });
  });

  test("a login that began comes back without STATE_KEYS, whose place the key takes", async (t) => {
    const { gateway, browser: open } = await keyed(t, { alg: "ES256", vars: { STATE_KEYS: undefined } });
    const browser = open();
    const callback = await callbackOf(browser);
    await gateway.restart();
    assert.equal((await browser.navigate(callback, { follow: false })).status, 303);
    // With another key it begins anew.
    const other = open();
    const late = await callbackOf(other);
    gateway.vars.OIDC_CLIENT_KEY = JSON.stringify(signingKey("ES256", "another").privateJwk);
    await gateway.restart();
    assert.equal((await other.navigate(late, { follow: false })).status, 400);
  });

  test("a provider that does not know the key refuses the client: 502, and the detail says where to look", async (t) => {
    const { browser: open, gateway } = await keyed(t, { provider: { clientJwks: { keys: [signingKey("RS256", "others").publicJwk] } } });
    const page = await open().navigate("/auth/login");
    assert.equal(page.status, 502, page.text);
    assert.match(page.text, /OIDC_CLIENT_KEY/);
    assert.ok(!gateway.log.includes(signingKey("RS256", "client-RS256").privateJwk.d));
  });

  test("a key whose parts do not belong together is no login and no panic, and nothing of it is printed", async (t) => {
    const [one, other] = [signingKey("ES256", "one").privateJwk, signingKey("ES256", "two").privateJwk];
    const { browser: open, gateway } = await keyed(t, { alg: "ES256", vars: { OIDC_CLIENT_KEY: JSON.stringify({ ...one, d: other.d }) } });
    const page = await open().navigate("/auth/login");
    assert.ok(page.status >= 500, `${page.status}`);
    for (const text of [page.text, gateway.log]) assert.ok(!text.includes(other.d) && !text.includes(one.x), text.slice(0, 500));
  });

  for (const offered of [["private_key_jwt"], ["tls_client_auth"], ["client_secret_jwt"], ["none"], []]) {
    test(`a provider that offers ${offered.join() || "no method"} is never sent the secret: 502, and the detail says what it offers`, async (t) => {
      const world = await createWorld(t, { hostile: { discovery: { token_endpoint_auth_methods_supported: offered } } });
      const page = await world.browser().navigate("/auth/login");
      assert.equal(page.status, 502, page.text);
      assert.match(page.text, /OIDC_TOKEN_AUTH/);
      assert.ok(page.text.includes(offered[0] ?? "nothing"), page.text);
      assert.equal(world.provider.calls.token.length, 0);
    });
  }

  test("with a secret and a key the provider's list decides: the key where it accepts that alone, and the secret otherwise", async (t) => {
    for (const [methods, proves] of [[["private_key_jwt"], "key"], [["private_key_jwt", "client_secret_basic"], "basic"], [undefined, "basic"]]) {
      const { provider, login, gateway } = await createWorld(t, {
        hostile: { discovery: { token_endpoint_auth_methods_supported: methods } },
        vars: { OIDC_CLIENT_KEY: JSON.stringify(signingKey("ES256", "client-ES256").privateJwk) },
      });
      await login();
      const [{ params, headers }] = provider.calls.token;
      assert.equal(params.client_secret, undefined);
      assert.equal(params.client_assertion !== undefined, proves === "key");
      assert.equal(/^Basic /.test(headers.authorization), proves === "basic");
      assert.equal((await gateway.request("/auth/jwks.json")).json().keys.length, 1);
    }
  });

  test("what is wrong with OIDC_CLIENT_KEY is named when the gateway starts, without the key", async (t) => {
    const { privateJwk, publicJwk } = signingKey("ES256", "one");
    const provider = { issuer: "https://op.example", clientId: "c" };
    const upstream = { origin: "https://app.internal" };
    for (const [key, words] of [
      [undefined, /is missing/],
      ["not json hunter2", /no JSON object/],
      [JSON.stringify(publicJwk), /is a public key/],
      [JSON.stringify({ ...privateJwk, crv: "P-384" }), /too short/],
      [JSON.stringify({ ...privateJwk, use: "enc" }), /use must be sig/],
    ]) {
      const gateway = await startGateway({ provider, upstream, vars: { OIDC_TOKEN_AUTH: "private_key_jwt", OIDC_CLIENT_KEY: key } });
      t.after(() => gateway.close());
      const answer = await gateway.request("/auth/healthz");
      assert.equal(answer.status, 500);
      const [{ variable, message }, ...more] = answer.json().problems;
      assert.deepEqual([variable, more], ["OIDC_CLIENT_KEY", []]);
      assert.match(message, words);
      assert.ok(!answer.text.includes(privateJwk.d) && !answer.text.includes("hunter2"));
    }
  });
});
