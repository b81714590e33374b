// Cookies and fixation: conformance 17, 18, 19, 21.
import assert from "node:assert/strict";
import { test } from "node:test";
import { send } from "./parts/browser.mjs";
import { world } from "./parts/world.mjs";

const call = (gateway, cookie) => send(gateway.url("/x"), { headers: { accept: "application/json", cookie } });

test("conformance 17: a cookie planted before the login is replaced, and the old one is dead", async (t) => {
  const { browser, gateway } = await world(t);
  const mallory = browser();
  await mallory.login();
  const planted = mallory.session;
  const ada = browser();
  ada.keep(gateway.origin, planted.line);
  await ada.login("return_to=/&prompt=login");
  assert.notEqual(ada.session.value, planted.value);
  assert.notEqual(ada.actor, mallory.actor);
  const response = await call(gateway, `session=${planted.value}`);
  assert.equal(response.status, 401);
  assert.equal(response.json().reason, "superseded");
});

test("conformance 17: a made-up cookie planted before the login is replaced", async (t) => {
  const { browser, gateway } = await world(t);
  const ada = browser();
  ada.keep(gateway.origin, `session=weur.${"a".repeat(64)}.${"A".repeat(43)}; Path=/`);
  await ada.login();
  assert.ok(!ada.session.value.includes("aaaaaaaa"));
  assert.equal((await ada.call("/x")).status, 200);
});

test("conformance 18: a login cookie is no session cookie", async (t) => {
  const { browser, gateway } = await world(t);
  const ada = browser();
  await ada.toCallback();
  const [, login] = [...ada.cookies()].find(([name]) => name.startsWith("login-"));
  const response = await call(gateway, `session=weur.${login.value}`);
  assert.equal(response.status, 401);
  assert.equal(response.json().code, "login_required");
});

test("conformance 18: the login's secret is not the session's", async (t) => {
  const { browser, gateway } = await world(t);
  const ada = browser();
  const callback = await ada.toCallback();
  const [, login] = [...ada.cookies()].find(([name]) => name.startsWith("login-"));
  await ada.navigate(callback);
  assert.equal((await call(gateway, `session=weur.${login.value}`)).status, 401);
  assert.equal((await ada.call("/x")).status, 200);
});

test("conformance 19: duplicates, look-alikes and malformed cookies count as none", async (t) => {
  const { browser, gateway } = await world(t);
  const ada = browser();
  await ada.login();
  const { value } = ada.session;
  const [region, actor, secret] = value.split(".");
  for (const cookie of [
    `session=${value}; session=${value}`, `session=${value}; session=`, `session=; session=${value}`, `session=${value}; session=x`,
    `Session=${value}`, `$Version=1; session2=${value}`, `__Host-Http-session=${value}`, `=session=${value}`, `session=${value}x`,
    `session=${region}.${actor}.${"A".repeat(43)}`, `session=${region}.${"f".repeat(64)}.${secret}`, `session=${region}.${actor.toUpperCase()}.${secret}`,
    `session=moon.${actor}.${secret}`, `session=${actor}.${secret}`, "session", "",
  ]) {
    const response = await call(gateway, cookie);
    assert.equal(response.status, 401, cookie);
    assert.equal(response.json().code, "login_required");
  }
  assert.equal((await call(gateway, `a=1; session=${value}; b=2`)).status, 200);
});

test("conformance 21: COOKIE_SAME_SITE=strict lands logged in", async (t) => {
  const { browser } = await world(t, { vars: { COOKIE_SAME_SITE: "strict" } });
  const ada = browser();
  const page = await ada.navigate("/auth/login?return_to=/in");
  assert.equal(page.status, 200);
  assert.match(page.body, /<meta http-equiv="refresh" content="0;url=\/in">/);
  assert.equal(ada.session.attributes.samesite, "Strict");
  const next = await ada.navigate("/in", { headers: { "sec-fetch-site": "same-origin" } });
  assert.equal(next.status, 200);
  assert.match(next.headers["content-type"], /json/);
});

test("conformance 21: a strict cookie that stays away from a cross-site navigation costs one reload, not a login", async (t) => {
  const { browser } = await world(t, { vars: { COOKIE_SAME_SITE: "strict" } });
  const page = await browser().navigate("/in?a=1", { headers: { "sec-fetch-site": "cross-site" }, stop: () => true });
  assert.equal(page.status, 200);
  assert.match(page.body, /content="0;url=\/in\?a=1"/);
  const again = await browser().navigate("/in?a=1", { headers: { "sec-fetch-site": "same-origin" }, stop: () => true });
  assert.equal(again.status, 302);
});

test("the session cookie lives as long as the session may", async (t) => {
  const { browser } = await world(t, { vars: { SESSION_ABSOLUTE_SECONDS: "1000" } });
  const ada = browser();
  await ada.login();
  const life = Number(ada.session.attributes["max-age"]);
  assert.ok(life > 990 && life <= 1000, `${life}`);
});
