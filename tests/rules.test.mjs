// Rules of routes beside the session: methods, the client's own Authorization, CORS preflights, and claims in depth.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startHostileProvider } from "./parts/hostile.mjs";
import { jwt } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { rawGet } from "./parts/rawhttp.mjs";
import { startUpstream, valuesOf } from "./parts/upstream.mjs";
import { createWorld } from "./parts/world.mjs";

const KEY = signingKey("RS256");
const AUDIENCE = "https://api.example";
const CLAIMS = {
  realm_access: { roles: ["staff", "editor"] },
  resource_access: { "my.client": { roles: ["owner"] } },
  "https://app.example/tenant": "acme",
  "a.b": "whole",
  a: { b: "path" },
  groups: ["red", "green"],
  scope: "read:all write",
};
const PREFLIGHT = { origin: "https://other.example", "access-control-request-method": "PUT", "sec-fetch-site": "cross-site" };

describe("rules of routes", () => {
  let world;
  let keys;
  let other;
  let browser;
  before(async () => {
    keys = await startHostileProvider({ published: [KEY.publicJwk] });
    other = await startUpstream();
    world = await createWorld(undefined, {
      hostile: { idToken: { claims: (claims) => ({ ...claims, ...CLAIMS }) } },
      vars: { JWKS_URI: `${keys.issuer}/jwks`, JWT_ISSUER: "https://tokens.example", JWT_AUDIENCE: AUDIENCE },
      routes: [
        { match: "/roles/*", require: { "realm_access.roles": "staff" } },
        { match: "/no-roles/*", require: { "realm_access.roles": "boss" } },
        { match: "/client/*", require: { "resource_access.my.client.roles": "owner", "https://app.example/tenant": "acme" } },
        { match: "/whole/*", require: { "a.b": "whole" } },
        { match: "/path/*", require: { "a.b": "path" } },
        { match: "/any/*", require: { groups: ["blue", "green"] } },
        { match: "/none-of/*", require: { groups: ["blue", "yellow"] } },
        { match: "/word/*", require: { scope: "write" } },
        { match: "/part/*", require: { scope: "read" } },
        { match: "/machines/*", bearer: true, require: { scope: ["write", "admin"] } },
        { match: "/methods/*", methods: ["GET", "POST"], session: "none" },
        { match: "/methods/*", upstream: other.origin, methods: ["DELETE"], require: { groups: "red" } },
        { match: "/cors/*", bearer: true, methods: ["PUT"], require: { scope: "write" }, identity_headers: true },
        { match: "/cors/*", bearer: true, methods: ["PATCH"], upstream: other.origin },
        { match: "/git/*", session: "none", authorization: "pass" },
        { match: "/api/*", session: "optional", authorization: "pass", identity_headers: true },
        { match: "/strip/*", session: "optional" },
        { match: "/closed/*" },
      ],
    });
    browser = await world.login();
  });
  after(async () => {
    await world.close();
    await Promise.all([keys.close(), other.close()]);
  });

  const status = async (path) => (await browser.api(path)).status;
  const call = (path, { headers, ...options } = {}) => world.gateway.request(path, { ...options, headers });
  const signed = (more) => {
    const now = Math.floor(Date.now() / 1000);
    return jwt({ alg: KEY.alg, kid: KEY.kid }, { iss: "https://tokens.example", aud: AUDIENCE, sub: "machine", exp: now + 300, iat: now, ...more }, KEY);
  };

  test("require finds a claim by its whole name, and else by a path (realm_access.roles)", async () => {
    assert.equal(await status("/roles/x"), 200);
    assert.equal(await status("/no-roles/x"), 403);
    assert.equal(await status("/client/x"), 200);
    assert.equal(await status("/whole/x"), 200);
    assert.equal(await status("/path/x"), 403, "a claim of the whole name is there");
  });

  test("one of several values is enough, and none is not", async () => {
    assert.equal(await status("/any/x"), 200);
    assert.equal(await status("/none-of/x"), 403);
  });

  test("a scope's words count each as a whole: read:all is no read", async () => {
    assert.equal(await status("/word/x"), 200);
    assert.equal(await status("/part/x"), 403);
  });

  test("a bearer JWT is held to it, too", async () => {
    const authorized = (more) => call("/machines/x", { headers: { authorization: `Bearer ${signed(more)}` } });
    assert.equal((await authorized({ scope: "read write" })).status, 200);
    assert.equal((await authorized({ scope: ["admin"] })).status, 200);
    for (const scope of [undefined, "", "writer", "rewrite", { write: true }, ["read write"]]) assert.equal((await authorized({ scope })).status, 403, JSON.stringify(scope));
  });

  test("a required claim without a value, and one that is a table, are named on healthz", async (t) => {
    const bad = await createWorld(t, { hostile: true, routes: [{ match: "/a", require: { groups: [] } }, { match: "/b", require: { groups: { x: 1 } } }, { match: "/c", require: { groups: [["x"]] } }] });
    const answer = await bad.gateway.request("/auth/healthz");
    assert.deepEqual(answer.json().problems.map(({ variable }) => variable), ["ROUTES[0].require", "ROUTES[1].require", "ROUTES[2].require"]);
  });

  test("a route takes the methods that it names; the next one that matches takes the others, and without one it is 404", async () => {
    for (const [method, expected, upstream] of [
      ["GET", 200, world.upstream],
      ["POST", 200, world.upstream],
      ["DELETE", 401, undefined],
      ["HEAD", 404, undefined],
      ["PUT", 404, undefined],
      ["OPTIONS", 404, undefined],
    ]) {
      const before = upstream?.requests.length;
      const answer = await call("/methods/x", { method });
      assert.equal(answer.status, expected, method);
      assert.equal(upstream?.requests.length, upstream && before + 1);
    }
    const seen = other.requests.length;
    assert.equal((await browser.api("/methods/x", { method: "DELETE" })).status, 200);
    assert.equal(other.requests.length, seen + 1);
    // A preflight of a route without bearer is an OPTIONS like any other.
    assert.equal((await call("/methods/x", { method: "OPTIONS", headers: { ...PREFLIGHT, "access-control-request-method": "GET" } })).status, 404);
  });

  test("no other method hides behind the one that was matched", async () => {
    for (const name of ["X-HTTP-Method-Override", "x_http_method_override", "X-HTTP-Method", "X-Method-Override"]) {
      const answer = await rawGet(world.gateway.origin, "/methods/x", [`${name}: DELETE`, "x-other: 1"]);
      assert.equal(answer.status, 200);
      assert.ok(!answer.text.includes("DELETE"), name);
      assert.deepEqual(valuesOf(answer.json().headers, "x-other"), ["1"]);
    }
  });

  test("conformance 49: methods are rules: a path that is read as another one meets the route of its own method", async (t) => {
    const two = await createWorld(t, {
      hostile: true,
      routes: [{ match: "/admin/*", methods: ["POST"], require: { groups: "bosses" } }, { match: "/*", session: "none" }],
    });
    const at = (method) => two.gateway.request("/ADMIN/x", { method });
    assert.equal((await at("POST")).status, 400);
    assert.equal((await at("GET")).status, 200, "as a GET it would meet the same rules");
  });

  test("conformance 49: authorization is a rule, origin and rewrite_redirects are none", async (t) => {
    const one = await createWorld(t, { hostile: true, routes: [{ match: "/git/*", session: "none", authorization: "pass" }, { match: "/*", session: "none" }] });
    assert.equal((await one.gateway.request("/GIT/x")).status, 400);
    const none = await createWorld(t, { hostile: true, routes: [{ match: "/git/*", session: "none", origin: "upstream", rewrite_redirects: false }, { match: "/*", session: "none" }] });
    assert.equal((await none.gateway.request("/GIT/x")).status, 200);
  });

  test('authorization = "pass": the client\'s own Authorization goes through byte for byte, of whatever scheme', async () => {
    for (const path of ["/git/x", "/api/x"]) {
      for (const own of ["Basic YWRhOnNlY3JldA==", "token abc", 'Digest username="ada"', "Bearer opaque"]) {
        const answer = await call(path, { headers: { authorization: own, authorization_: "x", "x-forwarded-user": "root" } });
        assert.equal(answer.status, 200);
        assert.deepEqual(valuesOf(answer.json().headers, "authorization"), [own]);
        assert.deepEqual(valuesOf(answer.json().headers, "x-forwarded-user"), []);
      }
      assert.deepEqual(valuesOf((await call(path)).json().headers, "authorization"), []);
    }
    assert.deepEqual(valuesOf((await call("/strip/x", { headers: { authorization: "Basic x" } })).json().headers, "authorization"), []);
    assert.equal((await call("/closed/x", { headers: { authorization: "Basic x" } })).status, 401);
  });

  test("with a session and an Authorization of the client's own no token is put in, without one it is", async () => {
    const own = await browser.api("/api/x", { headers: { authorization: "Basic x" } });
    assert.deepEqual(valuesOf(own.json().headers, "authorization"), ["Basic x"]);
    assert.deepEqual(valuesOf(own.json().headers, "x-forwarded-user"), ["ada"], "who it is goes along");
    const plain = await browser.api("/api/x");
    assert.match(valuesOf(plain.json().headers, "authorization")[0], /^Bearer /);
    // The token of the session was not what the application refused.
    const before = world.provider.refreshes.length;
    world.upstream.answer("/api/refused", (_, response) => response.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' }).end());
    assert.equal((await browser.api("/api/refused", { headers: { authorization: "Bearer mine" } })).status, 401);
    assert.equal(world.provider.refreshes.length, before);
  });

  test("an Authorization that passes gives no other site a way: the check of the sender stands", async () => {
    for (const path of ["/git/x", "/api/x"]) {
      const answer = await call(path, { method: "POST", headers: { authorization: "Basic x", "sec-fetch-site": "cross-site" } });
      assert.equal(answer.status, 403, path);
    }
  });

  test("authorization = pass with a session that is required, or beside bearer, is config_invalid", async (t) => {
    const pass = { authorization: "pass" };
    const bad = await createWorld(t, {
      hostile: true,
      routes: [{ match: "/a", ...pass }, { match: "/b", ...pass, session: "optional", require: { a: 1 } }, { match: "/c", ...pass, session: "none", bearer: true }, { match: "/d", authorization: "keep" }],
      vars: { JWKS_URI: `${keys.issuer}/jwks`, JWT_AUDIENCE: AUDIENCE },
    });
    const answer = await bad.gateway.request("/auth/healthz");
    assert.equal(answer.json().code, "config_invalid");
    assert.deepEqual(answer.json().problems.map(({ variable }) => variable), [0, 1, 2, 3].map((index) => `ROUTES[${index}].authorization`));
  });

  test("a CORS preflight on a bearer route goes to the application without identity, and its answer comes back", async () => {
    world.upstream.answer("/cors/x", (_, response) => response.writeHead(204, { "access-control-allow-origin": "https://other.example" }).end());
    const before = world.upstream.requests.length;
    const headers = { ...PREFLIGHT, cookie: `a=1; ${browser.sessionHeader}`, authorization: `Bearer ${signed({ scope: "write" })}`, "x-forwarded-user": "root" };
    const answer = await call("/cors/x", { method: "OPTIONS", headers });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers["access-control-allow-origin"], "https://other.example");
    const seen = world.upstream.requests[before];
    assert.equal(seen.method, "OPTIONS");
    for (const name of ["authorization", "x-forwarded-user", "x-forwarded-email"]) assert.deepEqual(valuesOf(seen.headers, name), [], name);
    assert.deepEqual(valuesOf(seen.headers, "cookie"), ["a=1"]);
    assert.deepEqual(valuesOf(seen.headers, "access-control-request-method"), ["PUT"]);
  });

  test("it takes the route of the method that it asks about", async () => {
    const seen = other.requests.length;
    assert.equal((await call("/cors/x", { method: "OPTIONS", headers: { ...PREFLIGHT, "access-control-request-method": "PATCH" } })).status, 200);
    assert.equal(other.requests.length, seen + 1);
    for (const method of ["GET", "put", "OPTIONS"]) {
      assert.equal((await call("/cors/x", { method: "OPTIONS", headers: { ...PREFLIGHT, "access-control-request-method": method } })).status, 404, method);
    }
  });

  test("what only looks like a preflight needs what every request needs", async () => {
    const { origin, ...noOrigin } = PREFLIGHT;
    const { "access-control-request-method": method, ...noMethod } = PREFLIGHT;
    const seen = world.upstream.requests.length;
    for (const [path, options, expected] of [
      ["/machines/x", { method: "OPTIONS", headers: noOrigin }, 401],
      ["/machines/x", { method: "OPTIONS", headers: noMethod }, 401],
      ["/machines/x", { method: "GET", headers: PREFLIGHT }, 401],
      ["/machines/x", { method: "HEAD", headers: PREFLIGHT }, 401],
      ["/closed/x", { method: "OPTIONS", headers: PREFLIGHT }, 401],
      ["/roles/x", { method: "OPTIONS", headers: PREFLIGHT }, 401],
    ]) {
      assert.equal((await call(path, options)).status, expected, `${options.method} ${path}`);
    }
    assert.equal(world.upstream.requests.length, seen);
  });
});
