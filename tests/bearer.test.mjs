// Clients that bring their own JWT: which are accepted, what becomes of the others, and when the keys are fetched.
// Conformance.md 39, 40, 51.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DROP, flood, HANG, startHostileProvider } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { jwt, jwtWith, withBrokenSignature } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { sleep, until } from "./parts/process.mjs";
import { raw } from "./parts/rawhttp.mjs";
import { valuesOf } from "./parts/upstream.mjs";
import { createWorld } from "./parts/world.mjs";

const ISSUER = "https://tokens.example";
const AUDIENCE = "https://api.example";
const now = () => Math.floor(Date.now() / 1000);
const claims = (more) => ({ iss: ISSUER, aud: AUDIENCE, sub: "machine", exp: now() + 300, iat: now(), groups: ["robots"], ...more });
const signed = (key, more, header) => jwt({ alg: key.alg, kid: key.kid, typ: "at+jwt", ...header }, claims(more), key);
const KEYS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"].map((alg) => signingKey(alg));
const ROUTES = [
  { match: "/api/*", bearer: true },
  { match: "/robots/*", bearer: true, require: { groups: "robots" }, identity_headers: true },
  { match: "/humans/*", bearer: true, require: { groups: "humans" } },
  { match: "/open/*", bearer: true, session: "none" },
  { match: "/closed/*" },
];

/** A world whose JWTs are verified with what this provider of keys publishes. */
async function createKeys(t, { published = KEYS, vars, ...more } = {}) {
  const issuer = await startHostileProvider({ published: published.map(({ publicJwk }) => publicJwk) });
  const world = await createWorld(t, {
    hostile: true,
    routes: ROUTES,
    vars: { JWKS_URI: `${issuer.issuer}/jwks`, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, ...vars },
    ...more,
  });
  const call = (token, target = "/api/x", { headers, ...options } = {}) =>
    world.gateway.request(target, { ...options, headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } });
  const close = async () => {
    await issuer.close();
    if (!t) await world.close();
  };
  t?.after(close);
  return { ...world, issuer, call, close };
}

describe("bearer", () => {
  let world;
  before(async () => {
    world = await createKeys();
  });
  after(() => world.close());
  const [RS256] = KEYS;

  for (const key of KEYS) {
    test(`a JWT signed with ${key.alg} is accepted and goes upstream as it came`, async () => {
      const token = signed(key);
      const answer = await world.call(token);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(valuesOf(answer.json().headers, "authorization"), [`Bearer ${token}`]);
      assert.equal(answer.headers["cache-control"], "no-store");
      assert.equal((await world.call(withBrokenSignature(token))).status, 401);
    });
  }

  test("what is not accepted gets 401 invalid_token with WWW-Authenticate: Bearer, and goes nowhere", async () => {
    const [header, body] = signed(RS256).split(".");
    const hmac = { alg: "HS256", kid: RS256.kid };
    const cases = {
      expired: signed(RS256, { exp: now() - 61 }),
      "without an end": signed(RS256, { exp: undefined }),
      "with an end in words": signed(RS256, { exp: "tomorrow" }),
      "not valid yet": signed(RS256, { nbf: now() + 120 }),
      "from the future": signed(RS256, { iat: now() + 120 }),
      "of another issuer": signed(RS256, { iss: "https://evil.example" }),
      "for another audience": signed(RS256, { aud: "https://other.example" }),
      "without an audience": signed(RS256, { aud: undefined }),
      "of another type": signed(RS256, {}, { typ: "logout+jwt" }),
      "with critical extensions": signed(RS256, {}, { crit: ["exp"] }),
      "with alg none": jwtWith({ alg: "none", kid: RS256.kid }, claims(), ""),
      "with alg nOnE": jwtWith({ alg: "nOnE", kid: RS256.kid }, claims(), ""),
      "with an HMAC": jwtWith(hmac, claims(), "AAAA"),
      "with another algorithm than its key's": signed(RS256, {}, { alg: "PS256" }),
      "with another key of ours": jwt({ alg: "RS256", kid: RS256.kid }, claims(), signingKey("RS256", "other")),
      "with an unknown kid": signed(signingKey("RS256", "unknown")),
      "without a signature": `${header}.${body}.`,
      "in two parts": `${header}.${body}`,
      "which is no JWT": "opaque",
      "which is empty": "",
      "in two": `${signed(RS256)}, Bearer ${signed(RS256)}`,
      "of 20 KB": signed(RS256, { padding: "x".repeat(20_000) }),
    };
    const seen = world.upstream.requests.length;
    for (const [what, token] of Object.entries(cases)) {
      const answer = await world.call(undefined, "/api/x", { headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 401, what);
      if (token === "") continue; // some clients drop the space, and with it the scheme
      assert.equal(answer.json().code, "invalid_token", what);
      assert.match(answer.headers["www-authenticate"], /^Bearer error="invalid_token"/, what);
    }
    assert.equal(world.upstream.requests.length, seen);
  });

  test("a minute of leeway is granted, and several audiences are fine", async () => {
    const lenient = signed(RS256, { exp: now() - 30, nbf: now() + 30, iat: now() + 30, aud: ["https://other.example", AUDIENCE] });
    assert.equal((await world.call(lenient)).status, 200);
    assert.equal((await world.call(signed(RS256, {}, { typ: undefined }))).status, 200);
  });

  test("a GET with a body goes through with it, with a token that is new and with one that is known", async () => {
    const lines = ["GET /api/search HTTP/1.1", `host: ${new URL(world.gateway.origin).host}`, `authorization: Bearer ${signed(RS256, { jti: "search" })}`, "content-length: 5"];
    for (const _ of [1, 2]) {
      const answer = await raw(world.gateway.origin, lines, { body: "hello" });
      assert.deepEqual([answer.status, answer.json().length], [200, 5]);
    }
  });

  test("a bad JWT beside a good session is 401, a good one beside a session goes upstream", async () => {
    const browser = await world.login();
    const bad = await browser.api("/api/x", { headers: { authorization: "Bearer bad" } });
    assert.deepEqual([bad.status, bad.json().code], [401, "invalid_token"]);
    const token = signed(RS256);
    const good = await browser.api("/api/x", { headers: { authorization: `Bearer ${token}` } });
    assert.deepEqual(valuesOf(good.json().headers, "authorization"), [`Bearer ${token}`]);
    const session = await browser.api("/api/x");
    assert.notDeepEqual(valuesOf(session.json().headers, "authorization"), [`Bearer ${token}`]);
  });

  test("routes without bearer drop the JWT, and other schemes are dropped everywhere", async () => {
    assert.equal((await world.call(signed(RS256), "/closed/x")).status, 401);
    const basic = await world.call(undefined, "/open/x", { headers: { authorization: "Basic eDp5" } });
    assert.deepEqual(valuesOf(basic.json().headers, "authorization"), []);
    assert.equal((await world.call(undefined, "/api/x")).json().code, "login_required");
    assert.equal((await world.call("bad", "/open/x")).status, 401);
    assert.equal((await world.call(signed(RS256), "/open/x")).status, 200);
  });

  test("require holds for a JWT, too, and identity headers carry its claims", async () => {
    const answer = await world.call(signed(RS256), "/robots/x");
    assert.deepEqual(valuesOf(answer.json().headers, "x-forwarded-user"), ["machine"]);
    assert.deepEqual(valuesOf(answer.json().headers, "x-forwarded-groups"), ["robots"]);
    const refused = await world.call(signed(RS256), "/humans/x");
    assert.deepEqual([refused.status, refused.json().code], [403, "forbidden"]);
  });

  test("conformance 22: other sites' requests pass with an accepted JWT and none of our cookies, and only then", async () => {
    const headers = { "sec-fetch-site": "cross-site", origin: "https://other.example" };
    const post = (token, more) => world.call(token, "/api/x", { method: "POST", headers: { ...headers, ...more } });
    assert.equal((await post(signed(RS256))).status, 200);
    assert.equal((await post("bad")).status, 403);
    assert.equal((await post(undefined)).status, 403);
    const browser = await world.login();
    assert.equal((await post(signed(RS256), { cookie: browser.sessionHeader })).status, 403);
  });

  test("a key is used for what it says alone, and one that may be weak not at all", async (t) => {
    const key = signingKey("ES256");
    const as = (more) => ({ publicJwk: { ...key.publicJwk, ...more } });
    for (const [what, published, status] of [
      ["for encryption", as({ use: "enc" }), 401],
      ["for another algorithm", as({ alg: "ES384" }), 401],
      ["for signing alone", as({ key_ops: ["sign"] }), 401],
      ["for verifying", as({ key_ops: ["verify"], use: undefined, alg: undefined }), 200],
    ]) {
      const { call } = await createKeys(t, { published: [published] });
      assert.equal((await call(signed(key))).status, status, what);
    }
  });

  test("keys may be given inline, and need no fetch", async (t) => {
    const JWKS = JSON.stringify({ keys: KEYS.map(({ publicJwk }) => publicJwk) });
    const { call, issuer } = await createKeys(t, { vars: { JWKS_URI: undefined, JWKS } });
    assert.equal((await call(signed(RS256))).status, 200);
    assert.equal((await call(signed(signingKey("RS256", "unknown")))).status, 401);
    assert.equal(issuer.calls.jwks.length, 0);
  });

  test("conformance 39: 1,000 random kids cause at most one fetch in a cooldown, one after the other or at once", async (t) => {
    const { call, issuer, gateway } = await createKeys(t, { entry: INSTRUMENTS });
    assert.equal((await call(signed(RS256))).status, 200);
    let number = 0;
    const random = () => call(signed(RS256, {}, { kid: `random-${(number += 1)}` }));
    const burst = async (size) => {
      for (const { status } of await Promise.all(Array.from({ length: size }, random))) assert.equal(status, 401);
    };
    for (let i = 0; i < 10; i += 1) await burst(100);
    assert.equal(issuer.calls.jwks.length, 2, "the first one and one because of them");
    await setClockAhead(gateway, 15);
    await burst(10);
    assert.equal(issuer.calls.jwks.length, 2);
    await setClockAhead(gateway, 31);
    await burst(10);
    assert.equal(issuer.calls.jwks.length, 3);
  });

  test("conformance 39: the first requests of all cause one fetch, whatever their kids", async (t) => {
    const { call, issuer } = await createKeys(t);
    issuer.answers.jwks = async (valid) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return valid();
    };
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => call(i % 2 ? signed(RS256) : signed(RS256, {}, { kid: `random-${i}` }))));
    for (const [i, { status }] of answers.entries()) assert.equal(status, i % 2 ? 200 : 401);
    assert.equal(issuer.calls.jwks.length, 1);
  });

  test("a new key is found at once", async (t) => {
    const { call, issuer } = await createKeys(t, { published: [RS256] });
    assert.equal((await call(signed(RS256))).status, 200);
    const next = signingKey("ES256", "next");
    issuer.published = [next.publicJwk];
    assert.equal((await call(signed(next))).status, 200);
    assert.equal(issuer.calls.jwks.length, 2);
    assert.equal((await call(signed(RS256))).status, 401, "what was taken out is gone");
  });

  test("conformance 40: with the keys out of reach the last good ones serve for an hour, an unknown kid is 401 meanwhile, then 503", async (t) => {
    const { call, issuer, gateway } = await createKeys(t, { entry: INSTRUMENTS });
    const later = (seconds) => {
      const at = now() + seconds;
      return signed(RS256, { iat: at, exp: at + 300 });
    };
    assert.equal((await call(signed(RS256))).status, 200);
    issuer.answers.jwks = async () => DROP;
    for (const seconds of [650, 3500]) {
      await setClockAhead(gateway, seconds);
      assert.equal((await call(later(seconds))).status, 200, `${seconds} s`);
      const unknown = signingKey("RS256", "unknown");
      assert.equal((await call(jwt({ alg: "RS256", kid: "unknown" }, claims({ iat: now() + seconds, exp: now() + seconds + 300 }), unknown))).status, 401);
    }
    const asked = issuer.calls.jwks.length;
    assert.ok(asked <= 10, `${asked} fetches`);
    await setClockAhead(gateway, 3700);
    const answer = await call(later(3700));
    assert.equal(answer.status, 503);
    assert.equal(answer.json().code, "provider_unavailable");
    assert.ok(Number(answer.headers["retry-after"]) > 0);
    issuer.answers = {};
    await setClockAhead(gateway, 3710);
    assert.equal((await call(later(3710))).status, 200);
  });

  test("conformance 40: keys of 50 MB are not read to the end, keys that never come are not waited for, and both are 503", async (t) => {
    const huge = flood(50 << 20);
    for (const answer of [{ body: huge.body }, { status: 500, body: "" }, { json: [] }, { body: "<html>" }, DROP]) {
      const { call, issuer } = await createKeys(t);
      issuer.answers.jwks = async () => answer;
      const refused = await call(signed(RS256));
      assert.equal(refused.status, 503);
    }
    assert.ok(huge.sent() < 20 << 20, `${huge.sent()} bytes were read`);
  });

  test("conformance 40: while keys do not come, everybody who waits gets 503", { timeout: 60_000 }, async (t) => {
    const { call, issuer } = await createKeys(t);
    issuer.answers.jwks = async () => HANG;
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(signed(RS256), "/api/x", { limit: 40_000 })));
    for (const { status } of answers) assert.equal(status, 503);
    assert.ok(issuer.calls.jwks.length <= 2, "one fetch, repeated once");
  });

  test("conformance 51: stale keys serve at once while they are fetched anew, whatever comes of it, with one call at a time", async (t) => {
    for (const answer of [HANG, DROP, { status: 500, body: "" }, { json: { keys: [] } }, { body: "<html>" }]) {
      const { call, issuer, gateway } = await createKeys(t, { entry: INSTRUMENTS });
      assert.equal((await call(signed(RS256))).status, 200);
      issuer.answers.jwks = async () => answer;
      await setClockAhead(gateway, 1200);
      const at = now() + 1200;
      const began = Date.now();
      const answers = await Promise.all(Array.from({ length: 20 }, () => call(signed(RS256, { iat: at, exp: at + 300 }))));
      for (const { status } of answers) assert.equal(status, 200);
      assert.ok(Date.now() - began < 3000, `${Date.now() - began} ms`);
      await sleep(300);
      assert.ok(issuer.calls.jwks.length <= 3, `${issuer.calls.jwks.length} calls`);
    }
  });

  for (const [what, alg] of [["", "RS256"], [" of another type", "ES256"]]) {
    test(`a new key${what} under the old kid is found with one fetch, and what fits no key causes one in 30 s`, async (t) => {
      const { call, issuer, gateway } = await createKeys(t, { published: [RS256], entry: INSTRUMENTS });
      assert.equal((await call(signed(RS256))).status, 200);
      const renewed = { ...signingKey(alg, "other"), kid: RS256.kid };
      issuer.published = [{ ...renewed.publicJwk, kid: RS256.kid }];
      assert.equal((await call(signed(renewed))).status, 200);
      assert.equal(issuer.calls.jwks.length, 2);
      for (let i = 0; i < 10; i += 1) assert.equal((await call(signed(RS256))).status, 401);
      assert.equal(issuer.calls.jwks.length, 2, "within 30 s of the last one");
      await setClockAhead(gateway, 31);
      for (let i = 0; i < 10; i += 1) assert.equal((await call(signed(RS256))).status, 401);
      assert.equal(issuer.calls.jwks.length, 3);
      assert.equal((await call(signed(renewed))).status, 200);
    });
  }

  test("a client that leaves while it fetches the keys leaves the others theirs", async (t) => {
    const { call, issuer, gateway } = await createKeys(t);
    issuer.answers.jwks = async (valid) => {
      await sleep(1500);
      return valid();
    };
    const leaver = new AbortController();
    const left = gateway.request("/api/x", { headers: { authorization: `Bearer ${signed(RS256)}` }, signal: leaver.signal });
    left.catch(() => {});
    await until("the keys are asked for", () => issuer.calls.jwks.length === 1);
    const others = Promise.all(Array.from({ length: 10 }, () => call(signed(RS256))));
    await sleep(200);
    leaver.abort();
    await assert.rejects(left);
    for (const { status } of await others) assert.equal(status, 200);
    assert.ok(issuer.calls.jwks.length <= 2, `${issuer.calls.jwks.length} calls`);
  });
});
