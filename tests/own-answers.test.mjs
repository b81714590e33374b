// What every answer of the gateway's own has, whatever it is: of every address, method and status, to pages, scripts and
// machines.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer } from "./parts/administration.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { raw } from "./parts/rawhttp.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
const PAGE = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none" };
const SCRIPT = { accept: "application/json", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" };
const OTHER_SITE = { ...SCRIPT, "sec-fetch-site": "cross-site" };

/** Nothing sniffs, caches or frames it (but `framedBy`), and it sends no `Referer`. */
function assertOwn({ status, headers, text }, what, framedBy = "'none'") {
  assert.equal(headers["x-content-type-options"], "nosniff", `${what} ${status}`);
  assert.equal(headers["referrer-policy"], "strict-origin", `${what} ${status}`);
  assert.equal(headers["cache-control"], "no-store", `${what} ${status}`);
  if (headers["content-type"]?.startsWith("text/html")) {
    const policy = headers["content-security-policy"] ?? "";
    for (const directive of ["default-src 'none'", `frame-ancestors ${framedBy}`, "base-uri 'none'"]) assert.ok(policy.includes(directive), `${what} ${status} ${policy}`);
    assert.ok(!policy.includes("unsafe"), policy);
    // Without an icon browsers ask for /favicon.ico, which is a 401 in their console where the application wants a session.
    if (text?.includes("<title>")) assert.match(text, /<link rel="icon" href="data:image/, `${what} ${status}`);
  }
}

describe("own-answers", () => {
  let world;
  let gateway;
  before(async () => {
    const vars = { CAPTCHA_SITE_KEY: "site-key", CAPTCHA_SECRET: "captcha-secret", CAPTCHA_VERIFY_URL: "http://127.0.0.1:1/", JWKS_URI: "http://127.0.0.1:1/jwks", JWT_AUDIENCE: "api" };
    const routes = [
      { match: "/gone/*", upstream: "http://127.0.0.1:1" },
      { match: "/staff/*", require: { groups: "staff" } },
      { match: "/checked/*", captcha: "always" },
      { match: "/people/*", bot_score_min: 50 },
      { match: "/machines/*", bearer: true },
      { match: "/app/*" },
    ];
    world = await createWorld(undefined, { hostile: true, routes, vars });
    gateway = world.gateway;
  });
  after(() => world.close());

  test("every address of the API's description, with every method, by anybody: nosniff, Referrer-Policy, no-store, and no page can be framed, except by the provider that tells of a logout", async () => {
    const user = await world.login();
    const paths = Object.keys((await gateway.request("/auth/admin/openapi.json")).json().paths).map((path) => path.replace("{id}", "0".repeat(64)).replace("{subject}", "ada"));
    assert.ok(paths.length >= 18, `${paths}`);
    const statuses = new Set();
    for (const path of [...paths, "", "/", "/nothing"]) {
      for (const method of METHODS) {
        for (const [who, headers] of Object.entries({ PAGE, SCRIPT, OTHER_SITE, user: { ...SCRIPT, cookie: user.sessionHeader }, admin: { authorization: `Bearer ${ADMIN_TOKEN}` } })) {
          // It would end the session that the other requests need.
          if (who === "user" && /^\/log|^\/refresh/.test(path)) continue;
          const body = method === "GET" || method === "HEAD" ? undefined : "";
          for (const at of ["request", "atConsole"]) {
            const answer = await gateway[at](`/auth${path}`, { method, headers, body });
            const framed = path === "/frontchannel-logout" && answer.status === 200;
            assertOwn(answer, `${method} ${path} ${who} ${at}`, framed ? world.provider.origin : undefined);
            statuses.add(answer.status);
          }
        }
      }
    }
    for (const status of [200, 302, 303, 308, 400, 401, 403, 404, 405]) assert.ok(statuses.has(status), `${status} was among ${[...statuses]}`);
  });

  test("so do the answers on the application's addresses that the gateway gives itself", async () => {
    const user = await world.login();
    const jwt = ["eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ", Buffer.from(JSON.stringify({ iss: world.provider.issuer, aud: "api", exp: 4e9 })).toString("base64url"), "AAAA"].join(".");
    const as = (headers) => ({ ...headers, cookie: user.sessionHeader });
    const cases = [
      [302, "/app/", { headers: PAGE }],
      [401, "/app/", { headers: SCRIPT }],
      [403, "/app/", { method: "POST", body: "", headers: as(OTHER_SITE) }],
      [403, "/app/", { method: "POST", body: "", headers: as({ ...PAGE, "sec-fetch-site": "cross-site" }) }],
      [403, "/staff/", { headers: as(PAGE) }],
      [403, "/checked/", { headers: as(PAGE) }],
      [403, "/checked/", { headers: as(SCRIPT) }],
      [403, "/people/", { headers: as(PAGE) }],
      [405, "/app/", { method: "TRACE", headers: as(SCRIPT) }],
      [401, "/machines/", { headers: { authorization: "Bearer x" } }],
      [503, "/machines/", { headers: { authorization: `Bearer ${jwt}` } }],
      [502, "/gone/", { headers: as(PAGE) }],
      [502, "/gone/", { headers: as(SCRIPT) }],
      [404, "/elsewhere", { headers: PAGE }],
      [400, "/app/a%2fb", { headers: PAGE }],
      [431, `/app/${"x".repeat(15_990)}`, { headers: SCRIPT }],
      [404, "/app/", { headers: { ...PAGE, host: "elsewhere.example" } }],
      [413, "/auth/captcha", { method: "POST", body: "x".repeat(70_000), headers: { ...SCRIPT, "content-type": "application/x-www-form-urlencoded" } }],
      [403, "/auth/captcha", { method: "POST", body: "return_to=/", headers: { ...PAGE, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" } }],
    ];
    for (const [status, path, options] of cases) {
      const answer = await gateway.request(path, options);
      assert.equal(answer.status, status, `${path.slice(0, 40)} ${answer.text.slice(0, 300)}`);
      assertOwn(answer, path.slice(0, 40));
    }
    const two = await raw(gateway.origin, ["GET /app/ HTTP/1.1", `host: ${new URL(gateway.origin).host}`, "host: other.example"]);
    assert.equal(two.status, 400);
    assertOwn(two, "two hosts");
  });

  for (const same of ["lax", "strict"]) {
    test(`so do all steps of a login and a logout, with COOKIE_SAME_SITE=${same}`, async (t) => {
      const other = await createWorld(t, { hostile: true, vars: { COOKIE_SAME_SITE: same } });
      const browser = other.browser();
      const address = await callbackOf(browser);
      await browser.navigate(address, { until: () => false });
      const steps = [...browser.hops];
      await browser.navigate("/auth/logout", { from: "https://evil.example" });
      steps.push(...browser.hops);
      await browser.navigate("/auth/logout", { from: browser.origin, method: "POST", form: {} });
      steps.push(...browser.hops);
      const own = steps.filter(({ url }) => url.origin === browser.origin && url.pathname.startsWith("/auth/"));
      assert.ok(own.length >= 4, own.map(({ url }) => url.pathname).join(" "));
      for (const step of own) assertOwn(step, `${step.url.pathname} of ${same}`);
    });
  }

  test("so does the redirect to https, and what a gateway without a configuration answers", async (t) => {
    const secure = await createWorld(t, { hostile: true, vars: { PUBLIC_ORIGIN: "https://app.example.com" } });
    const redirect = await secure.gateway.request("/page?x=1", { headers: { host: "app.example.com" } });
    assert.deepEqual([redirect.status, redirect.headers.location], [308, "https://app.example.com/page?x=1"]);
    assertOwn(redirect, "the redirect to https");
    secure.gateway.vars.UPSTREAM = "nonsense";
    await secure.gateway.restart();
    for (const headers of [PAGE, SCRIPT]) {
      const answer = await secure.gateway.request("/page", { headers });
      assert.equal(answer.status, 500);
      assertOwn(answer, "without a configuration");
    }
  });

  test("an ADMIN_TOKEN that was exchanged is refused at once, and the new one is let in", async (t) => {
    const other = await createWorld(t, { hostile: true });
    const id = actorOf((await other.login()).session);
    assert.equal((await administer(other.gateway, `/sessions/${id}`)).status, 200);
    const token = "another-token-another-token-another-token-2";
    other.gateway.vars.ADMIN_TOKEN = token;
    await other.gateway.restart();
    for (const [method, path] of [["GET", `/sessions/${id}`], ["DELETE", `/sessions/${id}`], ["GET", "/users/ada/sessions"]]) {
      assert.equal((await administer(other.gateway, path, { method })).status, 401, `${method} ${path}`);
    }
    assert.equal((await administer(other.gateway, `/sessions/${id}`, { token })).json().state, "active");
  });

  test("healthz asks neither the provider nor the application", async (t) => {
    const other = await createWorld(t, { hostile: true });
    for (let i = 0; i < 3; i += 1) assert.equal((await other.gateway.request("/auth/healthz")).status, 200);
    assert.equal(Object.values(other.provider.calls).flat().length, 0);
    assert.equal(other.upstream.requests.length, 0);
  });
});
