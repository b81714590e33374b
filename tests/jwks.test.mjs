// The provider's keys: when they are fetched again and when not, and what happens when they cannot be had.
// Conformance.md 39, 40, 51 and the modules about keys. Time passes by moving the gateway's clock.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { expired, LIFE } from "./parts/expired.mjs";
import { DROP, flood } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { jwt } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { assertRejected, assertSignedIn, attempt } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

describe("jwks", () => {
  const looks = ({ provider }) => provider.calls.jwks.length;
  /** ID tokens are signed by this key, under this kid. */
  const signWith = ({ provider }, key, header = { alg: key.alg, kid: key.kid }) => {
    provider.idToken = { sign: (_, claims) => jwt(header, claims, key) };
  };

  test("the keys are fetched once for many logins, and so is the discovery document", async (t) => {
    const world = await createWorld(t, { hostile: true });
    for (let i = 0; i < 4; i += 1) await assertSignedIn(world, await attempt(world));
    assert.equal(looks(world), 1);
    assert.equal(world.provider.calls.discovery.length, 1);
    assert.equal(world.provider.calls.token.length, 4, "one token call a login");
    assert.ok(world.provider.calls.userinfo.length <= 4, "at most one UserInfo call a login");
  });

  test("conformance 39: many logins with random kids cause one fetch of the keys in a cooldown of 30 s", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    await assertSignedIn(world, await attempt(world));
    const before = looks(world);
    for (let i = 0; i < 40; i += 1) {
      signWith(world, signingKey("RS256"), { alg: "RS256", kid: `random-${i}` });
      assertRejected(await attempt(world));
    }
    assert.equal(looks(world), before + 1);
    await setClockAhead(world.gateway, 31);
    for (let i = 0; i < 10; i += 1) assertRejected(await attempt(world));
    assert.equal(looks(world), before + 2, "another one after the cooldown");
    world.provider.idToken = {};
    await assertSignedIn(world, await attempt(world));
  });

  test("conformance 39: random kids at the same time cause one fetch, too", async (t) => {
    const world = await createWorld(t, { hostile: true });
    await assertSignedIn(world, await attempt(world));
    const before = looks(world);
    let number = 0;
    world.provider.idToken = { sign: (_, claims) => jwt({ alg: "RS256", kid: `random-${(number += 1)}` }, claims, signingKey("RS256")) };
    const results = await Promise.all(Array.from({ length: 20 }, () => attempt(world)));
    results.forEach((result) => assertRejected(result));
    assert.equal(looks(world), before + 1);
  });

  test("[signing-key-rotation]: a new key is found with one fetch", async (t) => {
    const world = await createWorld(t, { hostile: true });
    await assertSignedIn(world, await attempt(world));
    const before = looks(world);
    world.provider.key = signingKey("RS256", "rotated");
    await assertSignedIn(world, await attempt(world));
    assert.equal(looks(world), before + 1);
    await assertSignedIn(world, await attempt(world));
    assert.equal(looks(world), before + 1);
  });

  test("[signing-key-rotation-just-before-signing]: a key that appears between two logins, beside the old one, is found with one fetch", async (t) => {
    const old = signingKey("RS256");
    const fresh = signingKey("ES256", "fresh");
    const world = await createWorld(t, { hostile: { published: [old.publicJwk] } });
    await assertSignedIn(world, await attempt(world));
    const before = looks(world);
    world.provider.answers.token = (valid) => {
      // Between the authorization and the token response.
      Object.assign(world.provider, { key: fresh, published: [old.publicJwk, fresh.publicJwk] });
      return valid();
    };
    await assertSignedIn(world, await attempt(world));
    assert.equal(looks(world), before + 1);
  });

  test("a key that was taken out of the set is refused once the set is fetched again", async (t) => {
    const stolen = signingKey("RS256", "stolen");
    const world = await createWorld(t, { hostile: { published: [stolen.publicJwk], key: stolen }, entry: INSTRUMENTS });
    await assertSignedIn(world, await attempt(world));
    world.provider.published = [signingKey("RS256").publicJwk];
    await setClockAhead(world.gateway, 3601);
    assertRejected(await attempt(world));
  });

  test("[kid-absent-single-jwks]: an ID token without kid is accepted where one key fits", async (t) => {
    const world = await createWorld(t, { hostile: true });
    signWith(world, signingKey("RS256"), { alg: "RS256" });
    await assertSignedIn(world, await attempt(world));
  });

  test("[kid-absent-single-jwks]: keys of other types do not make it ambiguous", async (t) => {
    const published = ["RS256", "ES256"].map((alg) => signingKey(alg).publicJwk);
    const world = await createWorld(t, { hostile: { published } });
    signWith(world, signingKey("RS256"), { alg: "RS256" });
    await assertSignedIn(world, await attempt(world));
  });

  test("[kid-absent-multiple-jwks]: an ID token without kid is rejected where several keys fit", async (t) => {
    const published = ["one", "two"].map((kid) => signingKey("RS256", kid).publicJwk);
    const world = await createWorld(t, { hostile: { published } });
    for (const kid of ["one", "two"]) {
      signWith(world, signingKey("RS256", kid), { alg: "RS256" });
      assertRejected(await attempt(world));
    }
    signWith(world, signingKey("RS256", "two"));
    await assertSignedIn(world, await attempt(world));
  });

  test("a key for encryption does not verify a signature, and keys of unknown types are passed over", async (t) => {
    const { publicJwk } = signingKey("RS256");
    const strange = [{ kty: "AKP", kid: "pq", alg: "ML-DSA-44", pub: "AAAA" }, { kty: "oct", kid: "secret", k: "AAAA" }];
    const world = await createWorld(t, { hostile: { published: [...strange, { ...publicJwk, use: "enc" }] } });
    assertRejected(await attempt(world));
    const other = await createWorld(t, { hostile: { published: [...strange, publicJwk] } });
    await assertSignedIn(other, await attempt(other));
  });

  test("conformance 40: unreachable keys fail a first login with 503 and a later one not at all", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    world.provider.answers.jwks = () => DROP;
    const first = await attempt(world);
    assertRejected(first, { status: 503, code: "provider_unavailable" });
    assert.ok(Number(first.page.headers["retry-after"]) > 0);
    world.provider.answers.jwks = undefined;
    const looked = looks(world);
    assertRejected(await attempt(world), { status: 503, code: "provider_unavailable" });
    assert.equal(looks(world), looked, "no call for 5 s after a failure");
    await setClockAhead(world.gateway, 6);
    await assertSignedIn(world, await attempt(world));
    // The keys are stale, and cannot be had again. The last good ones serve for an hour.
    world.provider.answers.jwks = () => DROP;
    await setClockAhead(world.gateway, 1800);
    world.provider.idToken = { claims: ahead(1800) };
    await assertSignedIn(world, await attempt(world));
    await setClockAhead(world.gateway, 2 * 3600 + 60);
    world.provider.idToken = { claims: ahead(2 * 3600 + 60) };
    assertRejected(await attempt(world), { status: 503, code: "provider_unavailable" });
    world.provider.answers.jwks = undefined;
    await setClockAhead(world.gateway, 2 * 3600 + 66);
    world.provider.idToken = { claims: ahead(2 * 3600 + 66) };
    await assertSignedIn(world, await attempt(world));
  });

  test("conformance 40: keys of 50 MB are not read to the end, and nobody is logged in", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    const sent = [];
    world.provider.answers.jwks = () => {
      const { body, sent: count } = flood(50 << 20);
      sent.push(count);
      return { headers: { "content-type": "application/json" }, body };
    };
    const result = await attempt(world);
    assert.ok([502, 503].includes(result.page.status), `${result.page.status}`);
    assert.equal(result.browser.session, undefined);
    assert.ok(sent.length > 0);
    for (const count of sent) assert.ok(count() < 20 << 20, `${count()} bytes were taken`);
    world.provider.answers.jwks = undefined;
    await setClockAhead(world.gateway, 6);
    await assertSignedIn(world, await attempt(world));
  });

  test("a new key under the old kid is found with one fetch, and a forged signature causes one in 30 s", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    await assertSignedIn(world, await attempt(world));
    const before = looks(world);
    const { kid } = world.provider.key;
    world.provider.key = { ...signingKey("RS256", "other"), kid, publicJwk: { ...signingKey("RS256", "other").publicJwk, kid } };
    await assertSignedIn(world, await attempt(world));
    assert.equal(looks(world), before + 1);
    const forge = () => {
      world.provider.idToken = { sign: (header, claims) => jwt(header, claims, signingKey("RS256", "stranger")) };
    };
    forge();
    for (let i = 0; i < 5; i += 1) assertRejected(await attempt(world));
    assert.equal(looks(world), before + 1, "within 30 s of the last one");
    await setClockAhead(world.gateway, 31);
    for (let i = 0; i < 5; i += 1) assertRejected(await attempt(world));
    assert.equal(looks(world), before + 2);
    world.provider.idToken = {};
    await assertSignedIn(world, await attempt(world));
  });

  for (const [what, unusable] of Object.entries({
    "an empty set": { json: { keys: [] } },
    "a set of keys for encryption": { json: { keys: [{ ...signingKey("RS256").publicJwk, use: "enc" }] } },
    "a set of secrets": { json: { keys: [{ kty: "oct", k: "AAAA", kid: signingKey("RS256").kid }] } },
    "a set of keys of unknown types": { json: { keys: [{ kty: "AKP", alg: "ML-DSA-44", pub: "AAAA" }, {}, null, 7] } },
    "no set": { json: { hello: "there" } },
    "no JSON": { body: "<h1>hello</h1>" },
    "a redirect": { status: 302, headers: { location: "/jwks2" } },
    "an error": { status: 404, body: "" },
  })) {
    test(`conformance 51: ${what} replaces no good keys, when they are stale and when one is missing`, async (t) => {
      const world = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
      await assertSignedIn(world, await attempt(world));
      world.provider.answers.jwks = () => unusable;
      signWith(world, signingKey("RS256"), { alg: "RS256", kid: "unknown" });
      const { page, browser } = await attempt(world);
      assert.ok([400, 502].includes(page.status), `${page.status}`);
      assert.equal(browser.session, undefined);
      world.provider.idToken = {};
      await assertSignedIn(world, await attempt(world));
      for (const seconds of [1200, 2400]) {
        await setClockAhead(world.gateway, seconds);
        world.provider.idToken = { claims: ahead(seconds) };
        const before = looks(world);
        for (let i = 0; i < 3; i += 1) await assertSignedIn(world, await attempt(world));
        assert.ok(looks(world) <= before + 2, "one call, and its repeat");
      }
      assert.ok(looks(world) > 2, "it was looked for");
    });
  }

  test("a refreshed ID token whose key cannot be fetched has an unknown outcome: the session lives, and nothing of the answer is used", async (t) => {
    const { provider, browser, upstream, gateway } = await expired(t);
    provider.answers.jwks = () => DROP;
    provider.key = signingKey("RS256", "rotated");
    const seen = upstream.requests.length;
    const answer = await browser.api("/api");
    assert.equal(answer.json().code, "login_required", answer.text);
    assert.equal(upstream.requests.length, seen, "its access token went nowhere");
    assert.equal((await browser.api("/auth/session")).status, 200);
    const { outcome } = gateway.eventsOf("refresh").at(-1);
    assert.equal(outcome, "unknown");
    provider.answers.jwks = undefined;
    // A key that is missing is looked for once in 30 s.
    await setClockAhead(gateway, LIFE + 33);
    provider.idToken = { claims: ahead(LIFE + 33) };
    assert.equal((await browser.navigate("/page")).status, 200, "through the provider");
    assert.equal(provider.refreshes.length, 1);
  });

  test("a refreshed ID token whose key cannot be fetched and that names another user ends the session", async (t) => {
    for (const change of [{ sub: "grace" }, { iss: "https://other.example" }, { aud: "another" }, { sub: undefined }]) {
      const { provider, browser } = await expired(t);
      provider.answers.jwks = () => DROP;
      provider.key = signingKey("RS256", "rotated");
      provider.idToken = { claims: (claims) => ({ ...claims, ...change }) };
      assert.equal((await browser.api("/api")).json().reason, "refresh_rejected", JSON.stringify(change));
    }
  });

  for (const [what, answer] of Object.entries({
    "no JSON": { body: "<h1>hello</h1>" },
    "no key set": { json: { hello: "there" } },
    "an empty set": { json: { keys: [] } },
    "a redirect": { status: 302, headers: { location: "/jwks2" } },
  })) {
    test(`keys that are ${what} log nobody in and are no 500`, async (t) => {
      const world = await createWorld(t, { hostile: true });
      world.provider.answers.jwks = () => answer;
      const { browser, page } = await attempt(world);
      assert.ok([400, 502, 503].includes(page.status), `${page.status}`);
      assert.equal(browser.session, undefined);
    });
  }

  const ahead = (seconds) => (claims) => ({ ...claims, iat: claims.iat + seconds, exp: claims.exp + seconds });
});
