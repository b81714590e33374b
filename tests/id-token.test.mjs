// ID tokens that a correct provider would never issue: conformance.md 1–9 and the OpenID Foundation's modules for
// relying parties. Whatever is wrong, no session comes of it.
import assert from "node:assert/strict";
import { createHmac, createPublicKey } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { atHash, jwt, jwtWith, withBrokenSignature } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { assertRejected, assertSignedIn, attempt } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const now = () => Math.floor(Date.now() / 1000);

describe("ID token", () => {
  let world;
  before(async () => {
    const published = ["RS256", "ES256"].map((alg) => signingKey(alg).publicJwk);
    world = await createWorld(undefined, { hostile: { published } });
  });
  after(() => world.close());
  beforeEach(() => {
    Object.assign(world.provider, { idToken: {}, answers: {}, key: signingKey("RS256") });
    world.provider.forgetCalls();
  });

  const rejects = (name, idToken, prepare = () => {}) =>
    test(name, async () => {
      const { provider } = world;
      prepare(provider);
      provider.idToken = idToken;
      const result = await attempt(world);
      assertRejected(result);
      assert.equal(provider.calls.token.length, 1);
      const { answer } = provider.calls.token[0];
      // Nothing of the answer gets out, and nobody can use the tokens that came.
      for (const secret of [answer.json.access_token, answer.json.refresh_token]) {
        assert.ok(!result.page.text.includes(secret) && !world.gateway.log.includes(secret));
      }
    });
  const claims = (change) => ({ claims: (valid) => ({ ...valid, ...change }) });

  test("a correct ID token creates a session", async () => {
    await assertSignedIn(world, await attempt(world));
  });

  rejects("conformance 1 [invalid-iss]: an ID token of another issuer creates no session", claims({ iss: "https://other.example" }));
  rejects("conformance 1 [invalid-iss]: an issuer with a slash more is another one", {
    claims: (valid) => ({ ...valid, iss: `${valid.iss}/` }),
  });
  test("conformance 1: the log names both issuers, and the page neither", async () => {
    world.provider.idToken = claims({ iss: "https://other.example" });
    const { browser, page } = await attempt(world);
    assertRejected({ browser, page });
    const { detail } = world.gateway.eventsOf("complete").at(-1);
    assert.ok(detail.includes("https://other.example") && detail.includes(world.provider.issuer), detail);
    assert.ok(!page.text.includes("other.example"));
  });
  rejects("conformance 1: an ID token without iss creates no session", claims({ iss: undefined }));

  rejects("conformance 2 [invalid-aud]: an ID token for another audience creates no session", claims({ aud: "another-client" }));
  rejects("conformance 2: an ID token without aud creates no session", claims({ aud: undefined }));
  rejects("conformance 2: an ID token for several audiences without azp creates no session", {
    claims: (valid) => ({ ...valid, aud: [valid.aud, "another-client"] }),
  });
  rejects("conformance 2: an ID token for several audiences with azp of another client creates no session", {
    claims: (valid) => ({ ...valid, aud: [valid.aud, "another-client"], azp: "another-client" }),
  });
  rejects("conformance 2: an ID token with our azp for other audiences alone creates no session", {
    claims: (valid) => ({ ...valid, aud: ["another-client", "a-third"], azp: valid.aud }),
  });
  rejects("conformance 2: an audience that is no text creates no session, with our azp, too", {
    claims: (valid) => ({ ...valid, aud: [valid.aud, 7], azp: valid.aud }),
  });
  test("conformance 2: an ID token for several audiences with our azp is a correct one", async () => {
    world.provider.idToken = { claims: (valid) => ({ ...valid, aud: [valid.aud, "another-client"], azp: valid.aud }) };
    await assertSignedIn(world, await attempt(world));
  });
  rejects("conformance 2: an azp that names another client creates no session", claims({ azp: "another-client" }));
  test("conformance 2: a list with our client id alone is a correct audience", async () => {
    world.provider.idToken = { claims: (valid) => ({ ...valid, aud: [valid.aud], azp: valid.aud }) };
    await assertSignedIn(world, await attempt(world));
  });

  rejects("conformance 3 [missing-sub]: an ID token without sub creates no session", claims({ sub: undefined }));
  rejects("conformance 3 [missing-iat]: an ID token without iat creates no session", claims({ iat: undefined }));
  rejects("conformance 3: an empty sub creates no session, whatever UserInfo says", claims({ sub: "" }), (provider) => {
    provider.answers.userinfo = () => ({ json: { sub: "" } });
  });
  for (const claim of ["iss", "sub", "aud", "exp", "iat", "nonce", "azp", "at_hash", "nbf", "sid"]) {
    rejects(`conformance 3: null for ${claim} creates no session`, claims({ [claim]: null }));
  }
  for (const claim of ["sub", "iat"]) {
    test(`conformance 3: the log names a missing ${claim}`, async () => {
      world.provider.idToken = claims({ [claim]: undefined });
      assertRejected(await attempt(world));
      assert.match(world.gateway.eventsOf("complete").at(-1).detail, new RegExp(`\\(${claim}\\)`));
    });
  }

  rejects("conformance 4 [nonce-invalid]: an ID token with another nonce creates no session", claims({ nonce: "another" }));
  rejects("conformance 4: an ID token without nonce creates no session", claims({ nonce: undefined }));

  rejects("conformance 5 [invalid-sig-rs256]: an ID token with a bad RS256 signature creates no session", {
    sign: (header, valid) => withBrokenSignature(jwt(header, valid, signingKey("RS256"))),
  });
  rejects("conformance 5: an ID token with a bad ES256 signature creates no session", {
    header: () => ({ alg: "ES256", kid: "key-ES256" }),
    sign: (header, valid) => withBrokenSignature(jwt(header, valid, signingKey("ES256"))),
  });
  rejects("conformance 5: an ID token signed by another key under a published kid creates no session", {
    sign: (header, valid) => jwt(header, valid, signingKey("RS256", "stranger")),
  });
  rejects("conformance 5: an ID token of which the claims were changed after it was signed creates no session", {
    sign: (header, valid) => {
      const [, , signature] = jwt(header, valid, signingKey("RS256")).split(".");
      return jwtWith(header, { ...valid, admin: true }, signature);
    },
  });
  for (const alg of ["none", "nOnE", "None"]) {
    rejects(`conformance 6 [idtoken-sig-none]: an ID token with alg ${alg} creates no session`, {
      sign: (_, valid) => jwtWith({ alg }, valid, ""),
    });
    rejects(`conformance 6: alg ${alg} with a kid and some signature creates no session`, {
      sign: (header, valid) => jwtWith({ ...header, alg }, valid, "c2lnbmF0dXJl"),
    });
  }
  rejects("conformance 6: an ID token without alg creates no session", {
    header: ({ kid }) => ({ kid }),
  });
  rejects("conformance 6: an ID token with HS256, keyed with the client secret, creates no session", {
    sign: (_, valid) => hs256({ alg: "HS256" }, valid, world.provider.clientSecret),
  });
  rejects("conformance 6: an ID token with HS256, keyed with the public key, creates no session", {
    sign: (header, valid) => hs256({ ...header, alg: "HS256" }, valid, publicPem()),
  });
  rejects("conformance 6: an RS256 signature that is called RS512 creates no session", {
    header: (header) => ({ ...header, alg: "RS512" }),
  });

  for (const claim of ["exp", "nbf", "iat"]) {
    rejects(`conformance 7: ${claim} as a string creates no session`, { claims: (valid) => ({ ...valid, [claim]: String(now()) }) });
    rejects(`conformance 7: ${claim} = 1e300 creates no session`, claims({ [claim]: 1e300 }));
  }
  rejects("conformance 7: an ID token that has expired creates no session", { claims: (c) => ({ ...c, exp: now() - 90 }) });
  rejects("conformance 7: an ID token that is not valid yet (nbf) creates no session", { claims: (c) => ({ ...c, nbf: now() + 90 }) });
  rejects("conformance 7: an ID token from the future (iat) creates no session", { claims: (c) => ({ ...c, iat: now() + 90 }) });
  rejects("conformance 7: an ID token without exp creates no session", claims({ exp: undefined }));
  rejects("conformance 7: a negative exp creates no session", claims({ exp: -1 }));
  test("conformance 7: fractions of seconds are fine", async () => {
    world.provider.idToken = {
      claims: (valid) => ({ ...valid, exp: valid.exp + 0.5, iat: valid.iat - 0.25, nbf: valid.iat - 0.75 }),
    };
    await assertSignedIn(world, await attempt(world));
  });
  test("conformance 7: the provider's clock may be off by less than a minute", async () => {
    world.provider.idToken = { claims: (valid) => ({ ...valid, exp: now() - 45, iat: now() + 45, nbf: now() + 45 }) };
    await assertSignedIn(world, await attempt(world));
  });

  test("conformance 8 [userinfo-invalid-sub]: a UserInfo of another subject creates no session", async () => {
    world.provider.answers.userinfo = () => ({ json: { sub: "grace", name: "Grace" } });
    assertRejected(await attempt(world));
  });
  test("conformance 8: a UserInfo without a subject brings no claims", async () => {
    world.provider.answers.userinfo = () => ({ json: { name: "Mallory" } });
    const { browser } = await attempt(world);
    assert.ok(!(await browser.api("/auth/session")).text.includes("Mallory"));
  });
  for (const [what, answer] of Object.entries({
    "that fails": { status: 500, json: { error: "server_error" } },
    "that is no JSON": { headers: { "content-type": "text/html" }, body: "<h1>hello</h1>" },
  })) {
    test(`a UserInfo ${what} does not stop the login`, async () => {
      world.provider.answers.userinfo = () => answer;
      await assertSignedIn(world, await attempt(world));
      assert.match(world.gateway.eventsOf("complete").at(-1).detail, /UserInfo/);
    });
  }
  test("[scope-userinfo-claims]: UserInfo's claims are the session's, and cannot overrule the ID token", async () => {
    world.provider.answers.userinfo = () => ({
      json: { sub: "ada", name: "Ada", groups: ["staff"], iss: "https://evil.example", aud: "evil", exp: 1, plan: "userinfo", acr: "mfa", amr: ["otp"], auth_time: 1, sid: "evil" },
    });
    world.provider.idToken = claims({ plan: "id token", amr: ["pwd"] });
    const { browser } = await attempt(world);
    const { claims: said } = (await browser.api("/auth/session")).json();
    assert.equal(said.name, "Ada");
    assert.deepEqual(said.groups, ["staff"]);
    assert.equal(said.iss, world.provider.issuer);
    assert.equal(said.aud, world.provider.clientId);
    assert.ok(said.exp > 1000);
    assert.equal(said.plan, "id token");
    assert.deepEqual([said.amr, said.acr, said.auth_time, said.sid], [["pwd"], undefined, undefined, undefined], "what belongs to the login");
    const scope = world.provider.calls.authorization.at(-1).params.scope.split(" ").toSorted();
    assert.deepEqual(scope, ["email", "offline_access", "openid", "profile"]);
  });

  rejects("conformance 9: an at_hash of another access token creates no session", claims({ at_hash: atHash("another token") }));
  test("conformance 9: the at_hash of the access token that came is fine", async () => {
    world.provider.idToken = { claims: (valid, _, accessToken) => ({ ...valid, at_hash: atHash(accessToken) }) };
    await assertSignedIn(world, await attempt(world));
  });

  test("an answer without an ID token creates no session", async () => {
    world.provider.idToken = false;
    const { browser, page } = await attempt(world);
    assert.ok([400, 502].includes(page.status), `${page.status}`);
    assert.equal(browser.session, undefined);
  });
  for (const text of ["", "x", "a.b", "a.b.c", "..", `${"a".repeat(20_000)}.b.c`]) {
    rejects(`an ID token that is ${text.slice(0, 8) || "empty"} creates no session`, { sign: () => text });
  }
});

function hs256(header, claims, secret) {
  const unsigned = jwtWith(header, claims, "").slice(0, -1);
  return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
}

const publicPem = () => createPublicKey(signingKey("RS256").privateKey).export({ type: "spki", format: "pem" });
