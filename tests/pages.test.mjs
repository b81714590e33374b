// What a person reads who did not get what they asked for: the words, and where the page's link leads.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

/** The links of a page: `{ href, words }`. */
const linksOf = (page) =>
  [...page.text.matchAll(/<a href="([^"]*)">([^<]*)</g)].map(([, href, words]) => ({ href: href.replaceAll("&amp;", "&"), words }));

describe("pages", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { hostile: true });
  });
  after(() => world.close());
  beforeEach(() => {
    world.provider.answers = {};
  });

  /** A login to /deep?a=1&b=2 that comes back with `change` made to its callback. */
  const comeBack = async (browser, change) => {
    const url = await callbackOf(browser, `/auth/login?return_to=${encodeURIComponent("/deep?a=1&b=2")}`);
    change(url.searchParams);
    return browser.navigate(url);
  };
  const refusedWith = (error) => (params) => {
    params.delete("code");
    params.set("error", error);
  };

  test("after a failed login, \"Log in again\" leads to where the user wanted to go", async () => {
    const browser = world.browser();
    const page = await comeBack(browser, refusedWith("access_denied"));
    assert.equal(page.status, 400);
    const [link] = linksOf(page);
    assert.equal(link.words, "Log in again");
    const landed = await browser.navigate(link.href);
    assert.equal(landed.status, 200, landed.text);
    assert.equal(landed.json().url, "/deep?a=1&b=2");
  });

  test("it does so where the code is refused, the client is, or the provider does not answer", async () => {
    for (const [answer, status] of [
      [{ status: 400, json: { error: "invalid_grant" } }, 400],
      [{ status: 401, json: { error: "invalid_client" } }, 502],
      [{ status: 503, body: "" }, 503],
    ]) {
      world.provider.answers.token = () => answer;
      const browser = world.browser();
      const page = await comeBack(browser, () => {});
      assert.equal(page.status, status);
      assert.deepEqual(linksOf(page), [{ href: "/auth/login?return_to=%2Fdeep%3Fa%3D1%26b%3D2", words: "Log in again" }]);
      assert.ok(!browser.jar().header(new URL(browser.origin))?.includes("login-"), "the attempt's cookie is gone");
    }
  });

  test("a cancelled login is told in a user's words, beside the provider's own one", async () => {
    const page = await comeBack(world.browser(), refusedWith("access_denied"));
    assert.match(page.text, /The login was cancelled, or your account may not use this application. \(access_denied\)/);
    assert.doesNotMatch(page.text, /callback/);
  });

  test("a callback in another browser says so, and offers a login", async () => {
    const url = await callbackOf(world.browser());
    const page = await world.browser().navigate(url);
    assert.match(page.text, /it began in another browser, or too long ago/);
    assert.deepEqual(linksOf(page), [{ href: "/auth/login?return_to=%2F", words: "Log in again" }]);
  });

  test("a failed login beside a living session leads back to the page that it was for", async () => {
    const browser = await world.login();
    const page = await comeBack(browser, refusedWith("access_denied"));
    assert.match(page.text, /still logged in/);
    assert.deepEqual(linksOf(page), [{ href: "/deep?a=1&b=2", words: "Back to the application" }]);
  });

  test("the pages of 400, 404 and 405 lead back to the application", async () => {
    for (const [target, status] of [["/auth/nothing", 404], ["/auth/refresh", 405], ["/a%2fb", 400], ["/auth/login?return_to=//evil.example", 400]]) {
      const page = await world.browser().navigate(target);
      assert.equal(page.status, status, target);
      assert.deepEqual(linksOf(page), [{ href: "/", words: "Back to the application" }], target);
    }
  });

  test("the pages of 502 and 503 offer the same address again", async (t) => {
    const { provider, gateway, upstream, browser: open } = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    const again = [{ href: "/auth/login?return_to=/x&prompt=login", words: "Try again" }];
    let ahead = 0;
    for (const [answered, status] of [[404, 502], [500, 503]]) {
      provider.answers.discovery = () => ({ status: answered, body: "" });
      const page = await open().navigate(again[0].href);
      assert.equal(page.status, status);
      assert.deepEqual(linksOf(page), again);
      // The provider is not asked again for five seconds.
      await setClockAhead(gateway, (ahead += 6));
    }
    provider.answers = {};
    const browser = open();
    await browser.login();
    await upstream.close();
    const gone = await browser.navigate("/orders?id=1");
    assert.equal(gone.status, 502);
    assert.deepEqual(linksOf(gone), [{ href: "/orders?id=1", words: "Try again" }]);
  });

  test("a form that is sent without a session gets a page that offers a login", async () => {
    const page = await world.browser().navigate("/orders", { method: "POST", form: { item: "1" }, from: world.gateway.origin });
    assert.equal(page.status, 401);
    assert.match(page.text, /Your data was not saved/);
    assert.deepEqual(linksOf(page), [{ href: "/auth/login?return_to=%2F", words: "Log in" }]);
  });

  test("a request for a host that is not the gateway's says which variable names the hosts", async () => {
    const page = await world.gateway.request("/", { headers: { host: "elsewhere.example", accept: "text/html" } });
    assert.equal(page.status, 404);
    assert.match(page.text, /PUBLIC_ORIGIN/);
    assert.deepEqual(linksOf(page), []);
  });

  test("the question whether to log out speaks of a session only where there is one", async () => {
    const stranger = await world.browser().navigate("/auth/logout", { from: "http://evil.example" });
    assert.equal(stranger.status, 200);
    assert.match(stranger.text, /do not seem to be logged in/);
    assert.deepEqual(linksOf(stranger), [{ href: "/", words: "Back to the application" }]);
    assert.match(stranger.text, /<form method="post" action="\/auth\/logout">/, "a strict cookie may only have stayed away");
    const browser = await world.login();
    const user = await browser.navigate("/auth/logout", { from: "http://evil.example" });
    assert.match(user.text, /You are still logged in/);
    assert.deepEqual(linksOf(user), [{ href: "/", words: "Stay logged in" }]);
  });
});
