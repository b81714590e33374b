// Cookies that somebody planted, doubled, swapped or kept: conformance.md 17, 18, 19, 21, and several tabs at once.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { raw, rawGet } from "./parts/rawhttp.mjs";
import { createWorld } from "./parts/world.mjs";

describe("fixation", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { provider: {} });
  });
  after(() => world.close());

  const get = (header) => rawGet(world.gateway.origin, "/api", header === undefined ? [] : [`cookie: ${header}`]);
  const statusWith = async (header) => (await get(header)).status;

  test("conformance 17: a session cookie planted before a login is replaced, and the planted one is dead", async () => {
    const mallory = await world.login({ hint: "mallory" });
    const planted = mallory.session.value;
    const ada = world.browser();
    ada.jar().store(new URL(world.gateway.origin), `edge-session=${planted}; Path=/`);
    await ada.login({ hint: "ada" });
    assert.notEqual(ada.session.value, planted);
    assert.notEqual(ada.session.value.split(".")[2], planted.split(".")[2], "another secret");
    assert.equal((await ada.api("/auth/session")).json().subject, "ada");
    const old = await mallory.api("/api");
    assert.equal(old.status, 401);
    assert.equal(old.json().reason, "superseded");
    assert.equal(mallory.session.value, planted, "superseded never clears the cookie");
  });

  test("conformance 17: logging in again makes a new secret and ends the old session", async () => {
    const browser = await world.login();
    const old = browser.sessionHeader;
    await browser.login();
    assert.notEqual(browser.sessionHeader, old);
    assert.equal(await statusWith(old), 401);
    assert.equal(await statusWith(browser.sessionHeader), 200);
  });

  test("conformance 17: a callback link made by somebody else logs nobody in as them", async () => {
    const mallory = world.browser();
    const callback = await callbackAfterInteraction(mallory, "/auth/login?login_hint=mallory");
    const ada = world.browser();
    const page = await ada.navigate(callback, { follow: false });
    assert.equal(page.status, 400);
    assert.equal(ada.session, undefined);
  });

  test("conformance 18: a login cookie is no session cookie", async () => {
    const browser = world.browser();
    await browser.navigate("/auth/login", { follow: false });
    const login = browser.jar().get(world.gateway.cookie.login);
    for (const value of [login.value, `weur.${login.value}`]) {
      const answer = await get(`edge-session=${value}`);
      assert.equal(answer.status, 401);
      assert.equal(answer.json().code, "login_required");
    }
  });

  test("a session cookie is no login cookie", async () => {
    const browser = await world.login();
    const [, actor, secret] = browser.session.value.split(".");
    const url = `/auth/callback?code=x&state=0123abcd.${"a".repeat(43)}&iss=${encodeURIComponent(world.provider.issuer)}`;
    const answer = await rawGet(world.gateway.origin, url, [`cookie: edge-login-0123abcd=${actor}.${secret}`]);
    assert.equal(answer.status, 400);
    assert.ok(await world.token(browser));
  });

  test("conformance 19: two session cookies count as none, whichever comes first and whatever the other is", async () => {
    const browser = await world.login();
    const good = browser.sessionHeader;
    assert.equal(await statusWith(good), 200);
    const other = (await world.login()).sessionHeader;
    for (const second of ["edge-session=", "edge-session=x", "edge-session=weur.x.y", other, good]) {
      for (const header of [`${good}; ${second}`, `${second}; ${good}`, `${good};${second}`, `a=b; ${good}; c=d; ${second}`]) {
        const answer = await get(header);
        assert.equal(answer.status, 401, header.slice(0, 60));
        assert.equal(answer.json().code, "login_required");
      }
      const lines = ["GET /api HTTP/1.1", `host: ${new URL(world.gateway.origin).host}`, `cookie: ${good}`, `cookie: ${second}`];
      assert.equal((await raw(world.gateway.origin, lines)).status, 401, `two Cookie headers, ${second.slice(0, 20)}`);
    }
  });

  test("conformance 19: nameless, $Version and look-alike cookies are neither ours nor in our way", async () => {
    const browser = await world.login();
    const { value } = browser.session;
    for (const name of ["session", "Edge-Session", "EDGE-SESSION", "edge-sess ion", "$edge-session", "edge-session2", "_edge-session", "edge-xsession", "edge-x-session", "edge-session%", "__Host-Http-session", "__Host-session"]) {
      assert.equal(await statusWith(`${name}=${value}`), 401, name);
    }
    for (const bystander of ["$Version=1", "=nameless", "nameless", "session=x", "Edge-Session=x", "a=edge-session=x", 'q="edge-session=x"', "edge-session2=x", "edge-x-session=x", "=edge-session=x"]) {
      assert.equal(await statusWith(`${bystander}; edge-session=${value}`), 200, bystander);
      assert.equal(await statusWith(`edge-session=${value}; ${bystander}`), 200, bystander);
    }
  });

  test("conformance 19: a cookie that is almost right is none", async () => {
    const browser = await world.login();
    const [region, actor, secret] = browser.session.value.split(".");
    const flip = (text) => `${text.slice(0, -2)}${text.at(-2) === "A" ? "B" : "A"}${text.at(-1)}`;
    for (const value of [
      `${actor}.${secret}`,
      `${region}.${actor}`,
      `${region}.${actor}.`,
      `${region}.${actor}.${secret}.x`,
      `${region}.${actor}.${secret}=`,
      `${region}.${actor}.${flip(secret)}`,
      `${region}.${actor}.${secret.slice(0, -1)}`,
      `${region}.${actor.toUpperCase()}.${secret}`,
      `${region}.${actor.slice(0, -1)}.${secret}`,
      `mars.${actor}.${secret}`,
      `${region}.${"0".repeat(64)}.${secret}`,
      `${region}.${flip(actor)}.${secret}`,
      `"${region}.${actor}.${secret}"`,
      encodeURIComponent(`${region}/${actor}/${secret}`),
    ]) {
      const answer = await get(`edge-session=${value}`);
      assert.equal(answer.status, 401, value);
      assert.equal(answer.json().code, "login_required", value);
    }
    const otherRegion = region === "oc" ? "me" : "oc";
    assert.equal(await statusWith(`edge-session=${otherRegion}.${actor}.${secret}`), 200, "the region only informs");
  });

  test("a forged cookie costs nothing: no actor writes for it", async () => {
    const before = world.gateway.events.length;
    const secret = "a".repeat(43);
    for (let i = 0; i < 20; i += 1) {
      const actor = i.toString(16).padStart(64, "0");
      assert.equal(await statusWith(`edge-session=weur.${actor}.${secret}`), 401);
    }
    assert.equal(world.gateway.events.length, before);
  });

  test("two logins in two tabs at once both succeed", async () => {
    const browser = world.browser();
    const first = await callbackAfterInteraction(browser, "/auth/login?return_to=/one");
    const second = await callbackAfterInteraction(browser, "/auth/login?return_to=/two");
    assert.equal(browser.jar().cookies.filter(({ name }) => name.startsWith("edge-login-")).length, 2);
    const one = await browser.navigate(first);
    assert.equal(one.status, 200);
    assert.equal(one.json().url, "/one");
    const two = await browser.navigate(second);
    assert.equal(two.status, 200);
    assert.equal(two.json().url, "/two");
    assert.ok(await world.token(browser));
    assert.equal(browser.jar().cookies.filter(({ name }) => name.startsWith("edge-login-")).length, 0, "no login cookie is left");
  });

  test("at most 8 logins of a browser are kept, the newest ones", async () => {
    const browser = world.browser();
    const callbacks = [];
    for (let i = 0; i < 10; i += 1) callbacks.push(await callbackAfterInteraction(browser, `/auth/login?return_to=/${i}`));
    assert.equal(browser.jar().cookies.filter(({ name }) => name.startsWith("edge-login-")).length, 8);
    assert.equal((await browser.navigate(callbacks[0])).status, 400);
    assert.equal((await browser.navigate(callbacks[9])).json().url, "/9");
  });

  test("the cookies on plain http have their documented attributes", async () => {
    const browser = await world.login();
    const { httpOnly, secure, path, sameSite, domain, maxAge } = browser.session;
    assert.deepEqual({ httpOnly, secure, path, sameSite, domain }, { httpOnly: true, secure: false, path: "/", sameSite: "Lax", domain: undefined });
    assert.ok(maxAge > 604_790 && maxAge <= 604_800, `${maxAge}`);
    const begun = browser.hops.find(({ url }) => url.pathname === "/auth/login").setCookies;
    assert.equal(begun.length, 1);
    assert.match(begun[0], /^edge-login-[0-9a-f]{8}=[\w-]{200,};/);
    assert.match(begun[0], /; Max-Age=1200(;|$)/);
    assert.deepEqual(browser.jar().refused, []);
  });

  test("conformance 21: with COOKIE_SAME_SITE=strict a login still lands logged in", async (t) => {
    // With another host name than the provider's, it is another site.
    const strict = await createWorld(t, { provider: { interactive: true }, host: "localhost", vars: { COOKIE_SAME_SITE: "strict" } });
    const browser = strict.browser();
    const form = await browser.navigate("/page?x=1");
    assert.equal(form.url.origin, strict.provider.issuer);
    const landed = await browser.submit(form);
    assert.equal(landed.status, 200, landed.text);
    assert.equal(landed.url.origin, strict.gateway.origin);
    assert.equal(landed.json().url, "/page?x=1");
    assert.equal(browser.session.sameSite, "Strict");
    const callback = browser.hops.find(({ url }) => url.pathname === "/auth/callback");
    assert.equal(callback.status, 200, "a page that goes on by itself");
    assert.equal(callback.sent["sec-fetch-site"], "cross-site");
  });

  test("conformance 21: with strict cookies a link on another site opens the page logged in, without a new login", async (t) => {
    const strict = await createWorld(t, { host: "localhost", vars: { COOKIE_SAME_SITE: "strict" } });
    const browser = await strict.login();
    const logins = strict.provider.calls.authorization.length;
    const page = await browser.navigate("/page?x=1", { from: "http://127.0.0.1:9" });
    assert.equal(page.status, 200);
    assert.equal(page.json().url, "/page?x=1");
    assert.equal(strict.provider.calls.authorization.length, logins);
    // This happens once: a user without a session is sent to log in, and not in a loop.
    const stranger = strict.browser();
    const landed = await stranger.navigate("/page", { from: "http://127.0.0.1:9" });
    assert.equal(landed.status, 200);
    assert.ok(strict.provider.calls.authorization.length > logins);
  });

  /** Follows a login up to the callback's URL, which is not opened. */
  async function callbackAfterInteraction(browser, target = "/auth/login") {
    let next = new URL(target, world.gateway.origin);
    for (let hop = 0; hop < 8; hop += 1) {
      const answer = await browser.navigate(next, { follow: false });
      next = new URL(answer.headers.location, answer.url);
      if (next.pathname === "/auth/callback") return next;
    }
    throw new Error(`the login of ${target} leads nowhere`);
  }
});
