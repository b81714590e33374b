// The yardstick of `make bench`: its figures count only if the hand-written token handler does its job.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Browser } from "./parts/browser.mjs";
import { startGateway } from "./parts/gateway.mjs";
import { ROOT, sleep } from "./parts/process.mjs";
import { startProvider } from "./parts/provider.mjs";
import { startUpstream, valuesOf } from "./parts/upstream.mjs";

const HANDLER = { folder: `${ROOT}/bench/handler`, config: `${ROOT}/bench/handler/wrangler.jsonc` };
const TOKEN_SECONDS = 5;

describe("bench", () => {
  let provider;
  let upstream;
  let gateway;
  before(async () => {
    [provider, upstream] = await Promise.all([startProvider({ accessTokenSeconds: TOKEN_SECONDS }), startUpstream()]);
    gateway = await startGateway({ provider, upstream, bundle: HANDLER });
    provider.allow(gateway.origin);
  });
  after(async () => {
    await gateway.close();
    await Promise.all([provider.close(), upstream.close()]);
  });

  const login = async () => {
    const browser = new Browser({ origin: gateway.origin, cookie: { session: "handler-session" } });
    await browser.login();
    return browser;
  };
  const tokenOf = (answer) => {
    assert.equal(answer.status, 200, answer.text);
    return valuesOf(answer.json().headers, "authorization")[0];
  };

  test("the hand-written token handler refreshes once for all requests that come together", async () => {
    const browser = await login();
    const old = tokenOf(await browser.api("/x"));
    assert.match(old, /^Bearer /);
    const before = provider.refreshes.length;
    await sleep(TOKEN_SECONDS * 1000);
    const tokens = await Promise.all(Array.from({ length: 8 }, async () => tokenOf(await browser.api("/x"))));
    assert.equal(new Set(tokens).size, 1);
    assert.notEqual(tokens[0], old);
    assert.equal(provider.refreshes.length - before, 1);
  });

  test("the hand-written token handler keeps its sessions over a restart, and ends them at the logout", async () => {
    const browser = await login();
    await gateway.restart();
    assert.match(tokenOf(await browser.api("/x")), /^Bearer /);
    const cookie = browser.sessionHeader;
    assert.equal((await browser.api("/auth/logout", { method: "POST" })).status, 303);
    assert.equal(browser.session, undefined);
    assert.equal((await gateway.request("/x", { headers: { cookie } })).status, 401);
  });

  test("the hand-written token handler refuses other sites' requests, and other states at the callback", async () => {
    const browser = await login();
    const headers = { cookie: browser.sessionHeader, "sec-fetch-site": "cross-site" };
    assert.equal((await gateway.request("/x", { method: "POST", headers })).status, 403);
    const seen = upstream.requests.length;
    assert.equal((await gateway.visit("/auth/callback?code=x&state=y", { headers: { cookie: "handler-login=z.a.b.%2F" } })).status, 400);
    assert.equal(upstream.requests.length, seen);
  });

  test("the hand-written token handler takes its own cookies out, and leaves the application's", async () => {
    const browser = await login();
    const answer = await gateway.request("/x", { headers: { cookie: `a=1; ${browser.sessionHeader}; b=2` } });
    assert.deepEqual(valuesOf(answer.json().headers, "cookie"), ["a=1; b=2"]);
    assert.equal(answer.headers["cache-control"], "no-store");
  });
});
