// The end of a session: here first, then at the provider, and back. Conformance.md 24, 35, 38.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DROP, HANG } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { sleep, until } from "./parts/process.mjs";
import { rawGet } from "./parts/rawhttp.mjs";
import { createWorld } from "./parts/world.mjs";

describe("logout", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { provider: {} });
  });
  after(() => world.close());

  const statusWith = async (cookie) => (await rawGet(world.gateway.origin, "/api", [`cookie: ${cookie}`])).status;
  /** What a page's own logout button does. */
  const logOut = (browser, target = "/auth/logout", form = {}) =>
    browser.navigate(target, { from: browser.origin, method: "POST", form });

  test("after a logout the old cookie gets 401 session_ended with reason logout on the very next request", async () => {
    const browser = await world.login();
    const cookie = browser.sessionHeader;
    assert.equal(await statusWith(cookie), 200);
    const answer = await browser.api("/auth/logout", { method: "POST" });
    assert.equal(answer.status, 303);
    assert.match(answer.setCookies.join("\n"), /^edge-session=;.*Max-Age=0/m);
    assert.equal(browser.session, undefined);
    const next = await rawGet(world.gateway.origin, "/api", [`cookie: ${cookie}`]);
    assert.equal(next.status, 401);
    assert.equal(next.json().code, "session_ended");
    assert.equal(next.json().reason, "logout");
    assert.match(next.setCookies.join("\n"), /^edge-session=;.*Max-Age=0/m, "the dead cookie is taken away");
    for (const path of ["/auth/session", "/auth/refresh"]) {
      const method = path.endsWith("refresh") ? "POST" : "GET";
      const headers = { cookie, "sec-fetch-site": "same-origin" };
      assert.equal((await world.gateway.request(path, { method, headers })).status, 401, path);
    }
  });

  test("conformance 38: a logout revokes the refresh token at the provider", async () => {
    const browser = await world.login();
    const { refresh_token } = world.provider.calls.token.at(-1).body;
    assert.equal(await world.provider.refreshToken(refresh_token), "live");
    await browser.api("/auth/logout", { method: "POST" });
    await until("it is revoked", async () => (await world.provider.refreshToken(refresh_token)) === "gone", 3000);
    const { params } = world.provider.calls.revocation.at(-1);
    assert.equal(params.token, refresh_token);
    assert.equal(params.token_type_hint, "refresh_token");
  });

  test("conformance 38: RP-initiated logout goes through the provider, ends its session, and comes back to return_to", async () => {
    const browser = await world.login({ hint: "ada" });
    const idToken = world.provider.calls.token.at(-1).body.id_token;
    const page = await logOut(browser, "/auth/logout?return_to=/bye?x=1");
    assert.equal(browser.hops[0].status, 303);
    const end = new URL(browser.hops[0].headers.location);
    assert.equal(`${end.origin}${end.pathname}`, `${world.provider.issuer}/session/end`);
    const params = Object.fromEntries(end.searchParams);
    assert.equal(params.id_token_hint, idToken);
    assert.equal(params.client_id, world.provider.clientId);
    assert.equal(params.post_logout_redirect_uri, `${world.gateway.origin}/auth/logged-out`);
    assert.match(params.state, /^[\w-]{43}$/);
    const back = browser.hops.find(({ url }) => url.pathname === "/auth/logged-out");
    assert.equal(back.status, 303);
    assert.equal(back.headers.location, "/bye?x=1");
    // /bye needs a session. The provider's own session is gone, so another user logs in.
    assert.equal(page.status, 200);
    assert.notEqual((await browser.api("/auth/session")).json().subject, "ada");
  });

  test("a logout without return_to ends on a page, which logs nobody in again", async () => {
    const browser = await world.login();
    const logins = world.provider.calls.authorization.length;
    const page = await logOut(browser);
    assert.equal(page.status, 200);
    assert.equal(page.url.pathname, "/auth/logged-out");
    assert.match(page.text, /logged out/i);
    assert.equal(world.provider.calls.authorization.length, logins);
    assert.equal(browser.session, undefined);
  });

  test("return_to may come in the form", async () => {
    const browser = await world.login();
    await logOut(browser, "/auth/logout", { return_to: "/from-the-form" });
    const back = browser.hops.find(({ url }) => url.pathname === "/auth/logged-out");
    assert.equal(back.headers.location, "/from-the-form");
  });

  test("conformance 38: after a logout the return cookie leads back, with its state or without one, and once", async () => {
    for (const withState of [true, false]) {
      const browser = await world.login();
      const answer = await browser.api("/auth/logout?return_to=/bye", { method: "POST" });
      const { value, httpOnly, path, sameSite, maxAge } = browser.jar().get("edge-return");
      assert.deepEqual({ httpOnly, path, sameSite, maxAge }, { httpOnly: true, path: "/", sameSite: "Lax", maxAge: 600 });
      const state = new URL(answer.headers.location).searchParams.get("state");
      assert.ok(value.startsWith(`${state}.`));
      const target = `/auth/logged-out${withState ? `?state=${state}` : ""}`;
      const back = await browser.navigate(target, { follow: false });
      assert.deepEqual([back.status, back.headers.location], [303, "/bye"]);
      const again = await browser.navigate(target, { follow: false });
      assert.equal(again.status, 200, "the cookie is gone");
    }
  });

  test("conformance 38: /logged-out with another state, or without the return cookie, is the page and leads nowhere", async () => {
    const browser = await world.login();
    const answer = await browser.api("/auth/logout?return_to=/bye", { method: "POST" });
    const state = new URL(answer.headers.location).searchParams.get("state");
    const { name, value } = browser.jar().get("edge-return");
    const other = `${state.slice(0, -2)}${state.at(-2) === "A" ? "B" : "A"}${state.at(-1)}`;
    for (const wrong of ["", "x", ".", `${state}.`, other, "<script>"]) {
      const target = `/auth/logged-out?state=${encodeURIComponent(wrong)}`;
      const page = await world.gateway.request(target, { headers: { cookie: `${name}=${value}` } });
      assert.equal(page.status, 200, wrong);
      assert.ok(!page.text.includes("<script"));
    }
    for (const target of ["/auth/logged-out", `/auth/logged-out?state=${state}`, "/auth/logged-out?return_to=/elsewhere"]) {
      assert.equal((await world.gateway.request(target)).status, 200, target);
    }
    // A forged value leads to this site or nowhere.
    for (const to of ["https://evil.example/", "//evil.example", "/auth/logout"]) {
      const planted = `${state}.${Buffer.from(to).toString("base64url")}`;
      const page = await world.gateway.request("/auth/logged-out", { headers: { cookie: `${name}=${planted}` } });
      assert.ok(page.status === 200 || page.headers.location === "/", `${to}: ${page.status} ${page.headers.location}`);
    }
  });

  test("a logout without return_to does not go where an earlier one was to lead", async () => {
    const browser = await world.login();
    await browser.api("/auth/logout?return_to=/old", { method: "POST" });
    assert.ok(browser.jar().get("edge-return"));
    // There is no session any more, and so no trip to the provider.
    const page = await logOut(browser);
    assert.equal(page.url.pathname, "/auth/logged-out");
    assert.equal(page.status, 200);
    assert.equal(browser.jar().get("edge-return"), undefined);
  });

  test("a logout URL of more than 4,096 characters names the client and the provider's session in place of the ID token", async (t) => {
    const { provider, login } = await createWorld(t, { hostile: true });
    for (const [length, hinted, sid] of [[10, true, "session-1"], [4000, false, "session-1"], [4000, false, undefined]]) {
      provider.idToken = { claims: (claims) => ({ ...claims, sid, groups: "g".repeat(length) }) };
      const browser = await login();
      const answer = await browser.api("/auth/logout", { method: "POST" });
      const params = new URL(answer.headers.location).searchParams;
      assert.ok(answer.headers.location.length <= 4096);
      assert.deepEqual([params.has("id_token_hint"), params.get("logout_hint")], [hinted, hinted ? null : (sid ?? null)]);
      assert.equal(params.get("client_id"), provider.clientId);
    }
  });

  test("conformance 24: a logout that another site asks for with an image, a frame or a link changes nothing", async () => {
    const browser = await world.login();
    for (const [name, headers] of Object.entries({
      image: { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "sec-fetch-site": "cross-site" },
      "image of our own": { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "sec-fetch-site": "same-origin" },
      frame: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site", accept: "text/html" },
      link: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "cross-site", accept: "text/html" },
      sibling: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "same-site", accept: "text/html" },
      prefetch: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "same-origin", "sec-purpose": "prefetch", accept: "text/html" },
      "an old browser": { accept: "text/html" },
    })) {
      const answer = await world.gateway.request("/auth/logout", { headers: { cookie: browser.sessionHeader, ...headers } });
      assert.ok(answer.status === 200 || answer.status >= 400, `${name}: ${answer.status}`);
      assert.equal(answer.setCookies.length, 0, name);
      assert.equal(await statusWith(browser.sessionHeader), 200, name);
    }
  });

  test("a cross-site GET shows a confirmation page whose button logs out", async () => {
    const browser = await world.login();
    const page = await browser.navigate("/auth/logout?return_to=/bye", { from: "http://evil.example" });
    assert.equal(page.status, 200);
    assert.match(page.headers["content-type"], /^text\/html/);
    assert.match(page.headers["content-security-policy"], /frame-ancestors 'none'/, "nobody can click it for the user");
    assert.ok(browser.session);
    await browser.submit(page);
    const back = browser.hops.find(({ url }) => url.pathname === "/auth/logged-out");
    assert.equal(back.headers.location, "/bye");
  });

  test("a GET that the user typed, or that a page of this site links to, logs out at once", async () => {
    for (const from of [undefined, world.gateway.origin]) {
      const browser = await world.login();
      const cookie = browser.sessionHeader;
      await browser.navigate("/auth/logout", { from });
      assert.equal(await statusWith(cookie), 401);
    }
  });

  test("a logout without a session, or with a dead one, is a 303 and no error", async () => {
    const stranger = await world.browser().api("/auth/logout?return_to=/bye", { method: "POST" });
    assert.equal(stranger.status, 303);
    assert.equal(stranger.headers.location, "/bye");
    const nowhere = await world.browser().api("/auth/logout", { method: "POST" });
    assert.equal(new URL(nowhere.headers.location, world.gateway.origin).pathname, "/auth/logged-out");
    const browser = await world.login();
    const cookie = browser.sessionHeader;
    await browser.api("/auth/logout", { method: "POST" });
    const again = await world.gateway.request("/auth/logout", { method: "POST", headers: { cookie, "sec-fetch-site": "same-origin" } });
    assert.equal(again.status, 303);
    assert.match(again.setCookies.join("\n"), /^edge-session=;/m);
  });

  test("a logout in one tab is a logout in all, another browser of the user stays logged in", async () => {
    const tab = await world.login({ hint: "ada" });
    const elsewhere = await world.login({ hint: "ada" });
    const cookie = tab.sessionHeader;
    await tab.api("/auth/logout", { method: "POST" });
    assert.equal(await statusWith(cookie), 401);
    assert.equal(await statusWith(elsewhere.sessionHeader), 200);
  });

  test("after a logout there is no token left with which the session could come back, not even after a restart", async (t) => {
    const { gateway, login } = await createWorld(t);
    const browser = await login();
    const cookie = browser.sessionHeader;
    await browser.api("/auth/logout", { method: "POST" });
    await gateway.kill9();
    await gateway.restart();
    const answer = await gateway.request("/api", { headers: { cookie } });
    assert.equal(answer.status, 401);
    assert.equal(answer.json().reason, "logout");
  });

  test("conformance 35: a refresh that is in flight does not bring the session back, and its new refresh token is revoked", async (t) => {
    const { provider, gateway, login } = await createWorld(t, { hostile: true });
    const browser = await login();
    const cookie = browser.sessionHeader;
    provider.answers.token = async (valid) => {
      const answer = valid();
      await sleep(1000);
      return answer;
    };
    const refresh = gateway.request("/auth/refresh", { method: "POST", headers: { cookie, "sec-fetch-site": "same-origin" } });
    await until("the refresh is under way", () => provider.refreshes.length === 1);
    const logout = await browser.api("/auth/logout", { method: "POST" });
    assert.equal(logout.status, 303);
    assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401, "at once");
    assert.equal((await refresh).status, 401);
    const brought = () => provider.refreshes[0].answer?.json.refresh_token;
    await until("the new refresh token is revoked", () => brought() && provider.revoked.includes(brought()), 4000);
    const answer = await gateway.request("/api", { headers: { cookie } });
    assert.equal(answer.status, 401);
    assert.equal(answer.json().reason, "logout");
  });

  for (const [what, answer] of [["does not answer", HANG], ["drops the connection", DROP], ["answers 500", { status: 500, body: "" }]]) {
    test(`a revocation endpoint that ${what} does not keep the user logged in`, async (t) => {
      const { provider, gateway, login } = await createWorld(t, { hostile: true });
      const browser = await login();
      const cookie = browser.sessionHeader;
      provider.answers.revocation = () => answer;
      const logout = await browser.api("/auth/logout", { method: "POST", limit: 25_000 });
      assert.equal(logout.status, 303);
      assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401);
    });
  }

  test("without an end-session endpoint a logout goes straight to return_to, or to the page", async (t) => {
    const { login } = await createWorld(t, { hostile: { discovery: { end_session_endpoint: undefined } } });
    const browser = await login();
    const answer = await browser.api("/auth/logout?return_to=/bye", { method: "POST" });
    assert.equal(answer.headers.location, "/bye");
    const second = await login();
    const page = await second.navigate("/auth/logout", { from: second.origin, method: "POST", form: {} });
    assert.equal(page.url.pathname, "/auth/logged-out");
    assert.equal(page.status, 200);
  });

  test("without a revocation endpoint a logout ends the session all the same", async (t) => {
    const { gateway, login } = await createWorld(t, { hostile: { discovery: { revocation_endpoint: undefined } } });
    const browser = await login();
    const cookie = browser.sessionHeader;
    assert.equal((await browser.api("/auth/logout", { method: "POST" })).status, 303);
    assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401);
  });

  for (const [what, endpoints, seconds, throughProvider] of [
    ["discovery, with no document that is good any more", ["discovery"], 3700, false],
    ["the revocation endpoint", ["revocation"], 0, true],
    ["discovery and the revocation endpoint, with a stale document", ["discovery", "revocation"], 1800, true],
    ["everything", ["discovery", "revocation", "jwks", "token"], 3700, false],
  ]) {
    test(`a logout waits 3 s for all calls together while ${what} hangs, and the session is over before that`, async (t) => {
      const { provider, gateway, login } = await createWorld(t, { hostile: { accessTokenSeconds: 86_000 }, entry: INSTRUMENTS });
      const browser = await login();
      const cookie = browser.sessionHeader;
      for (const endpoint of endpoints) provider.answers[endpoint] = () => HANG;
      await setClockAhead(gateway, seconds);
      const began = Date.now();
      const leaving = browser.api("/auth/logout", { method: "POST" });
      await until("it is over", async () => (await gateway.request("/api", { headers: { cookie } })).status === 401, 2500);
      const answer = await leaving;
      assert.ok(Date.now() - began < 4000, `${Date.now() - began} ms`);
      assert.equal(answer.status, 303);
      assert.equal(answer.headers.location.startsWith(provider.issuer), throughProvider, answer.headers.location);
      assert.equal(browser.session, undefined);
    });
  }
});
