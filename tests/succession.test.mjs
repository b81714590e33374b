// Logins that take the place of a session: of two at once the later one ends the earlier, and the session before them learns
// of it whatever happens.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { LIFE } from "./parts/expired.mjs";
import { NAVIGATION } from "./parts/gateway.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { MESSAGES } from "./parts/messages.mjs";
import { sleep, until } from "./parts/process.mjs";
import { administer, inspect, withCookie } from "./parts/sessions.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

/** Opens a callback with these cookies: those from before any login came back, say. */
const openCallback = ({ gateway }, { pathname, search }, cookie) =>
  gateway.request(`${pathname}${search}`, { headers: { ...NAVIGATION, cookie } });

/** A browser with a session, and two tabs of it at the provider, each to log in: `comeBack(tab)` opens its callback. */
async function twoLogins(t) {
  const world = await createWorld(t, { hostile: true });
  const browser = await world.login({ hint: "ada" });
  const callbacks = [await callbackOf(browser, "/auth/login?prompt=login"), await callbackOf(browser, "/auth/login?prompt=login")];
  const cookie = browser.jar().header(callbacks[0]);
  const comeBack = async (tab) => {
    const answer = await openCallback(world, callbacks[tab], cookie);
    assert.equal(answer.status, 303, answer.text);
    return sessionOf(answer);
  };
  return { world, browser, comeBack };
}

/** The session cookie that an answer sets. */
function sessionOf({ setCookies }) {
  const [, name, value] = setCookies.map((line) => /^(edge-session)=([^;]+)/.exec(line)).find(Boolean);
  return { name, value };
}

/** A world whose session has run out of tokens, so that each of two tabs is on its way through the provider silently. */
async function twoTabs(t) {
  const world = await createWorld(t, { hostile: { accessTokenSeconds: LIFE }, entry: INSTRUMENTS, vars: { REGION_GRACE_SECONDS: "1" } });
  const browser = await world.login({ hint: "ada" });
  const old = browser.session;
  world.provider.answers.token = (valid, { params }) => {
    return params.grant_type === "refresh_token" ? { status: 502, body: "" } : valid();
  };
  await setClockAhead(world.gateway, LIFE + 1);
  // Both begin before either comes back.
  const callbacks = [await callbackOf(browser, "/one"), await callbackOf(browser, "/two")];
  const cookies = browser.jar().header(callbacks[0]);
  /** Opens the callback of a tab, with the cookies from before either login. */
  const comeBack = async (tab) => {
    const answer = await openCallback(world, callbacks[tab], cookies);
    assert.equal(answer.status, 303, answer.text);
    return sessionOf(answer);
  };
  return { world, browser, old, comeBack };
}

const activeOnes = async (world, subject = "ada") =>
  (await administer(world.gateway, "GET", `/users/${subject}/sessions`)).json().sessions.filter(({ state }) => state === "active");

describe("succession", { concurrency: 2 }, () => {
  for (const [how, together] of [["one after the other", false], ["at once", true]]) {
    test(`two tabs that renew one session ${how} leave one session, the later one`, async (t) => {
      const { world, old, comeBack } = await twoTabs(t);
      const made = together ? await Promise.all([comeBack(0), comeBack(1)]) : [await comeBack(0), await comeBack(1)];
      const active = await activeOnes(world);
      assert.equal(active.length, 1, JSON.stringify(active));
      const lives = made.find((cookie) => actorOf(cookie) === active[0].id);
      const other = made.find((cookie) => cookie !== lives);
      if (!together) assert.equal(lives, made[1]);
      assert.equal((await withCookie(world, lives)).status, 200);
      const ended = await until("the earlier one has ended", async () => {
        const answer = await withCookie(world, other);
        return answer.status !== 200 && answer;
      });
      assert.equal(ended.json().reason, "superseded");
      assert.deepEqual(world.provider.revoked, [], "one user's logins may share a grant");
      // Its age goes over, from the first login on.
      const { created_at } = (await withCookie(world, lives, "/auth/session")).json();
      assert.equal(created_at, (await inspect(world.gateway, actorOf(old))).created_at);
    });
  }

  for (const [what, end] of [
    ["a revocation of the old id", (world, old) => administer(world.gateway, "DELETE", `/sessions/${actorOf(old)}`)],
    ["a logout with the old cookie", (world, old) => withCookie(world, old, "/auth/logout", { method: "POST" })],
  ]) {
    test(`after two tabs have renewed a session, ${what} ends all of it`, async (t) => {
      const { world, old, comeBack } = await twoTabs(t);
      const made = [await comeBack(0), await comeBack(1)];
      assert.ok([204, 303].includes((await end(world, old)).status));
      for (const cookie of [old, ...made]) assert.equal((await withCookie(world, cookie)).status, 401);
      assert.deepEqual(await activeOnes(world), []);
      await until("its refresh token is revoked", () => world.provider.revoked.length > 0);
    });
  }

  test("an interactive login as somebody else ends the session of the other tab, and revokes what cannot be shared", async (t) => {
    const { world, comeBack } = await twoLogins(t);
    await comeBack(0);
    assert.equal((await activeOnes(world)).length, 1);
    assert.deepEqual(world.provider.revoked, []);
    world.provider.subject = "mallory";
    await comeBack(1);
    assert.deepEqual(await activeOnes(world), [], "ada's session of the first tab has ended");
    assert.equal((await activeOnes(world, "mallory")).length, 1);
    await until("its refresh token is revoked", () => world.provider.revoked.length === 1);
  });

  test("a crash before the old session was told that a login took its place does not let its cookie serve", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: DEAF });
    const browser = await world.login({ hint: "ada" });
    const old = browser.session;
    await world.gateway.request("/__deaf?on=1");
    await browser.navigate("/auth/login?prompt=login&return_to=/auth/session");
    assert.notEqual(browser.session.value, old.value);
    await world.gateway.untilEvent("revoke", ({ outcome }) => outcome === "not_superseded");
    await world.gateway.kill9();
    await world.gateway.restart();
    const answer = await until("the old session knows", async () => {
      const answer = await withCookie(world, old);
      return answer.status === 401 && answer;
    });
    assert.equal(answer.json().reason, "superseded");
    assert.equal((await withCookie(world, browser.session)).status, 200);
  });

  test("a session that has ended does not end a later login when it tells the one before it", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: DEAF });
    const browser = await world.login({ hint: "ada" });
    const first = browser.session;
    // The second tab is at the provider while the first one logs in.
    const later = await callbackOf(browser, "/auth/login?prompt=login&return_to=/auth/session");
    await world.gateway.request("/__deaf?on=1");
    await browser.navigate("/auth/login?prompt=login&return_to=/auth/session");
    const second = browser.session;
    await world.gateway.untilEvent("revoke", ({ outcome }) => outcome === "not_superseded");
    await world.gateway.request("/__deaf?on=0");
    await browser.navigate(later);
    const third = browser.session;
    assert.equal((await withCookie(world, second)).status, 401);
    await sleep(7000); // the second one tells the first one again
    assert.equal((await withCookie(world, first)).status, 401);
    assert.equal((await withCookie(world, third)).status, 200, "the latest login lives");
    assert.equal((await activeOnes(world)).length, 1);
  });

  test("after a restart, a session that had told the one before it does not end a later login by telling it again", async (t) => {
    const { world, comeBack } = await twoLogins(t);
    await comeBack(0);
    await world.gateway.kill9();
    await world.gateway.restart();
    const latest = await comeBack(1);
    await sleep(3000);
    assert.equal((await withCookie(world, latest)).status, 200);
    assert.equal((await activeOnes(world)).length, 1);
  });

  test("a logout of the new session does not make the old one forget that it is over", async (t) => {
    const world = await createWorld(t, { hostile: true, entry: DEAF });
    const browser = await world.login({ hint: "ada" });
    const old = browser.session;
    await world.gateway.request("/__deaf?on=1");
    await browser.navigate("/auth/login?prompt=login&return_to=/auth/session");
    assert.equal((await browser.api("/auth/logout", { method: "POST" })).status, 303);
    assert.equal((await withCookie(world, old)).status, 200, "it does not know yet");
    await world.gateway.request("/__deaf?on=0");
    await until("it knows", async () => (await withCookie(world, old)).status === 401);
  });
});

/** A main module whose session actors can refuse `Supersede`, as if they were out of reach. */
const DEAF = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";
let deaf = false;
const SUPERSEDE = ${MESSAGES.Supersede};
export class SessionActor extends exported.SessionActor {
  async ask(message) {
    if (deaf && message[1] === SUPERSEDE) throw new Error("unreachable");
    return super.ask(message);
  }
}
export default {
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/__deaf") {
      deaf = searchParams.get("on") === "1";
      return new Response("");
    }
    return bundle.fetch(request, env, context);
  }
}
`;
