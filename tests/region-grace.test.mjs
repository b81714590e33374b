// The grace of a session that its user has left behind in another region: it answers for a while, and no longer than the
// session lives in whose favour it has gone.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cookieOf, DENVER, FRANKFURT, loginAt, SYDNEY, travel } from "./parts/places.mjs";
import { sleep, until } from "./parts/process.mjs";
import { administer, withCookie } from "./parts/sessions.mjs";
import { createWorld } from "./parts/world.mjs";

/** Another tab's refresh, with nothing but this cookie. */
const refreshWith = (world, cookie) => withCookie(world, cookie, "/auth/refresh", { method: "POST" });

describe("region-grace", { concurrency: 2 }, () => {
  test("the old actor serves its token for the grace, never presents its refresh token again, and then says superseded and leaves the cookie alone", async (t) => {
    const world = await createWorld(t, { vars: { REGION_GRACE_SECONDS: "2" } });
    const browser = await loginAt(world, FRANKFURT);
    const [old, token] = [browser.session, await world.token(browser)];
    await travel(browser, SYDNEY).navigate("/page");
    assert.notEqual(browser.session.value, old.value);

    const during = await withCookie(world, old);
    assert.equal(during.status, 200);
    assert.match(during.text, new RegExp(token), "its access token goes on");
    const refreshes = world.provider.refreshes.length;
    const refreshed = await refreshWith(world, old);
    assert.equal(refreshed.status, 200, refreshed.text);
    assert.equal(refreshed.json().region, "weur", "it is answered with what there is");
    assert.equal(world.provider.refreshes.length, refreshes);

    const after = await until("the grace is over", async () => {
      const answer = await withCookie(world, old);
      return answer.status !== 200 && answer;
    });
    assert.equal(after.status, 401);
    assert.equal(after.json().code, "session_ended");
    assert.equal(after.json().reason, "superseded");
    assert.deepEqual(after.setCookies, []);
    assert.ok(await world.token(browser), "the new one lives");
    await world.gateway.untilEvent("alarm", ({ outcome }) => outcome === "settled");
  });

  for (const [what, end] of [
    ["a logout in the new session", (world, browser) => browser.api("/auth/logout", { method: "POST" })],
    ["an administrator's revocation", (world, browser) => administer(world.gateway, "DELETE", `/sessions/${cookieOf(browser).actor}`)],
    ["the end of all of a user's sessions", async (world, browser) => administer(world.gateway, "DELETE", `/users/${(await browser.api("/auth/session")).json().subject}/sessions`)],
    ["an administrator's revocation of the old id", (world, browser, old) => administer(world.gateway, "DELETE", `/sessions/${old.value.split(".")[1]}`)],
  ]) {
    test(`${what} ends the old actor's grace, too, on the very next request`, async (t) => {
      const world = await createWorld(t, { vars: { REGION_GRACE_SECONDS: "300" } });
      const browser = await loginAt(world, FRANKFURT);
      const old = browser.session;
      await travel(browser, SYDNEY).navigate("/page");
      assert.equal((await withCookie(world, old)).status, 200);
      const now = browser.session;
      assert.ok([200, 204, 303].includes((await end(world, browser, old)).status));
      for (const cookie of [old, now]) {
        const answer = await withCookie(world, cookie);
        assert.equal(answer.status, 401, answer.text);
        assert.equal(answer.json().code, "session_ended");
      }
    });
  }

  test("a refresh in the grace is no way around the end of the new session", async (t) => {
    const world = await createWorld(t, { vars: { REGION_GRACE_SECONDS: "300" } });
    const browser = await loginAt(world, FRANKFURT);
    const old = browser.session;
    await travel(browser, SYDNEY).navigate("/page");
    assert.equal((await refreshWith(world, old)).status, 200);
    assert.equal((await administer(world.gateway, "DELETE", `/sessions/${cookieOf(browser).actor}`)).status, 204);
    const answer = await refreshWith(world, old);
    assert.equal(answer.status, 401, answer.text);
    assert.equal(answer.json().code, "session_ended");
  });

  for (const [what, end] of [
    ["an administrator's revocation", (world, { actor }) => administer(world.gateway, "DELETE", `/sessions/${actor}`)],
    ["the user's own, from another session", async (world, { actor }, user) => {
      const other = await loginAt(world, FRANKFURT, { hint: user });
      return other.api(`/auth/sessions/${actor}`, { method: "DELETE" });
    }],
    ["the end of all of the user's sessions", (world, _, user) => administer(world.gateway, "DELETE", `/users/${user}/sessions`)],
    ["a logout at the provider", async (world, { browser }) => {
      const { id_token } = world.provider.calls.token.at(-1).body;
      const page = await browser.navigate(`${world.provider.issuer}/session/end?id_token_hint=${id_token}`);
      assert.deepEqual(world.provider.notified, ["ok"]);
      return page;
    }],
  ]) {
    test(`${what} holds for every cookie on the very next request, though the session has moved on since its silent move`, async (t) => {
      const world = await createWorld(t, { provider: { backchannel: true }, vars: { REGION_GRACE_SECONDS: "300" } });
      const user = "ada";
      const browser = await loginAt(world, FRANKFURT, { hint: user });
      const cookies = [browser.session];
      await travel(browser, SYDNEY).navigate("/page");
      cookies.push(browser.session);
      const moved = await administer(world.gateway, "POST", `/sessions/${cookieOf(browser).actor}/migrate`, { region: "me" });
      assert.equal(moved.status, 200, moved.text);
      for (const cookie of cookies) assert.equal((await withCookie(world, cookie)).status, 200, "in its grace, or sent on");
      const { status } = await end(world, { actor: moved.json().id, browser }, user);
      assert.ok([200, 204].includes(status), String(status));
      for (const cookie of cookies) {
        const answer = await withCookie(world, cookie);
        assert.equal(answer.status, 401, answer.text);
        assert.equal(answer.json().code, "session_ended");
      }
    });
  }

  test("a session whose successor has moved on, and lives, goes on answering in its grace", async (t) => {
    const world = await createWorld(t, { vars: { REGION_GRACE_SECONDS: "300", REGION_MIN_STAY_SECONDS: "1" } });
    const browser = await loginAt(world, FRANKFURT);
    const first = browser.session;
    await travel(browser, SYDNEY).navigate("/page");
    await sleep(1100);
    const second = browser.session;
    await travel(browser, DENVER).navigate("/page");
    assert.notEqual(browser.session.value, second.value);
    for (const cookie of [first, second]) assert.equal((await withCookie(world, cookie)).status, 200);
    await administer(world.gateway, "DELETE", `/sessions/${cookieOf(browser).actor}`);
    for (const cookie of [first, second]) assert.equal((await withCookie(world, cookie)).status, 401);
  });
});
