// The main job: a browser logs in, and its requests carry the token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { world } from "./parts/world.mjs";
import { Browser } from "./parts/browser.mjs";

test("a browser logs in and its requests carry the token, and not the session cookie", async (t) => {
  const { browser, upstream, provider } = await world(t);
  const ada = browser();
  const page = await ada.login("return_to=/page%3Fa%3D1");
  assert.equal(page.status, 200);
  assert.equal(page.url, `${ada.gateway.origin}/page?a=1`);
  const { headers } = upstream.requests.at(-1);
  assert.match(headers.authorization, /^Bearer \S+$/);
  const { kind } = await provider.oidc.AccessToken.find(headers.authorization.slice(7));
  assert.equal(kind, "AccessToken");
  assert.doesNotMatch(headers.cookie ?? "", /session=/);
  assert.match(ada.session.value, /^[a-z]+\.[0-9a-f]{64}\.[\w-]{43}$/);
  assert.ok(ada.session.attributes.httponly);
  assert.equal(ada.session.attributes.path, "/");
});

test("a navigation without a session is sent to the login and comes back to its own address", async (t) => {
  const { browser } = await world(t);
  const page = await browser().navigate("/deep/page?x=%20y&z=1");
  assert.equal(page.status, 200);
  assert.match(page.url, /\/deep\/page\?x=%20y&z=1$/);
});

test("a call without a session gets a 401 problem, never a redirect", async (t) => {
  const { browser, upstream } = await world(t);
  const response = await browser().call("/api/things");
  assert.equal(response.status, 401);
  assert.equal(response.headers["content-type"], "application/problem+json");
  assert.equal(response.json().code, "login_required");
  assert.equal(response.headers["cache-control"], "no-store");
  assert.equal(upstream.requests.length, 0);
  const prefetch = await browser().send("/page", { headers: { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-purpose": "prefetch" } });
  assert.equal(prefetch.status, 401);
});

test("two logins in two tabs at once both succeed", async (t) => {
  const { browser } = await world(t);
  const ada = browser();
  const first = await ada.toCallback("return_to=/first");
  const second = await ada.toCallback("return_to=/second");
  assert.match((await ada.navigate(first)).url, /\/first$/);
  assert.match((await ada.navigate(second)).url, /\/second$/);
});

test("at most eight logins of one browser are under way", async (t) => {
  const { browser } = await world(t);
  const ada = browser();
  for (let tab = 0; tab < 10; tab++) await ada.send("/auth/login");
  const logins = [...ada.cookies().keys()].filter((name) => name.startsWith("login-"));
  assert.equal(logins.length, 8);
});

test("a second login of the same browser makes one token call, at most one UserInfo call and no discovery", async (t) => {
  const { browser, provider } = await world(t);
  await browser().login();
  provider.calls.length = 0;
  await browser().login();
  assert.equal(provider.count("/token"), 1);
  assert.equal(provider.count("/me"), 1);
  assert.equal(provider.count("/.well-known/openid-configuration"), 0);
  assert.equal(provider.count("/jwks"), 0);
});

test("a callback opened twice, or in another browser, creates nothing", async (t) => {
  const { browser, provider } = await world(t);
  const ada = browser();
  const callback = await ada.toCallback();
  const stranger = browser();
  assert.equal((await stranger.navigate(callback)).status, 400);
  assert.equal(stranger.session, undefined);
  assert.equal(provider.count("/token"), 0);

  const login = new Map(ada.cookies());
  await ada.navigate(callback);
  const { value } = ada.session;
  for (const [name, cookie] of login) ada.cookies().set(name, cookie);
  const again = await ada.navigate(callback);
  assert.equal(again.status, 400);
  assert.equal(ada.session.value, value);
  assert.equal(provider.count("/token"), 1);
  assert.equal((await ada.call("/x")).status, 200);
});

test("an explicit prompt=none that the provider refuses goes on without a session", async (t) => {
  const { browser, upstream } = await world(t);
  const ada = browser();
  const stopped = await ada.navigate("/auth/login?prompt=none&return_to=/public", { stop: (url) => url.endsWith("/public") });
  assert.match(stopped.next, /\/public$/);
  assert.equal(ada.session, undefined);
  assert.equal(upstream.requests.length, 0);
});

test("the hints of /login reach the provider, and nothing else does", async (t) => {
  const { browser } = await world(t);
  const response = await browser().send("/auth/login?login_hint=ada&ui_locales=de&scope=evil&redirect_uri=https://evil.example&nonce=n&client_id=x");
  const query = new URL(response.headers.location).searchParams;
  assert.equal(query.get("login_hint"), "ada");
  assert.equal(query.get("ui_locales"), "de");
  assert.equal(query.get("scope"), "openid profile email offline_access");
  assert.equal(query.getAll("nonce").length, 1);
  assert.notEqual(query.get("nonce"), "n");
  assert.equal(query.get("client_id"), "gateway");
  assert.equal(query.get("code_challenge_method"), "S256");
  assert.equal(response.status, 302);
});

test("a person who logs in while logged in gets a new session, and the old cookie is dead", async (t) => {
  const { browser, gateway } = await world(t);
  const ada = browser();
  await ada.login();
  const old = new Browser(gateway);
  old.keep(gateway.origin, ada.session.line);
  await ada.login();
  assert.notEqual(ada.session.value, old.session.value);
  const response = await old.call("/x");
  assert.equal(response.status, 401);
  assert.equal(response.json().reason, "superseded");
  assert.equal(response.setCookie.length, 0);
});
