// The refresh: one call however many wait, and never a blind replay. Conformance 30–35.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newKey, sign } from "./parts/hostile.mjs";
import { hostileWorld, sleep, until, world } from "./parts/world.mjs";

/** A session at a scripted provider whose access token has just expired. */
async function expired(t, options) {
  const parts = await hostileWorld(t, options);
  parts.provider.expiresIn = 1;
  const ada = parts.browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  parts.provider.expiresIn = 3600;
  await sleep(1000);
  return { ...parts, ada };
}

const at = (upstream) => upstream.requests.at(-1).headers.authorization;

test("conformance 30: 100 concurrent requests at expiry are 100 successes and one token call", async (t) => {
  const { ada, provider } = await expired(t);
  const responses = await Promise.all(Array.from({ length: 100 }, () => ada.call("/api")));
  assert.deepEqual([...new Set(responses.map(({ status }) => status))], [200]);
  assert.deepEqual([...new Set(responses.map((response) => response.json().headers.authorization))], ["Bearer access-2"]);
  assert.equal(provider.presented.length, 1);
});

test("conformance 30: the same with a token endpoint that takes three seconds", async (t) => {
  const { ada, provider } = await expired(t);
  provider.script["/token"] = provider.after(3000);
  const responses = await Promise.all(Array.from({ length: 100 }, () => ada.call("/api")));
  assert.ok(responses.every(({ status }) => status === 200));
  assert.equal(provider.presented.length, 1);
});

test("conformance 30: the same while the alarm fires", async (t) => {
  const { browser, provider, gateway } = await hostileWorld(t);
  provider.expiresIn = 4;
  const ada = browser();
  await ada.login();
  provider.script["/token"] = provider.after(1500);
  await until("the alarm's call", () => provider.presented.length || provider.count("/token", "refresh_token"), 6);
  const responses = await Promise.all(Array.from({ length: 100 }, () => ada.call("/api")));
  assert.ok(responses.every(({ status }) => status === 200));
  await until("the refresh", () => gateway.events("refresh").length);
  assert.equal(provider.presented.length, 1);
  assert.equal(gateway.events("refresh")[0].cause, "alarm");
});

test("the certified provider sees one refresh of 100 concurrent requests, and its rotation is content", async (t) => {
  const { browser, provider } = await world(t, { provider: { accessTokenSeconds: 2 } });
  const ada = browser();
  await ada.login("return_to=/auth/session");
  for (let round = 1; round <= 3; round++) {
    await sleep(2000);
    const responses = await Promise.all(Array.from({ length: 100 }, () => ada.call("/api")));
    assert.ok(responses.every(({ status }) => status === 200));
  }
  const refreshes = provider.calls.filter(({ path, body }) => path === "/token" && body.get("grant_type") === "refresh_token");
  const tokens = refreshes.map(({ body }) => body.get("refresh_token"));
  assert.equal(new Set(tokens).size, tokens.length);
  assert.ok(tokens.length <= 6, `${tokens.length} refreshes`);
});

test("a client that goes away in the middle of a refresh harms nobody else's", async (t) => {
  const { ada, provider } = await expired(t);
  provider.script["/token"] = provider.after(1500);
  const gone = new AbortController();
  const first = ada.call("/api", { signal: gone.signal }).catch(() => "gone");
  await until("the token call", () => provider.count("/token", "refresh_token"));
  const others = Array.from({ length: 10 }, () => ada.call("/api"));
  await sleep(200);
  gone.abort();
  assert.equal(await first, "gone");
  for (const { status } of await Promise.all(others)) assert.equal(status, 200);
  assert.equal(provider.presented.length, 1);
});

for (const status of [429, 500, 503]) {
  test(`conformance 31: a complete ${status} keeps the session and is retried, at most three times`, async (t) => {
    const { ada, provider } = await expired(t);
    provider.script["/token"] = (call, response) => {
      provider.presented.push(call.body.get("refresh_token"));
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    };
    const response = await ada.call("/api");
    assert.equal(response.status, 503);
    assert.equal(response.json().code, "provider_unavailable");
    assert.ok(Number(response.headers["retry-after"]) > 0);
    await until("the last try", () => provider.presented.length >= 4, 15);
    await sleep(500);
    assert.equal(provider.presented.length, 4);
    const later = await ada.call("/api");
    assert.equal(later.status, 503);
    assert.ok(Number(later.headers["retry-after"]) > 20);
    assert.equal(provider.presented.length, 4);
    assert.ok(ada.session);
  });
}

test("conformance 31: a 503 that passes is retried until it works", async (t) => {
  const { ada, provider, upstream } = await expired(t);
  let refusals = 2;
  provider.script["/token"] = (_, response) => (refusals-- > 0 ? response.writeHead(503).end() : false);
  assert.equal((await ada.call("/api")).status, 200);
  assert.equal(at(upstream), "Bearer access-2");
});

test("conformance 31: Retry-After is respected", async (t) => {
  const { ada, provider } = await expired(t);
  const times = [];
  provider.script["/token"] = (_, response) => {
    times.push(Date.now());
    return times.length === 1 ? response.writeHead(429, { "retry-after": "3" }).end() : false;
  };
  assert.equal((await ada.call("/api")).status, 200);
  assert.ok(times[1] - times[0] >= 2900, `${times[1] - times[0]} ms`);
});

const UNKNOWN = {
  "a 502": (_, response) => response.writeHead(502).end(),
  "a 504": (_, response) => response.writeHead(504).end(),
  "a lost connection": (_, response) => response.destroy(),
  "a malformed 200": (_, response) => response.writeHead(200, { "content-type": "application/json" }).end('{"access_token":'),
  "an answer of 50 MB": (_, response) => response.writeHead(200, { "content-type": "application/json" }).end(Buffer.alloc(50 << 20, 32)),
};
for (const [what, script] of Object.entries(UNKNOWN)) {
  test(`conformance 31: after ${what} the used refresh token is not presented again, and the user comes back silently`, async (t) => {
    const { ada, provider } = await expired(t);
    provider.script["/token"] = (call, response) => {
      provider.presented.push(call.body.get("refresh_token"));
      return script(call, response);
    };
    const first = await ada.call("/api");
    assert.equal(first.status, 401);
    assert.equal(first.json().code, "login_required");
    assert.equal((await ada.call("/api")).status, 401);
    assert.equal(provider.presented.length, 1);
    delete provider.script["/token"];
    const { value } = ada.session;
    const page = await ada.navigate("/page?a=1");
    assert.equal(page.status, 200);
    assert.match(page.url, /\/page\?a=1$/);
    assert.ok(ada.visited.some((url) => url.includes("prompt=none")));
    assert.notEqual(ada.session.value, value);
    assert.equal(provider.presented.length, 1);
  });
}

test("conformance 31: within the leeway a token with unknown outcome is presented again at once", async (t) => {
  const { ada, provider, upstream } = await expired(t, { vars: { OIDC_REUSE_LEEWAY_SECONDS: "30" } });
  let drops = 1;
  provider.script["/token"] = (call, response) => (drops-- > 0 ? (provider.presented.push(call.body.get("refresh_token")), response.destroy()) : false);
  assert.equal((await ada.call("/api")).status, 200);
  assert.deepEqual(provider.presented, ["refresh-1", "refresh-1"]);
  assert.equal(at(upstream), "Bearer access-2");
});

test("a token endpoint that hangs: a request waits ten seconds at most, and the session survives", async (t) => {
  const { ada, provider } = await expired(t);
  provider.script["/token"] = provider.hang();
  const began = Date.now();
  const response = await ada.call("/api");
  assert.ok(Date.now() - began < 14_000);
  assert.ok([401, 503].includes(response.status), `${response.status}`);
  assert.ok(ada.session);
  assert.equal((await ada.call("/auth/session")).status, 200);
});

test("conformance 32: invalid_grant ends the session and clears the cookie", async (t) => {
  const { ada, provider } = await expired(t);
  const { value } = ada.session;
  provider.script["/token"] = (_, response) => response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}');
  const response = await ada.call("/api");
  assert.equal(response.status, 401);
  assert.deepEqual([response.json().code, response.json().reason], ["session_ended", "refresh_rejected"]);
  assert.equal(ada.session, undefined);
  ada.keep(ada.gateway.origin, `session=${value}; Path=/`);
  delete provider.script["/token"];
  assert.equal((await ada.call("/api")).json().reason, "refresh_rejected");
});

for (const [what, change] of Object.entries({ iss: { iss: "https://other.example" }, sub: { sub: "mallory" }, aud: { aud: "other" } })) {
  test(`conformance 34: a refreshed ID token with another ${what} ends the session, and nothing of it is used`, async (t) => {
    const { ada, provider, upstream } = await expired(t);
    const before = upstream.requests.length;
    provider.script.claims = (good) => ({ ...good, ...change });
    const response = await ada.call("/api");
    assert.equal(response.status, 401);
    assert.equal(response.json().reason, "refresh_rejected");
    assert.equal(upstream.requests.length, before);
  });
}

test("conformance 34: a refreshed ID token with a bad signature ends the session", async (t) => {
  const { ada, provider } = await expired(t);
  const forging = await newKey("RS256", "first");
  provider.script.idToken = (nonce, token) => sign(provider.claims(nonce, token), forging);
  assert.equal((await ada.call("/api")).json().reason, "refresh_rejected");
});

test("conformance 34: a response without a refresh token keeps the old one", async (t) => {
  const { ada, provider } = await expired(t);
  provider.script.refreshed = { refresh_token: undefined, expires_in: 1 };
  assert.equal((await ada.call("/api")).status, 200);
  await sleep(1000);
  assert.equal((await ada.call("/api")).status, 200);
  assert.deepEqual([...new Set(provider.presented)], ["refresh-1"]);
});

test("conformance 35: a logout during a refresh is not undone by it, and the new refresh token is revoked", async (t) => {
  const { ada, provider } = await expired(t);
  const { value } = ada.session;
  provider.script["/token"] = provider.after(1500);
  const waiting = ada.call("/api");
  await until("the token call", () => provider.count("/token", "refresh_token"));
  assert.equal((await ada.post("/auth/logout")).status, 303);
  const late = await waiting;
  assert.equal(late.status, 401);
  await until("the revocation", () => provider.calls.some(({ path, body }) => path === "/revoke" && body.get("token") === "refresh-2"));
  ada.keep(ada.gateway.origin, `session=${value}; Path=/`);
  const after = await ada.call("/api");
  assert.deepEqual([after.status, after.json().reason], [401, "logout"]);
});

test("the refresh request names no scope", async (t) => {
  const { ada, provider } = await expired(t);
  await ada.call("/api");
  const { body } = provider.calls.findLast(({ path }) => path === "/token");
  assert.equal(body.get("scope"), null);
  assert.equal(body.get("grant_type"), "refresh_token");
});
