// A provider that does not answer, and an actor that does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileWorld, sleep } from "./parts/world.mjs";

test("the provider down: a valid token goes on working, an expired one gets 503 with Retry-After, and the session survives", async (t) => {
  const { browser, provider, upstream } = await hostileWorld(t);
  provider.expiresIn = 3;
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  await provider.stop();
  assert.equal((await ada.call("/x")).status, 200);
  await sleep(3000);
  for (let ask = 0; ask < 2; ask++) {
    const response = await ada.call("/x");
    assert.equal(response.status, 503);
    assert.equal(response.json().code, "provider_unavailable");
    assert.ok(Number(response.headers["retry-after"]) > 0);
  }
  const navigation = await ada.navigate("/page");
  assert.equal(navigation.status, 503);
  assert.match(navigation.headers["content-type"], /html/);
  assert.equal((await ada.call("/auth/session")).status, 200);

  await provider.up();
  await sleep(2100);
  provider.expiresIn = 3600;
  const created = (await ada.call("/auth/session")).json().created_at;
  const page = await ada.navigate("/page");
  assert.equal(page.status, 200);
  assert.equal(upstream.requests.at(-1).url, "/page");
  assert.equal((await ada.call("/auth/session")).json().created_at, created);
});

test("a login while the provider is down is a 503 and leaves nothing behind", async (t) => {
  const { browser, provider, gateway } = await hostileWorld(t);
  await provider.stop();
  const ada = browser();
  const page = await ada.navigate("/auth/login");
  assert.equal(page.status, 503);
  assert.equal(ada.cookies().size, 0);
  const [event, ...more] = gateway.events();
  assert.deepEqual([event.event, event.outcome, more.length], ["begin", "provider_unavailable", 0]);
  // None: an actor that never began holds nothing.
  assert.deepEqual(await gateway.ask([1, 5], event.actor), Uint8Array.of(1, 0, 0));
});

test("a silent login that comes back as another user inherits nothing", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.expiresIn = 1;
  provider.script.tokens = { refresh_token: undefined };
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  const before = (await ada.call("/auth/session")).json();
  provider.script.claims = (good) => ({ ...good, sub: "grace" });
  provider.script.userinfo = { sub: "grace" };
  provider.expiresIn = 3600;
  await sleep(1100);
  assert.equal((await ada.navigate("/page")).status, 200);
  const after = (await ada.call("/auth/session")).json();
  assert.equal(after.subject, "grace");
  assert.notEqual(after.created_at, before.created_at);
});

test("a silent login that the provider refuses leads to an interactive one and back to the same address", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.expiresIn = 1;
  provider.script.tokens = { refresh_token: undefined };
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  provider.expiresIn = 3600;
  await sleep(1100);
  provider.script.callback = (query) => (query.get("prompt") === "none" ? { code: undefined, error: "login_required" } : {});
  ada.visited.length = 0;
  const page = await ada.navigate("/page?a=1");
  assert.equal(page.status, 200);
  assert.match(page.url, /\/page\?a=1$/);
  assert.equal(ada.visited.filter((url) => url.includes("/authorize")).length, 2);
});

test("without a refresh token an expired session is a 401 for a call, and comes back silently for a navigation", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.expiresIn = 1;
  provider.script.tokens = { refresh_token: undefined };
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  provider.expiresIn = 3600;
  const before = (await ada.call("/auth/session")).json();
  await sleep(1100);
  const call = await ada.call("/x");
  assert.deepEqual([call.status, call.json().code], [401, "login_required"]);
  assert.equal((await ada.navigate("/page")).status, 200);
  const after = (await ada.call("/auth/session")).json();
  assert.deepEqual([after.created_at, after.expires_at], [before.created_at, before.expires_at]);
});

test("an actor that does not answer is a 503 within its time limit, not a hang", async (t) => {
  const main = `import worker, { SessionActor as Real } from "./entry.js";
    export default worker;
    export class SessionActor extends Real { ask(message) { return message[1] === 2 ? new Promise((resolve) => setTimeout(resolve, 60_000)) : super.ask(message); } }`;
  const { browser } = await hostileWorld(t, { main });
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/logged-out");
  const began = Date.now();
  const response = await ada.call("/x");
  assert.deepEqual([response.status, response.json().code], [503, "store_unavailable"]);
  assert.ok(response.headers["retry-after"]);
  assert.ok(Date.now() - began < 20_000);
});
