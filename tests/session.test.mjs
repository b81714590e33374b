// GET /session and POST /refresh, and what every endpoint under the prefix does with the wrong method, path or site.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

describe("session", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { provider: {} });
  });
  after(() => world.close());

  test("GET /session answers the documented shape and no token", async () => {
    const browser = await world.login({ hint: "ada" });
    const token = await world.token(browser);
    const answer = await browser.api("/auth/session");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/json");
    const session = answer.json();
    assert.deepEqual(Object.keys(session).toSorted(), [
      "access_token_expires_at",
      "claims",
      "created_at",
      "expires_at",
      "idle_expires_at",
      "issuer",
      "provider",
      "region",
      "subject",
    ]);
    assert.equal(session.subject, "ada");
    assert.equal(session.issuer, world.provider.issuer);
    assert.equal(session.region, "weur");
    assert.equal(session.claims.sub, "ada");
    assert.equal(session.claims.email, "ada@example.com", "UserInfo's claims are there too");
    for (const field of ["created_at", "idle_expires_at", "expires_at", "access_token_expires_at"]) {
      assert.match(session[field], TIME, field);
    }
    const life = Date.parse(session.expires_at) - Date.parse(session.created_at);
    assert.equal(Math.round(life / 1000), 604_800, "SESSION_ABSOLUTE_SECONDS");
    const tokenLife = Date.parse(session.access_token_expires_at) - Date.parse(session.created_at);
    assert.ok(Math.abs(tokenLife - 300_000) < 2000, `the access token lives ${tokenLife} ms`);
    const { refresh_token, id_token } = world.provider.calls.token.at(-1).body;
    for (const secret of [token, refresh_token, id_token, browser.session.value.split(".")[2]]) {
      assert.ok(!answer.text.includes(secret));
    }
  });

  test("GET /session without a session is a 401 problem document, never a redirect", async () => {
    const browser = world.browser();
    const answer = await browser.api("/auth/session");
    assert.equal(answer.status, 401);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    const problem = answer.json();
    assert.equal(problem.code, "login_required");
    assert.equal(problem.status, 401);
    for (const field of ["type", "title", "detail", "ray"]) assert.equal(typeof problem[field], "string", field);
    assert.equal(answer.headers["cache-control"], "no-store");
  });

  test("looking at the session is no use of it and refreshes nothing", async (t) => {
    const { provider, login } = await createWorld(t, { provider: { accessTokenSeconds: 2 } });
    const browser = await login();
    const idleEnd = async () => (await browser.api("/auth/session")).json().idle_expires_at;
    const before = await idleEnd();
    await sleep(2500);
    const calls = provider.refreshes.length;
    assert.equal(await idleEnd(), before);
    assert.equal(provider.refreshes.length, calls);
  });

  test("POST /refresh brings a new access token and answers with the session", async () => {
    const browser = await world.login();
    const before = await world.token(browser);
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.status, 200);
    assert.equal(answer.json().issuer, world.provider.issuer);
    const behind = await world.token(browser);
    assert.notEqual(behind, before);
    assert.ok(await world.provider.knows(behind));
  });

  test("POST /refresh is forced at most once in 30 s; the next one answers with what there is", async () => {
    const browser = await world.login();
    const calls = world.provider.refreshes.length;
    const first = await browser.api("/auth/refresh", { method: "POST" });
    const second = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(second.status, 200);
    assert.deepEqual(second.json(), first.json());
    assert.equal(world.provider.refreshes.length, calls + 1);
  });

  test("POST /refresh joins a refresh in flight", async (t) => {
    const { provider, login, token } = await createWorld(t);
    const browser = await login();
    provider.around.token = async (next) => {
      await next();
      await sleep(700);
    };
    const answers = await Promise.all([1, 2, 3, 4].map(() => browser.api("/auth/refresh", { method: "POST" })));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200]);
    assert.equal(provider.refreshes.length, 1);
    assert.ok(await provider.knows(await token(browser)));
  });

  test("POST /refresh without a session is 401", async () => {
    const answer = await world.browser().api("/auth/refresh", { method: "POST" });
    assert.equal(answer.status, 401);
    assert.equal(answer.json().code, "login_required");
  });

  test("conformance 22: POST /refresh and /logout from another site or a sibling subdomain are 403 and change nothing", async () => {
    const browser = await world.login();
    const calls = world.provider.refreshes.length;
    for (const site of ["cross-site", "same-site"]) {
      for (const path of ["/auth/refresh", "/auth/logout"]) {
        const answer = await browser.api(path, { method: "POST", headers: { "sec-fetch-site": site } });
        assert.equal(answer.status, 403, `${path} ${site}`);
        assert.equal(answer.json().code, "csrf_rejected");
      }
      // This comes first, even if the endpoint does not know the method.
      for (const path of ["/auth/login", "/auth/session", "/auth/sessions", "/auth/logged-out", "/auth/healthz"]) {
        const answer = await browser.api(path, { method: "POST", headers: { "sec-fetch-site": site } });
        assert.equal(answer.status, 403, `${path} ${site}`);
      }
    }
    assert.equal(world.provider.refreshes.length, calls);
    await world.token(browser);
  });

  test("conformance 23: without Sec-Fetch-Site the Origin must be exactly the gateway's; without both no cookie of ours may come along", async () => {
    const browser = await world.login();
    const cookie = browser.sessionHeader;
    const { port } = world.gateway;
    const post = (headers) => world.gateway.request("/api/thing", { method: "POST", headers, body: "x" });
    for (const origin of ["null", "http://evil.example", `http://127.0.0.1:${port + 1}`, `http://127.0.0.1:${port}.evil`, `https://127.0.0.1:${port}`]) {
      const answer = await post({ cookie, origin });
      assert.equal(answer.status, 403, origin);
      assert.equal(answer.json().code, "csrf_rejected");
    }
    assert.equal((await post({ cookie })).status, 403);
    assert.equal((await post({ cookie, origin: world.gateway.origin })).status, 200);
    assert.equal((await post({})).json().code, "login_required", "no cookie: not a matter of CSRF");
  });

  for (const [path, allowed] of Object.entries({
    "/auth/login": ["GET"],
    "/auth/callback": ["GET", "POST"],
    "/auth/logout": ["GET", "POST"],
    "/auth/logged-out": ["GET"],
    "/auth/session": ["GET"],
    "/auth/refresh": ["POST"],
    "/auth/healthz": ["GET"],
  })) {
    test(`${path} answers other methods with 405 and Allow`, async () => {
      const answer = await world.browser().api(path, { method: "PUT" });
      assert.equal(answer.status, 405);
      assert.equal(answer.json().code, "method_not_allowed");
      const methods = answer.headers.allow.split(/,\s*/);
      for (const method of allowed) assert.ok(methods.includes(method), `Allow: ${answer.headers.allow}`);
      assert.ok(!methods.includes("PUT"));
      if (!allowed.includes("POST")) {
        assert.equal((await world.browser().api(path, { method: "POST" })).status, 405);
      }
    });
  }

  test("a path under the prefix that is none of the gateway's is a 404 problem and never reaches the application", async () => {
    const browser = await world.login();
    const seen = world.upstream.requests.length;
    for (const path of ["/auth/nothing", "/auth/", "/auth/login/", "/auth/Login", "/auth/session/x", "/auth"]) {
      const answer = await browser.api(path);
      assert.equal(answer.status, 404, path);
      assert.equal(answer.json().code, "not_found", path);
    }
    assert.equal(world.upstream.requests.length, seen);
    assert.equal((await browser.api("/authors")).status, 200, "a path that only begins alike is the application's");
  });

  test("a navigation gets errors as a page, an API call as a problem document, with the same words", async () => {
    const browser = world.browser();
    const problem = (await browser.api("/auth/nothing")).json();
    const page = await browser.navigate("/auth/nothing");
    assert.equal(page.status, 404);
    assert.match(page.headers["content-type"], /^text\/html/);
    assert.ok(page.text.includes(problem.title) && page.text.includes(problem.detail));
  });

  test("an idle session ends: 401 session_ended with reason idle, and the cookie is taken away", async (t) => {
    const { gateway, provider, login } = await createWorld(t, { vars: { SESSION_IDLE_SECONDS: "2" } });
    const browser = await login();
    const { refresh_token } = provider.calls.token.at(-1).body;
    await sleep(2300);
    const answer = await browser.api("/api");
    assert.equal(answer.status, 401);
    assert.equal(answer.json().code, "session_ended");
    assert.equal(answer.json().reason, "idle");
    assert.equal(browser.session, undefined);
    await until("its refresh token is revoked", async () => (await provider.refreshToken(refresh_token)) === "gone", 3000);
    assert.ok(gateway.eventsOf("end").some(({ outcome }) => outcome === "idle"));
  });

  test("using a session moves its idle end, and its absolute end comes all the same, with reason expired", async (t) => {
    const vars = { SESSION_IDLE_SECONDS: "2", SESSION_ABSOLUTE_SECONDS: "4" };
    const { gateway, login } = await createWorld(t, { vars });
    const browser = await login();
    // The cookie ends with the session. A client that keeps it gets the reason.
    const headers = { cookie: browser.sessionHeader };
    for (let i = 0; i < 4; i += 1) {
      await sleep(800);
      assert.equal((await gateway.request("/api", { headers })).status, 200, `use ${i}`);
    }
    await sleep(1000);
    const answer = await gateway.request("/api", { headers });
    assert.equal(answer.status, 401);
    assert.equal(answer.json().reason, "expired");
  });
});
