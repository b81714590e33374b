// What a callback and an ID token must be like: conformance 1–12, and the OpenID Foundation's modules by name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import { newKey, sign } from "./parts/hostile.mjs";
import { hostileWorld, world } from "./parts/world.mjs";

const now = () => Math.floor(Date.now() / 1000);

/** Logs in with a scripted provider and expects what the login comes to. */
async function attempt(t, script, { keys, ...options } = {}) {
  const parts = await hostileWorld(t, options);
  Object.assign(parts.provider.script, typeof script === "function" ? script(parts.provider) : script);
  if (keys) parts.provider.keys = keys;
  const browser = parts.browser();
  const page = await browser.navigate("/auth/login?return_to=/in");
  return { ...parts, browser, page };
}

async function rejected(t, script, options) {
  const { browser, page, upstream, ...parts } = await attempt(t, script, options);
  assert.equal(page.status, 400, page.body);
  assert.equal(browser.session, undefined);
  assert.equal(upstream.requests.length, 0);
  assert.match(page.headers["content-type"], /text\/html/);
  return { browser, page, ...parts };
}

async function accepted(t, script, options) {
  const { browser, page, ...parts } = await attempt(t, script, options);
  assert.equal(page.status, 200, page.body);
  assert.ok(browser.session);
  return { browser, ...parts };
}

const claims = (changes) => ({ claims: (good) => JSON.parse(JSON.stringify({ ...good, ...changes })) });

test("conformance 1 [invalid-iss]: an ID token of another issuer creates no session", (t) => rejected(t, claims({ iss: "https://other.example" })));

for (const [what, aud] of Object.entries({ "a wrong": "other", "a missing": undefined, "an additional": ["gateway", "other"] })) {
  test(`conformance 2 [invalid-aud]: an ID token with ${what} audience creates no session`, (t) => rejected(t, claims({ aud })));
}
test("conformance 2: an additional audience is refused with azp, too", (t) => rejected(t, claims({ aud: ["gateway", "other"], azp: "gateway" })));
test("conformance 3 [missing-sub]: an ID token without sub creates no session", (t) => rejected(t, claims({ sub: undefined })));
test("conformance 3 [missing-iat]: an ID token without iat creates no session", (t) => rejected(t, claims({ iat: undefined })));
test("conformance 4 [nonce-invalid]: an ID token with another nonce creates no session", (t) => rejected(t, claims({ nonce: "another" })));
test("conformance 4: an ID token without nonce creates no session", (t) => rejected(t, claims({ nonce: undefined })));

for (const alg of ["RS256", "ES256"]) {
  test(`conformance 5 [invalid-sig-rs256]: a bad ${alg} signature creates no session`, async (t) => {
    const [published, forging] = [await newKey(alg, "k"), await newKey(alg, "k")];
    const script = ({ claims }) => ({ idToken: (nonce, token) => sign(claims(nonce, token), forging) });
    const { provider, gateway } = await rejected(t, script, { keys: [published.jwk] });
    assert.match(gateway.events("complete").at(-1).detail, /signature/);
    // A bad signature under a known key is no reason to ask for the keys again.
    assert.equal(provider.count("/jwks"), 1);
  });
}

for (const alg of ["none", "nOnE", undefined]) {
  test(`conformance 6 [idtoken-sig-none]: an ID token with alg ${alg} creates no session`, (t) => rejected(t, { header: { alg } }));
}
test("conformance 6: an ID token signed with the client secret (HS256) creates no session", async (t) => {
  const { createHmac } = await import("node:crypto");
  const parts = await hostileWorld(t);
  parts.provider.script.idToken = (nonce, token) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part({ alg: "HS256", kid: "first" })}.${part(parts.provider.claims(nonce, token))}`;
    return `${signed}.${createHmac("sha256", parts.provider.clientSecret).update(signed).digest("base64url")}`;
  };
  const page = await parts.browser().navigate("/auth/login");
  assert.equal(page.status, 400);
});

for (const [name, value] of [["exp", "1900000000"], ["exp", 1e300], ["exp", 1], ["iat", "1700000000"], ["iat", 1e300], ["iat", 1], ["nbf", "1700000000"], ["nbf", 1e300]]) {
  test(`conformance 7: an ID token with ${name} ${JSON.stringify(value)} creates no session`, (t) => rejected(t, claims({ [name]: value })));
}
test("conformance 7: an ID token whose exp has a fraction is accepted", (t) => accepted(t, claims({ exp: now() + 300.5 })));

test("conformance 8 [userinfo-invalid-sub]: UserInfo of another subject rejects the login", (t) => rejected(t, { userinfo: { sub: "mallory" } }));
test("UserInfo that fails does not reject the login", async (t) => {
  const { browser, gateway } = await accepted(t, { "/userinfo": (_, response) => response.writeHead(500).end() });
  const { claims } = (await browser.call("/auth/session")).json();
  assert.equal(claims.email, undefined);
  assert.match(gateway.events("complete").at(-1).detail, /UserInfo/);
});
test("[scope-userinfo-claims]: the claims of UserInfo are the session's", async (t) => {
  const { browser } = await accepted(t, { userinfo: { email: "ada@example.com", "https://claims.example/x": 7 } });
  const { claims } = (await browser.call("/auth/session")).json();
  assert.equal(claims.email, "ada@example.com");
  assert.equal(claims["https://claims.example/x"], 7);
});
test("conformance 9: an ID token with another at_hash creates no session", (t) => rejected(t, claims({ at_hash: "AAAAAAAAAAAAAAAAAAAAAA" })));

for (const [what, iss] of [["another", "https://other.example"], ["no", undefined]]) {
  test(`conformance 10: a callback with ${what} iss is rejected before the code is redeemed`, async (t) => {
    const { provider } = await rejected(t, { callback: () => ({ iss }) });
    assert.equal(provider.count("/token"), 0);
  });
}

for (const [what, change] of Object.entries({
  "an unknown state": (url) => url.searchParams.set("state", `${url.searchParams.get("state").slice(0, 9)}x`),
  "another login's state": (url) => url.searchParams.set("state", `00000000.${"A".repeat(43)}`),
  "no state": (url) => url.searchParams.delete("state"),
  "two states": (url) => url.searchParams.append("state", "x"),
  "two codes": (url) => url.searchParams.append("code", "x"),
  "no code": (url) => url.searchParams.delete("code"),
})) {
  test(`conformance 11: a callback with ${what} is rejected without a token call`, async (t) => {
    const { browser, provider } = await world(t);
    const ada = browser();
    const url = new URL(await ada.toCallback());
    change(url);
    const page = await ada.navigate(url.href);
    assert.equal(page.status, 400);
    assert.equal(ada.session, undefined);
    assert.equal(provider.count("/token"), 0);
  });
}
test("conformance 11: a code that the provider refuses creates no session", (t) => rejected(t, { "/token": (_, response) => response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}') }));

test("conformance 12: an error in the callback is a clear page without a session, and nothing of it is reflected", async (t) => {
  const script = { callback: () => ({ code: undefined, error: "access_denied", error_description: "<script>alert(1)</script>" }) };
  const { page, provider } = await rejected(t, script);
  assert.match(page.body, /access_denied/);
  assert.doesNotMatch(page.body, /<script>|alert/);
  assert.match(page.headers["content-security-policy"], /default-src 'none'/);
  assert.equal(provider.count("/token"), 0);
});
test("conformance 12: an error that is no error code is not reflected", async (t) => {
  const { page } = await rejected(t, { callback: () => ({ code: undefined, error: "<b>x" }) });
  assert.doesNotMatch(page.body, /<b>|&lt;b&gt;/);
});
test("a rejected callback beside a living session links back to the application", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  const { value } = ada.session;
  provider.script.callback = () => ({ code: undefined, error: "access_denied" });
  const page = await ada.navigate("/auth/login?prompt=login");
  assert.equal(page.status, 400);
  assert.match(page.body, /<a href="\/">/);
  assert.equal(ada.session.value, value);
  assert.equal((await ada.call("/x")).status, 200);
});

test("[kid-absent-single-jwks]: an ID token without kid is accepted where one key fits", (t) => accepted(t, { header: { kid: undefined } }));
test("[kid-absent-multiple-jwks]: an ID token without kid is rejected where several keys fit", async (t) => {
  const parts = await hostileWorld(t);
  parts.provider.keys = [parts.provider.key.jwk, (await newKey("RS256", "second")).jwk];
  parts.provider.script.header = { kid: undefined };
  const page = await parts.browser().navigate("/auth/login");
  assert.equal(page.status, 400);
});
test("[signing-key-rotation]: a rotated key causes one refetch and the login succeeds", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  await browser().login();
  provider.key = await newKey("RS256", "rotated");
  provider.keys = [provider.key.jwk];
  const before = provider.count("/jwks");
  await browser().login();
  assert.equal(provider.count("/jwks"), before + 1);
});
test("[signing-key-rotation-just-before-signing]: a key published while the keys are cached is found by one refetch", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  await browser().login();
  const next = await newKey("ES256", "next");
  provider.keys.push(next.jwk);
  provider.key = next;
  provider.script.claims = ({ at_hash, ...rest }) => rest;
  const before = provider.count("/jwks");
  await browser().login();
  assert.equal(provider.count("/jwks"), before + 1);
});
test("[discovery-issuer-mismatch]: a discovery document of another issuer fails closed", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.script.metadata = { issuer: "https://other.example" };
  const ada = browser();
  const page = await ada.navigate("/auth/login");
  assert.equal(page.status, 502);
  assert.equal(ada.cookies().size, 0);
});
test("[client-secret-basic]: the client authenticates with its encoded id and secret", async (t) => {
  const { provider } = await accepted(t, {});
  const { headers, body } = provider.calls.find((call) => call.path === "/token");
  const encoded = new URLSearchParams({ x: provider.clientSecret }).toString().slice(2);
  assert.equal(Buffer.from(headers.authorization.slice(6), "base64").toString(), `gateway:${encoded}`);
  assert.equal(body.get("client_secret"), null);
  assert.equal(body.get("code_verifier").length, 43);
});

test("signatures of every accepted kind are accepted", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  for (const alg of ["RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, ...(alg === "EdDSA" && { crv: "Ed25519" }) });
    provider.key = { alg, kid: "first", privateKey };
    provider.keys = [{ ...(await exportJWK(publicKey)), kid: `only-${alg}`, alg, use: "sig" }];
    provider.key.kid = `only-${alg}`;
    provider.script.claims = ({ at_hash, ...rest }) => rest;
    // Another issuer's keys are another isolate's affair: a restart forgets the cooldown.
    await provider.restart?.();
    await browser().gateway.restart();
    await browser().login();
  }
});

test("a provider that refuses the client is the operator's problem", async (t) => {
  const script = { "/token": (_, response) => response.writeHead(401, { "content-type": "application/json" }).end('{"error":"invalid_client","error_description":"s3cret"}') };
  const { page, browser } = await attempt(t, script);
  assert.equal(page.status, 502);
  assert.doesNotMatch(page.body, /s3cret/);
  assert.equal(browser.session, undefined);
});
test("a token endpoint that answers nonsense creates no session", async (t) => {
  const { page } = await attempt(t, { "/token": (_, response) => response.writeHead(200, { "content-type": "application/json" }).end("{") });
  assert.equal(page.status, 502);
});
test("an access token that no header can carry creates no session, and no panic", async (t) => {
  const { page, browser, gateway } = await attempt(t, { tokens: { access_token: "a\r\nb" }, claims: ({ at_hash, ...rest }) => rest });
  assert.equal(page.status, 502);
  assert.equal((await browser.call("/auth/healthz")).status, 200);
  assert.doesNotMatch(gateway.output, /panicked/);
});
