// The provider away: what still works, what gets 503, and how it goes on when the provider is back.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { sleep } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const LIFE = 60;

describe("outage", { concurrency: 3 }, () => {
  const start = async (t, vars) => {
    const world = await createWorld(t, { hostile: { accessTokenSeconds: LIFE }, entry: INSTRUMENTS, vars });
    const browser = await world.login();
    return { ...world, browser };
  };

  test("with the provider down a valid token goes on working", async (t) => {
    const { provider, browser, token } = await start(t);
    const first = await token(browser);
    await provider.close();
    for (let i = 0; i < 5; i += 1) assert.equal(await token(browser), first);
    assert.equal((await browser.api("/auth/session")).status, 200);
    await provider.comeBack();
  });

  test("with the provider down an expired token gets 503 with Retry-After, API call and navigation alike, and the session survives", async (t) => {
    const { provider, gateway, browser } = await start(t);
    const cookie = browser.session.value;
    await provider.close();
    await setClockAhead(gateway, LIFE + 1);
    for (let i = 0; i < 3; i += 1) {
      const answer = await browser.api("/api");
      assert.equal(answer.status, 503, answer.text);
      assert.equal(answer.json().code, "provider_unavailable");
      assert.ok(Number(answer.headers["retry-after"]) > 0);
    }
    const page = await browser.navigate("/page");
    assert.equal(page.status, 503);
    assert.match(page.headers["content-type"], /^text\/html/);
    assert.ok(Number(page.headers["retry-after"]) > 0);
    assert.equal(page.url.pathname, "/page", "nobody is sent to a provider that is not there");
    assert.equal(browser.session.value, cookie);
    assert.equal((await browser.api("/auth/session")).status, 200);

    await provider.comeBack();
    await sleep(5100); // its last silence counts so long
    const back = await browser.navigate("/page?x=1");
    assert.equal(back.status, 200, back.text);
    assert.equal(back.json().url, "/page?x=1");
    assert.equal((await browser.api("/auth/session")).json().subject, "ada");
  });

  test("a provider behind a broken proxy (502 for everything) is down, too, and its refresh token is presented once", async (t) => {
    const { provider, gateway, browser } = await start(t);
    const broken = () => ({ status: 502, body: "" });
    for (const endpoint of Object.keys(provider.calls)) provider.answers[endpoint] = broken;
    await setClockAhead(gateway, LIFE + 1);
    for (let i = 0; i < 3; i += 1) {
      const answer = await browser.api("/api");
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers["retry-after"]) > 0);
    }
    assert.equal(provider.refreshes.length, 1);
    provider.answers = {};
    await sleep(5100);
    assert.equal((await browser.api("/api")).status, 401);
    assert.equal((await browser.navigate("/page")).status, 200);
    assert.equal(provider.refreshes.length, 1);
  });

  test("within OIDC_REUSE_LEEWAY_SECONDS an outage ends with the same session and no trip to the provider", async (t) => {
    const { provider, gateway, browser, token } = await start(t, { OIDC_REUSE_LEEWAY_SECONDS: "3600" });
    const first = await token(browser);
    await provider.close();
    await setClockAhead(gateway, LIFE + 1);
    assert.equal((await browser.api("/api")).status, 503);
    await provider.comeBack();
    await setClockAhead(gateway, LIFE + 12);
    assert.notEqual(await token(browser), first);
    assert.equal(provider.calls.authorization.length, 1);
  });

  test("with the provider down a login is 503 with Retry-After, as a page, and works again when that is over", async (t) => {
    const { provider, browser: open } = await createWorld(t, { hostile: true });
    const browser = open();
    await provider.close();
    const page = await browser.navigate("/auth/login");
    assert.equal(page.status, 503);
    assert.match(page.headers["content-type"], /^text\/html/);
    assert.ok(Number(page.headers["retry-after"]) > 0);
    await provider.comeBack();
    assert.ok(Number(page.headers["retry-after"]) <= 6);
    await sleep(5100);
    await browser.login();
  });

  test("with the provider down a logout still ends the session", async (t) => {
    const { provider, gateway, browser } = await start(t);
    const cookie = browser.sessionHeader;
    await provider.close();
    const answer = await browser.api("/auth/logout", { method: "POST" });
    assert.equal(answer.status, 303);
    assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401);
    await provider.comeBack();
  });

  test("healthz does not depend on the provider", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true });
    await provider.close();
    assert.equal((await gateway.request("/auth/healthz")).status, 200);
    await provider.comeBack();
  });
});
