// The gateway's own endpoints, as interface.md has them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileWorld, world } from "./parts/world.mjs";

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

test("GET /session shows the session, and no token", async (t) => {
  const { browser, upstream } = await world(t);
  const ada = browser();
  await ada.login();
  const response = await ada.call("/auth/session");
  assert.equal(response.status, 200);
  assert.equal(response.headers["content-type"], "application/json");
  assert.equal(response.headers["cache-control"], "no-store");
  const session = response.json();
  assert.deepEqual(Object.keys(session).sort(), ["access_token_expires_at", "claims", "created_at", "expires_at", "idle_expires_at", "issuer", "region", "subject"]);
  assert.equal(session.subject, "ada");
  assert.equal(session.issuer, ada.gateway.vars?.OIDC_ISSUER ?? session.claims.iss);
  assert.equal(session.claims.email, "ada@example.com");
  for (const name of ["created_at", "idle_expires_at", "expires_at", "access_token_expires_at"]) assert.match(session[name], RFC3339);
  const token = upstream.requests.at(-1).headers.authorization.slice(7);
  assert.ok(!response.body.includes(token) && !response.body.includes(ada.session.value.split(".")[2]));
});

test("an access token without a known life has no end", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.script.tokens = { expires_in: undefined };
  const ada = browser();
  await ada.login();
  assert.equal((await ada.call("/auth/session")).json().access_token_expires_at, null);
});

test("GET /session without a session is a 401 problem", async (t) => {
  const { browser } = await world(t);
  const response = await browser().call("/auth/session");
  assert.equal(response.status, 401);
  const problem = response.json();
  assert.deepEqual(Object.keys(problem).sort(), ["code", "detail", "ray", "status", "title", "type"]);
  assert.equal(problem.code, "login_required");
});

test("POST /refresh gets a new token, at most once in 30 seconds", async (t) => {
  const { browser, provider, upstream } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  for (let ask = 0; ask < 3; ask++) {
    const response = await ada.call("/auth/refresh", { method: "POST" });
    assert.equal(response.status, 200);
    assert.equal(response.json().subject, "ada");
  }
  assert.equal(provider.presented.length, 1);
  await ada.call("/x");
  assert.equal(upstream.requests.at(-1).headers.authorization, "Bearer access-2");
});

test("POST /refresh joins a refresh in flight", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  provider.script["/token"] = provider.after(800);
  const responses = await Promise.all(Array.from({ length: 10 }, () => ada.call("/auth/refresh", { method: "POST" })));
  assert.ok(responses.every(({ status }) => status === 200));
  assert.equal(provider.presented.length, 1);
});

test("POST /refresh of another site is rejected", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  const response = await ada.call("/auth/refresh", { method: "POST", headers: { "sec-fetch-site": "cross-site", origin: "https://evil.example" } });
  assert.deepEqual([response.status, response.json().code], [403, "csrf_rejected"]);
  assert.equal((await ada.send("/auth/refresh", { method: "POST" })).status, 403);
  assert.equal(provider.presented.length, 0);
});

test("a wrong method is a 405 that says which are right, an unknown path a 404", async (t) => {
  const { browser } = await world(t);
  const ada = browser();
  for (const [path, method, allow] of [["login", "POST", "GET"], ["refresh", "GET", "POST"], ["session", "DELETE", "GET, HEAD"], ["logout", "PUT", "GET, POST"], ["callback", "DELETE", "GET, POST"]]) {
    const response = await ada.send(`/auth/${path}`, { method, headers: { origin: ada.gateway.origin } });
    assert.deepEqual([response.status, response.headers.allow, response.json().code], [405, allow, "method_not_allowed"], path);
  }
  for (const path of ["/auth/nothing", "/auth", "/auth/", "/auth/login/x"]) {
    const response = await ada.call(path);
    assert.deepEqual([response.status, response.json().code], [404, "not_found"], path);
  }
});

test("AUTH_PREFIX moves every endpoint", async (t) => {
  const { browser, gateway } = await hostileWorld(t, { vars: { AUTH_PREFIX: "/_session" } });
  const ada = browser();
  const page = await ada.navigate("/page");
  assert.equal(page.status, 200);
  assert.ok(ada.visited.some((url) => url.startsWith(`${gateway.origin}/_session/callback`)));
  assert.equal((await ada.call("/_session/session")).status, 200);
});
