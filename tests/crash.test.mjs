// kill -9 in the middle of things, and a restart on the same storage: what was presented is never presented again
// blindly. Conformance.md 33.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HANG } from "./parts/hostile.mjs";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const LIFE = 2;

/** Asks until the refresh token has been presented, by the alarm or by a request. Nothing waits for the answers. */
async function untilPresented({ gateway, provider, browser }, more = 1) {
  const enough = provider.presented.length + more;
  const headers = { cookie: browser.sessionHeader };
  await until("the refresh token is presented", async () => {
    gateway.request("/api", { headers }).catch(() => {});
    await sleep(100);
    return provider.presented.length >= enough;
  });
}

/** A gateway that was killed while the provider, which has taken the refresh token, had not answered yet. */
async function crashed(t, { vars, hostile = {} } = {}) {
  const world = await createWorld(t, { hostile: { accessTokenSeconds: LIFE, ...hostile }, vars });
  const browser = await world.login();
  const { provider, gateway } = world;
  provider.answers.token = (valid, { params }) => {
    const answer = valid();
    return params.grant_type === "refresh_token" ? HANG : answer;
  };
  await untilPresented({ ...world, browser });
  const [used] = provider.presented;
  await gateway.kill9();
  provider.answers = {};
  await sleep(LIFE * 1000); // whatever there was of the old access token is over
  await gateway.restart();
  return { ...world, browser, used };
}

describe("crash", { concurrency: 3 }, () => {
  test("conformance 33: after a kill -9 in the middle of a refresh the refresh token is never presented again", async (t) => {
    const { provider, gateway, browser, used } = await crashed(t);
    for (let i = 0; i < 5; i += 1) {
      const answer = await browser.api("/api");
      assert.equal(answer.status, 401, answer.text);
      assert.equal(answer.json().code, "login_required");
    }
    await browser.api("/auth/refresh", { method: "POST" });
    await sleep(LIFE * 1000 + 500); // an alarm that was set before the crash fires, too
    assert.deepEqual(provider.presented, [used]);
    assert.ok(browser.session, "the cookie is kept");
    assert.ok(gateway.events.some(({ event, outcome }) => event === "refresh" && outcome === "unknown"));
  });

  test("conformance 33: then the user is re-authenticated with prompt=none, at the same URL, and the session goes on", async (t) => {
    const { provider, browser, used, token } = await crashed(t);
    const before = (await browser.api("/auth/session")).json();
    const page = await browser.navigate("/deep?x=1");
    assert.equal(page.status, 200, page.text);
    assert.equal(page.json().url, "/deep?x=1");
    assert.equal(provider.calls.authorization.at(-1).params.prompt, "none");
    assert.equal((await browser.api("/auth/session")).json().created_at, before.created_at);
    assert.ok(await token(browser));
    assert.equal(provider.presented.filter((token) => token === used).length, 1);
  });

  test("conformance 33: the same with a real provider, which would end the grant at a second presentation", async (t) => {
    const world = await createWorld(t, { provider: { accessTokenSeconds: LIFE } });
    const browser = await world.login({ hint: "ada" });
    world.provider.around.token = async (next) => {
      await next();
      await sleep(60_000); // it was rotated, and nobody hears of it
    };
    await untilPresented({ ...world, browser });
    await world.gateway.kill9();
    await sleep(LIFE * 1000);
    world.provider.around = {};
    await world.gateway.restart();
    const page = await browser.navigate("/deep");
    assert.equal(page.status, 200, page.text);
    const { presented } = world.provider;
    assert.equal(new Set(presented).size, presented.length, "none was presented twice");
    assert.ok(await world.provider.knows(await world.token(browser)));
    assert.equal((await browser.api("/auth/session")).json().subject, "ada");
  });

  test("within OIDC_REUSE_LEEWAY_SECONDS the refresh token is presented again after a crash, and the session goes on", async (t) => {
    const { provider, browser, used, token } = await crashed(t, {
      vars: { OIDC_REUSE_LEEWAY_SECONDS: "60" },
      hostile: { rotates: false },
    });
    assert.ok(await token(browser));
    assert.equal(provider.presented.filter((token) => token === used).length, 2);
  });

  test("a kill -9 in the middle of a refresh that was asked for leaves the valid access token in use, and the refresh token alone", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const browser = await world.login();
    const first = await world.token(browser);
    world.provider.answers.token = () => HANG;
    const headers = { cookie: browser.sessionHeader, "sec-fetch-site": "same-origin" };
    world.gateway.request("/auth/refresh", { method: "POST", headers }).catch(() => {});
    await until("the refresh token is presented", () => world.provider.presented.length === 1);
    await world.gateway.kill9();
    world.provider.answers = {};
    await world.gateway.restart();
    assert.equal(await world.token(browser), first);
    await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(world.provider.presented.length, 1);
  });

  test("a kill -9 at rest loses nothing: sessions, logins under way and their ends are there again", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const browser = await world.login();
    const first = await world.token(browser);
    const underWay = world.browser();
    const login = await underWay.navigate("/auth/login?return_to=/there", { follow: false });
    await world.gateway.kill9();
    await world.gateway.restart();
    assert.equal(await world.token(browser), first);
    assert.equal(world.provider.presented.length, 0);
    const page = await underWay.navigate(login.headers.location);
    assert.equal(page.json().url, "/there");
  });

  test("a kill -9 right behind a refresh keeps what it brought", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const browser = await world.login();
    await browser.api("/auth/refresh", { method: "POST" });
    const second = await world.token(browser);
    await world.gateway.kill9();
    await world.gateway.restart();
    assert.equal(await world.token(browser), second);
  });

  test("a kill -9 while the code is exchanged leaves no session, and the callback cannot be used again", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const browser = world.browser();
    world.provider.answers.token = () => HANG;
    const callback = browser.navigate("/auth/login").catch(() => {});
    await until("the code is presented", () => world.provider.calls.token.length === 1);
    const { url } = browser.hops.at(-1);
    await world.gateway.kill9();
    await callback;
    world.provider.answers = {};
    await world.gateway.restart();
    assert.ok(url);
    const code = world.provider.calls.token[0].params.code;
    const { state } = world.provider.calls.authorization[0].params;
    const again = await browser.navigate(`/auth/callback?${new URLSearchParams({ code, state, iss: world.provider.issuer })}`);
    assert.equal(again.status, 400);
    assert.equal(browser.session, undefined);
    assert.equal(world.provider.calls.token.length, 1);
    await browser.login();
  });
});
