// Clients' JWTs of several issuers (JWT_ISSUERS), and how clients find out where to get one (RFC 9728).
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertProblem } from "./parts/administration.mjs";
import { startHostileProvider } from "./parts/hostile.mjs";
import { jwt } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { createWorld } from "./parts/world.mjs";

const [ONE, OTHER] = [signingKey("RS256"), signingKey("ES256")];
const now = () => Math.floor(Date.now() / 1000);
/** The client of the gateway at its provider, which is the `aud` of sessions. */
const CLIENT_ID = "the-gateway";
const METADATA = "/.well-known/oauth-protected-resource";

describe("several issuers of clients' JWTs", () => {
  let world;
  let keys;
  before(async () => {
    keys = await startHostileProvider({ published: [ONE.publicJwk] });
    world = await createWorld(undefined, {
      hostile: true,
      routes: [
        { match: "/staff/*", bearer: true, require: { tenant: "acme" }, require_any: [{ groups: "staff" }, { sub: "root" }] },
        { match: "/orders/*", bearer: true, audience: "https://orders.example" },
        { match: "/billing/*", bearer: true, require_any: [{ aud: "https://billing.example" }, { aud: CLIENT_ID }] },
        { match: "/api/*", bearer: true },
        { match: "/*" },
      ],
      vars: {
        JWT_ISSUERS: JSON.stringify([
          { issuer: "https://one.example", audience: "api-1", jwks_uri: `${keys.issuer}/jwks` },
          { issuer: "https://other.example", audience: "api-2", jwks: { keys: [OTHER.publicJwk] } },
        ]),
      },
    });
  });
  after(async () => {
    await keys.close();
    await world.close();
  });
  const signed = (key, iss, aud, more) => jwt({ alg: key.alg, kid: key.kid, typ: "at+jwt" }, { iss, aud, sub: "machine", exp: now() + 300, ...more }, key);
  const call = (token, target = "/api/x") => world.gateway.request(target, { headers: { ...(token && { authorization: `Bearer ${token}` }) } });

  test("each is checked with its own keys and audience", async () => {
    assert.equal((await call(signed(ONE, "https://one.example", "api-1"))).status, 200);
    assert.equal((await call(signed(OTHER, "https://other.example", "api-2"))).status, 200);
    for (const [what, token] of Object.entries({
      "the other's audience": signed(ONE, "https://one.example", "api-2"),
      "the other's key": signed(OTHER, "https://one.example", "api-1"),
      "the other's name": signed(ONE, "https://other.example", "api-2"),
      "an issuer that is not in the table": signed(ONE, "https://third.example", "api-1"),
      "no issuer": signed(ONE, undefined, "api-1"),
    })) {
      assertProblem(await call(token), 401, "invalid_token", what);
    }
  });

  test("of several sets of claims one is enough, beside what all must have", async () => {
    const staff = (claims) => call(signed(OTHER, "https://other.example", "api-2", claims), "/staff/x");
    assert.equal((await staff({ tenant: "acme", groups: ["staff"] })).status, 200);
    assert.equal((await staff({ tenant: "acme", sub: "root" })).status, 200);
    assertProblem(await staff({ tenant: "acme" }), 403, "forbidden");
    assertProblem(await staff({ sub: "root" }), 403, "forbidden");
  });

  test("what a route names as audience is for sessions' tokens: a client's JWT is for its issuer's audience", async () => {
    assert.equal((await call(signed(OTHER, "https://other.example", "api-2"), "/orders/x")).status, 200);
    assertProblem(await call(signed(OTHER, "https://other.example", "https://orders.example"), "/orders/x"), 401, "invalid_token");
  });

  test("a route takes the JWTs for one API, and sessions, where require_any names both audiences", async () => {
    const billing = (aud) => call(signed(OTHER, "https://other.example", aud), "/billing/x");
    assert.equal((await billing(["api-2", "https://billing.example"])).status, 200);
    assertProblem(await billing("api-2"), 403, "forbidden");
    assert.equal((await (await world.login()).api("/billing/x")).status, 200);
  });

  test("a 401 names the metadata, which names the authorization servers", async () => {
    const { origin } = world.gateway;
    const metadata = `resource_metadata="${origin}${METADATA}"`;
    const missing = await call();
    assertProblem(missing, 401, "login_required");
    assert.equal(missing.headers["www-authenticate"], `Bearer ${metadata}`);
    const bad = await call("bad");
    assert.equal(bad.headers["www-authenticate"], `Bearer error="invalid_token", ${metadata}`);
    const plain = await call(undefined, "/x");
    assert.equal(plain.headers["www-authenticate"], undefined, "a route that takes no tokens");
    const answer = await world.gateway.request(METADATA);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["access-control-allow-origin"], "*");
    assert.deepEqual(answer.json(), {
      resource: origin,
      authorization_servers: ["https://one.example", "https://other.example"],
      bearer_methods_supported: ["header"],
    });
    assert.equal((await world.gateway.request(METADATA, { method: "POST" })).status, 405);
  });

  test("a browser that opens such a page is still sent to log in", async () => {
    const answer = await world.gateway.visit("/api/page");
    assert.equal(answer.status, 302);
  });
});

test("where no route takes tokens the address is the application's", async (t) => {
  const world = await createWorld(t, { hostile: true, routes: [{ match: "/*", session: "none" }] });
  assert.equal((await world.gateway.request(METADATA)).json().url, METADATA);
});
