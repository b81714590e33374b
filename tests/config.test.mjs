// The configuration: every problem is reported at once, by the variable's name, on healthz and on every request.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startGateway } from "./parts/gateway.mjs";
import { freePort } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const PROVIDER = { issuer: "http://127.0.0.1:9", clientId: "client", clientSecret: "secret" };
const UPSTREAM = { origin: "http://127.0.0.1:9" };

/** A gateway with these variables; nothing behind it is ever reached. */
async function start(t, vars, { provider = PROVIDER, upstream = UPSTREAM } = {}) {
  const gateway = await startGateway({ provider, upstream, vars });
  t.after(() => gateway.close());
  return gateway;
}

const variables = (answer) => answer.json().problems.map(({ variable }) => variable).toSorted();

describe("config", () => {
  test("GET /healthz answers 200 with {\"status\":\"ok\"}, uncached", async (t) => {
    const { gateway } = await createWorld(t);
    const answer = await gateway.request("/auth/healthz");
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { status: "ok" });
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["cache-control"], "no-store");
  });

  test("with nothing configured healthz names every variable that is missing, at once", async (t) => {
    const gateway = await start(t, { PROVIDER: undefined, PUBLIC_ORIGIN: undefined }, { provider: {}, upstream: {} });
    const answer = await gateway.request("/auth/healthz");
    assert.equal(answer.status, 500);
    const problem = answer.json();
    assert.equal(problem.code, "config_invalid");
    assert.deepEqual(variables(answer), ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ISSUER", "UPSTREAM"]);
    for (const { message } of problem.problems) assert.ok(message.length > 20, "what to put there");
  });

  test("every problem is reported at once, on healthz and on any request, to API calls and to navigations", async (t) => {
    const wrong = {
      OIDC_ISSUER: "http://op.example.com",
      OIDC_SCOPES: "profile",
      OIDC_PAR: "sometimes",
      UPSTREAM: "http://app.example.com",
      PUBLIC_ORIGIN: "not an origin",
      SESSION_IDLE_SECONDS: "soon",
      COOKIE_SAME_SITE: "none",
      ADMIN_TOKEN: "short",
    };
    const gateway = await start(t, wrong);
    for (const [target, options] of [
      ["/auth/healthz", {}],
      ["/", {}],
      ["/auth/login", {}],
      ["/api", { method: "POST", body: "x" }],
      ["/anything", { headers: { cookie: "session=x" } }],
    ]) {
      const answer = await gateway.request(target, options);
      assert.equal(answer.status, 500, target);
      assert.equal(answer.headers["content-type"], "application/problem+json");
      assert.equal(answer.json().code, "config_invalid");
      assert.deepEqual(variables(answer), Object.keys(wrong).toSorted(), target);
    }
    const page = await gateway.request("/", { headers: { accept: "text/html" } });
    assert.equal(page.status, 500);
    assert.match(page.headers["content-type"], /^text\/html/);
    for (const name of Object.keys(wrong)) assert.ok(page.text.includes(name), name);
  });

  test("a secret is never quoted", async (t) => {
    const secret = "this-is-too-short";
    const gateway = await start(t, { ADMIN_TOKEN: secret, OIDC_CLIENT_ID: undefined });
    const answer = await gateway.request("/auth/healthz");
    assert.deepEqual(variables(answer), ["ADMIN_TOKEN", "OIDC_CLIENT_ID"]);
    assert.ok(!answer.text.includes(secret) && !answer.text.includes(PROVIDER.clientSecret));
    assert.ok(!gateway.log.includes(secret));
  });

  test("a name that is nearly a variable's is named beside the right one, and keeps the gateway shut; others' names do not", async (t) => {
    const gateway = await start(t, { COOKIE_SAMESITE: "strict", SESSION_IDLE_SECOND: "60", LOG_LEVEL: "debug" });
    const answer = await gateway.request("/auth/healthz");
    assert.equal(answer.status, 500);
    assert.deepEqual(variables(answer), ["COOKIE_SAMESITE", "SESSION_IDLE_SECOND"]);
    assert.match(answer.text, /Did you mean COOKIE_SAME_SITE\?/);
    const other = await start(t, { LOG_LEVEL: "debug" });
    assert.equal((await other.request("/auth/healthz")).status, 200);
  });

  test("a route whose path lacks its slash is named, and does not fall through to the next one", async (t) => {
    const upstream = "https://app.example.com";
    const routes = [{ match: "api/*", upstream }, { match: "/*", upstream, session: "none" }];
    const gateway = await start(t, { UPSTREAM: undefined, ROUTES: routes });
    const answer = await gateway.request("/auth/healthz");
    assert.deepEqual(variables(answer), ["ROUTES[0].match"]);
    assert.match(answer.text, /must begin with a slash, as in \/api\/\*/);
  });

  test("a client secret that was forgotten is named, and a public client is asked for STATE_KEYS", async (t) => {
    for (const [vars, expected, message] of [
      [{ OIDC_CLIENT_SECRET: undefined }, ["OIDC_CLIENT_SECRET"], /wrangler secret put OIDC_CLIENT_SECRET.*OIDC_TOKEN_AUTH = "none"/],
      [{ OIDC_CLIENT_SECRET: undefined, OIDC_TOKEN_AUTH: "client_secret_basic" }, ["OIDC_CLIENT_SECRET"], /is missing/],
      [{ OIDC_CLIENT_SECRET: undefined, OIDC_TOKEN_AUTH: "none", STATE_KEYS: undefined }, ["STATE_KEYS"], /wrangler secret put STATE_KEYS/],
    ]) {
      const gateway = await start(t, vars);
      const answer = await gateway.request("/auth/healthz");
      assert.equal(answer.status, 500);
      assert.deepEqual(variables(answer), expected);
      assert.match(answer.json().problems[0].message, message);
      assert.equal((await gateway.request("/auth/login")).json().code, "config_invalid");
      await gateway.stop();
    }
  });

  const wrong = {
    PROVIDER: ["OIDC", "octa", "none"],
    OIDC_ISSUER: ["", "op.example.com", "http://op.example.com", "https://op.example.com?x", "https://op.example.com#x", "ftp://op.example.com"],
    OIDC_CLIENT_ID: [""],
    OIDC_CLIENT_SECRET: ["", " "],
    OIDC_ID_TOKEN_ALG: ["none", "HS256", "RS256,HS256", "rs256", ","],
    OIDC_TOKEN_AUTH: ["client_secret_jwt", "basic", "None"],
    OIDC_SCOPES: ["email", "openid2"],
    OIDC_RESPONSE_MODE: ["fragment"],
    OIDC_AUTHORIZATION_PARAMS: ["x", "[]", '{"a":1}', '{"client_id":"x"}', '{"state":"x"}', '{"redirect_uri":"x"}', '{"scope":"x"}', '{"nonce":"x"}', '{"code_challenge":"x"}', '{"response_mode":"x"}', '{"prompt":"none"}'],
    OIDC_RESOURCE: ["not a URI"],
    OIDC_PAR: ["yes"],
    OIDC_REUSE_LEEWAY_SECONDS: ["-1", "x"],
    PUBLIC_ORIGIN: ["app.example.com", "https://app.example.com/path", "http://app.example.com", "https://a.example,nonsense", "https://user@a.example"],
    AUTH_PREFIX: ["auth", "/", "/auth?x", "/a b"],
    UPSTREAM: ["", "app.example.com", "http://app.example.com", "https://app.example.com?x", "https://user:password@app.example.com"],
    UPSTREAM_TIMEOUT_SECONDS: ["0", "-1", "1.5", "x", "99999999999999999999"],
    SESSION_STORE: ["redis"],
    SESSION_IDLE_SECONDS: ["0", "-1", "x", "1e3"],
    SESSION_ABSOLUTE_SECONDS: ["0", "x"],
    LOGIN_TIMEOUT_SECONDS: ["0", "x"],
    COOKIE_SAME_SITE: ["none", "Lax "],
    COOKIE_PREFIX: ["x", "X-", "x_-", "a;-", "http-"],
    DEFAULT_REGION: ["mars", "EU"],
    JURISDICTION: ["uk"],
    ADMIN_TOKEN: ["short", "x".repeat(31)],
  };
  for (const [variable, values] of Object.entries(wrong)) {
    test(`${variable}: ${values.length} wrong values are each named, and nothing else is`, async (t) => {
      for (const value of values) {
        const gateway = await start(t, { [variable]: value });
        const answer = await gateway.request("/auth/healthz");
        assert.equal(answer.status, 500, `${variable}=${value}: ${answer.text.slice(0, 200)}`);
        assert.deepEqual(variables(answer), [variable], value);
        await gateway.stop();
      }
    });
  }

  test("right values of every variable are accepted", async (t) => {
    for (const vars of [
      { OIDC_TOKEN_AUTH: "client_secret_post", OIDC_RESPONSE_MODE: "form_post", OIDC_PAR: "always", COOKIE_SAME_SITE: "strict" },
      { OIDC_AUTHORIZATION_PARAMS: '{"acr_values":"mfa","prompt":"consent"}', OIDC_AUDIENCE: "api", OIDC_RESOURCE: "urn:example:api", OIDC_REUSE_LEEWAY_SECONDS: "0" },
      { SESSION_IDLE_SECONDS: "1", SESSION_ABSOLUTE_SECONDS: "1", LOGIN_TIMEOUT_SECONDS: "1", UPSTREAM_TIMEOUT_SECONDS: "1" },
      { DEFAULT_REGION: "oc", SESSION_STORE: "durable", OIDC_SCOPES: "openid", ADMIN_TOKEN: undefined, STATE_KEYS: undefined },
      { OIDC_ISSUER: "https://op.example.com/tenant/", UPSTREAM: "https://app.internal.example.com/base", OIDC_ID_TOKEN_ALG: "ES256, RS256" },
      { OIDC_CLIENT_SECRET: undefined, OIDC_TOKEN_AUTH: "none" },
      { UPSTREAM: "http://localhost:1", OIDC_ISSUER: "http://[::1]:1", PROVIDER: undefined },
    ]) {
      const gateway = await start(t, vars);
      const answer = await gateway.request("/auth/healthz");
      assert.equal(answer.status, 200, `${JSON.stringify(vars)}: ${answer.text}`);
      await gateway.stop();
    }
  });

  test("PUBLIC_ORIGIN may list several origins; each has its own redirect URI", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const { port } = world.gateway;
    const origins = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
    await world.gateway.stop();
    world.gateway.vars.PUBLIC_ORIGIN = origins.join(", ");
    await world.gateway.start();
    for (const origin of origins) {
      const answer = await world.gateway.visit("/auth/login", { headers: { host: new URL(origin).host } });
      assert.equal(answer.status, 302, origin);
      assert.equal(new URL(answer.headers.location).searchParams.get("redirect_uri"), `${origin}/auth/callback`);
    }
    assert.equal((await world.gateway.visit("/auth/login", { headers: { host: `[::1]:${port}` } })).status, 404);
  });

  test("a route that names a host without PUBLIC_ORIGIN, and an upstream on one of the gateway's own origins, are named", async (t) => {
    const upstream = "https://a.example";
    const hosts = { UPSTREAM: undefined, PUBLIC_ORIGIN: undefined, ROUTES: [{ match: "app.example.com/*", upstream }, { match: "/*", upstream }] };
    assert.deepEqual(variables(await (await start(t, hosts)).request("/auth/healthz")), ["PUBLIC_ORIGIN"]);
    const own = "https://app.example.com, https://a.example";
    assert.deepEqual(variables(await (await start(t, { ...hosts, PUBLIC_ORIGIN: own })).request("/auth/healthz")), ["ROUTES[0].upstream", "ROUTES[1].upstream"]);
    assert.deepEqual(variables(await (await start(t, { PUBLIC_ORIGIN: own, UPSTREAM: "https://A.example:443/x" })).request("/auth/healthz")), ["UPSTREAM"]);
  });

  test("without PUBLIC_ORIGIN an upstream on the request's own origin is config_invalid, and not a loop", async (t) => {
    const port = await freePort();
    const gateway = await startGateway({ provider: PROVIDER, port, vars: { PUBLIC_ORIGIN: undefined, UPSTREAM: `http://localhost:${port}` } });
    t.after(() => gateway.close());
    const headers = { host: `localhost:${port}` };
    for (const target of ["/auth/healthz", "/x"]) {
      const answer = await gateway.request(target, { headers, limit: 5000 });
      assert.equal(answer.status, 500);
      assert.equal(answer.json().code, "config_invalid");
      assert.deepEqual(variables(answer), ["UPSTREAM"]);
    }
    assert.equal((await gateway.request("/auth/healthz")).status, 200, "at another origin it leads elsewhere");
  });

  test("COOKIE_PREFIX tells two gateways on one host apart: each reads its own cookies, and neither passes the other's on", async (t) => {
    const plain = await createWorld(t, { provider: {} });
    const shop = await createWorld(t, { provider: {}, vars: { COOKIE_PREFIX: "shop-" } });
    const [one, other] = [await plain.login(), await shop.login()];
    assert.equal(other.session.name, "edge-shop-session");
    const cookie = `${one.sessionHeader}; ${other.sessionHeader}; edge-shop-login-0123abcd=x; edge-x-return=y; session=theirs`;
    for (const { gateway } of [plain, shop]) {
      const answer = await gateway.request("/seen", { headers: { cookie } });
      assert.equal(answer.status, 200);
      const { headers } = answer.json();
      assert.deepEqual(headers.filter((_, at) => headers[at - 1]?.toLowerCase() === "cookie"), ["session=theirs"]);
    }
    assert.equal((await shop.gateway.request("/seen", { headers: { cookie: one.sessionHeader } })).status, 401);
  });

  test("without PUBLIC_ORIGIN the request's own origin counts", async (t) => {
    const { gateway } = await createWorld(t, { hostile: true, vars: { PUBLIC_ORIGIN: undefined } });
    const answer = await gateway.visit("/auth/login", { headers: { host: "localhost:1234" } });
    assert.equal(new URL(answer.headers.location).searchParams.get("redirect_uri"), "http://localhost:1234/auth/callback");
  });

  test("plain http off loopback is a 308 to https, with path and query", async (t) => {
    const { gateway } = await createWorld(t, { vars: { PUBLIC_ORIGIN: "https://app.example.com" } });
    const headers = { host: "app.example.com" };
    const answer = await gateway.request("/a/b?c=d", { headers });
    assert.equal(answer.status, 308);
    assert.equal(answer.headers.location, "https://app.example.com/a/b?c=d");
    assert.equal((await gateway.request("/a", { headers: { host: "evil.example.com" } })).status, 404);
  });
});
