// A session follows its user: REGION_POLICY=reauthenticate, with a real provider. One silent trip, no request that
// fails, one owner of the grant, and no path that goes in circles.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BREAKABLE_DIRECTORY, setDirectory } from "./parts/directory.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { at, cookieOf, DENVER, FRANKFURT, loginAt, SYDNEY, travel } from "./parts/places.mjs";
import { sleep, until } from "./parts/process.mjs";
import { withCookie } from "./parts/sessions.mjs";
import { createWorld } from "./parts/world.mjs";

const bearer = { authorization: `Bearer ${ADMIN_TOKEN}` };
const detailOf = async ({ gateway }, id) =>
  (await gateway.request(`/auth/admin/sessions/${id}`, { headers: bearer })).json();
const viewOf = async (browser) => (await browser.api("/auth/session")).json();
/** The last navigation's way, as `status path`. */
const wayOf = ({ hops }) => hops.map(({ status, url }) => `${status} ${url.pathname}`);
const trips = ({ provider }) => provider.calls.authorization.filter(({ query }) => query.client_id).length;

describe("region", { concurrency: 2 }, () => {
  test("logged in in Frankfurt, a page opened from Sydney makes one silent trip and comes back to the same URL in a new actor there", async (t) => {
    const world = await createWorld(t, { provider: { interactive: true } });
    const browser = travel(world.browser(), FRANKFURT);
    await browser.submit(await browser.navigate("/auth/login?return_to=/"));
    const [before, old] = [await viewOf(browser), cookieOf(browser)];
    assert.equal(old.region, "weur");
    assert.equal(before.region, "weur");

    travel(browser, SYDNEY);
    const page = await browser.navigate("/deep/page?x=1&y=%20");
    assert.equal(page.status, 200);
    assert.equal(`${page.url.pathname}${page.url.search}`, "/deep/page?x=1&y=%20");
    assert.deepEqual(wayOf(browser), ["302 /deep/page", "302 /auth/login", "303 /auth", "303 /auth/callback", "200 /deep/page"]);
    const { query } = world.provider.calls.authorization.at(-1);
    assert.equal(query.prompt, "none");
    assert.ok(query.id_token_hint, "the provider is told whom it is for");

    const [after, now] = [await viewOf(browser), cookieOf(browser)];
    assert.equal(now.region, "oc");
    assert.equal(after.region, "oc");
    assert.notEqual(now.actor, old.actor);
    assert.notEqual(now.secret, old.secret);
    assert.equal(after.subject, before.subject);
    for (const kept of ["created_at", "expires_at"]) assert.equal(after[kept], before[kept], kept);
    assert.ok(await world.token(browser));
    assert.equal(trips(world), 2);

    const { sessions } = (await browser.api("/auth/sessions")).json();
    assert.deepEqual(sessions.map(({ id, region, state, current }) => [id, region, state, current]), [[now.actor, "oc", "active", true]]);

    const ledger = (await detailOf(world, now.actor)).ledger;
    assert.ok(ledger.some(({ event, region }) => event === "complete" && region === "weur"), "the ledger came along");
    const left = await detailOf(world, old.actor);
    assert.equal(left.state, "moved");
    assert.equal(left.moved_to, now.actor);
    assert.ok(left.ledger.some(({ event, outcome }) => event === "observe" && outcome === "reauthenticate"));
  });

  test("only a GET navigation moves a session: fetches, form posts, prefetches and frames are served where it is", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT);
    const { value } = browser.session;
    travel(browser, SYDNEY);
    assert.equal((await browser.api("/api")).status, 200);
    const post = await browser.navigate("/form", { method: "POST", form: { field: "kept" }, from: world.gateway.origin });
    assert.equal(post.status, 200);
    assert.equal(post.json().length, "field=kept".length);
    for (const more of [
      { "sec-purpose": "prefetch", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
    ]) {
      const answer = await browser.api("/page", { headers: more });
      assert.equal(answer.status, 200);
    }
    assert.equal(browser.session.value, value);
    await browser.navigate("/page");
    assert.notEqual(browser.session.value, value, "the next safe navigation does");
  });

  test("no request fails while a session moves", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT);
    travel(browser, SYDNEY);
    world.provider.around.authorization = async (next) => {
      await sleep(700);
      await next();
    };
    let over = false;
    const moving = browser.navigate("/page").finally(() => (over = true));
    const statuses = [];
    while (!over) {
      statuses.push(...(await Promise.all([1, 2, 3].map(() => browser.api("/api")))).map(({ status }) => status));
    }
    const page = await moving;
    assert.equal(page.status, 200);
    assert.ok(statuses.length > 10);
    assert.deepEqual(statuses.filter((status) => status !== 200), []);
    assert.equal(cookieOf(browser).region, "oc");
  });

  test("50 parallel API calls from the new region while the session moves: 50 successes", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT);
    travel(browser, SYDNEY);
    let arrived;
    const under = new Promise((resolve) => (arrived = resolve));
    world.provider.around.token = async (next) => {
      arrived();
      await sleep(300);
      await next();
    };
    const moving = browser.navigate("/page");
    await under;
    const cookie = { ...browser.session };
    const answers = await Promise.all(Array.from({ length: 50 }, () => withCookie(world, cookie, "/api", { headers: at(SYDNEY) })));
    assert.deepEqual(answers.filter(({ status }) => status !== 200).map(({ text }) => text), []);
    assert.equal((await moving).status, 200);
    assert.equal(cookieOf(browser).region, "oc");
  });

  test("sixteen navigations that alternate between two regions make one trip, and every page is served", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT);
    const before = trips(world);
    for (let i = 0; i < 16; i += 1) {
      const page = await travel(browser, i % 2 ? FRANKFURT : SYDNEY).navigate(`/page/${i}`);
      assert.equal(page.status, 200);
      assert.equal(page.url.pathname, `/page/${i}`);
    }
    assert.equal(trips(world) - before, 1);
  });

  test("the next move is made when REGION_MIN_STAY_SECONDS are over", async (t) => {
    const world = await createWorld(t, { vars: { REGION_MIN_STAY_SECONDS: "2" } });
    const browser = await loginAt(world, FRANKFURT);
    await travel(browser, SYDNEY).navigate("/page");
    await travel(browser, DENVER).navigate("/page");
    assert.equal(cookieOf(browser).region, "oc", "not at once");
    await sleep(2200);
    await browser.navigate("/page");
    assert.equal(cookieOf(browser).region, "wnam");
    assert.ok(await world.token(browser));
  });

  test("login_required leads to an interactive login that comes back to the same URL, while the old session goes on", async (t) => {
    const world = await createWorld(t, { provider: { interactive: true } });
    const browser = travel(world.browser(), FRANKFURT);
    await browser.submit(await browser.navigate("/auth/login?return_to=/"));
    const old = browser.session;
    browser.jar(world.provider.issuer).cookies = [];

    const form = await travel(browser, SYDNEY).navigate("/deep/page");
    assert.match(form.text, /Log in/);
    assert.equal(world.provider.calls.authorization.filter(({ query }) => query.prompt === "none").length, 1);
    assert.equal((await browser.api("/api")).status, 200, "meanwhile the old session serves");
    const page = await browser.submit(form);
    assert.equal(page.status, 200);
    assert.equal(page.url.pathname, "/deep/page");
    assert.equal(cookieOf(browser).region, "oc");
    assert.equal((await withCookie(world, old)).json().reason, "superseded");
  });

  test("with COOKIE_SAME_SITE=strict a session moves, and login_required asks the user, all the same", async (t) => {
    const world = await createWorld(t, { provider: { interactive: true }, vars: { COOKIE_SAME_SITE: "strict", REGION_MIN_STAY_SECONDS: "1" } });
    const browser = travel(world.browser(), FRANKFURT);
    await browser.submit(await browser.navigate("/auth/login?return_to=/"));
    const page = await travel(browser, SYDNEY).navigate("/page");
    assert.equal(page.status, 200);
    assert.equal(cookieOf(browser).region, "oc");
    await sleep(1100);
    browser.jar(world.provider.issuer).cookies = [];
    const form = await travel(browser, DENVER).navigate("/page");
    assert.match(form.text, /Log in/);
    assert.equal((await browser.submit(form)).status, 200);
    assert.equal(cookieOf(browser).region, "wnam");
  });

  test("a user who does not log in again is not sent to the provider at every page", async (t) => {
    const world = await createWorld(t, { provider: { interactive: true } });
    const browser = travel(world.browser(), FRANKFURT);
    await browser.submit(await browser.navigate("/auth/login?return_to=/"));
    browser.jar(world.provider.issuer).cookies = [];
    travel(browser, SYDNEY);
    await browser.navigate("/page");
    const before = trips(world);
    for (let i = 0; i < 3; i += 1) assert.equal((await browser.navigate("/page")).status, 200);
    assert.equal(trips(world), before);
  });

  test("any other error of the provider keeps the old session until the next minimum stay", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const browser = await loginAt(world, FRANKFURT);
    const { value } = browser.session;
    world.provider.answers.authorization = (_, { params }) => {
      const back = new URL(params.redirect_uri);
      for (const [name, value] of Object.entries({ error: "server_error", state: params.state, iss: world.provider.issuer })) {
        back.searchParams.set(name, value);
      }
      return { status: 303, headers: { location: back.href } };
    };
    travel(browser, SYDNEY);
    const page = await browser.navigate("/page");
    assert.equal(page.status, 200);
    assert.equal(page.url.pathname, "/page");
    assert.equal(browser.session.value, value);
    const silent = world.provider.calls.authorization.length;
    assert.equal((await browser.navigate("/page")).status, 200);
    assert.equal(world.provider.calls.authorization.length, silent);
    await world.gateway.untilEvent("complete", ({ outcome }) => outcome === "kept");
  });

  test("a provider that is down when a session is to move costs nobody anything", async (t) => {
    const world = await createWorld(t, { provider: { accessTokenSeconds: 300 } });
    const browser = await loginAt(world, FRANKFURT);
    const { value } = browser.session;
    world.provider.around.token = async (_, __, ctx) => {
      ctx.status = 503;
    };
    const page = await travel(browser, SYDNEY).navigate("/page");
    assert.equal(page.status, 200);
    assert.equal(page.url.pathname, "/page");
    assert.equal(browser.session.value, value);
    assert.ok(await world.token(browser));
  });

  test("a move that its directory does not take leaves the old session as it was, and its grant at the provider, too", async (t) => {
    const world = await createWorld(t, { entry: BREAKABLE_DIRECTORY });
    const browser = await loginAt(world, FRANKFURT);
    const [{ value }, token] = [browser.session, await world.token(browser)];
    world.provider.around.token = async (next) => {
      await next();
      await setDirectory(world.gateway, "down");
    };
    const page = await travel(browser, SYDNEY).navigate("/page");
    assert.equal(page.status, 200);
    assert.equal(browser.session.value, value);
    await world.gateway.untilEvent("complete", ({ outcome }) => outcome === "kept");
    world.provider.around.token = undefined;
    await setDirectory(world.gateway, "well");
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.notEqual(await world.token(browser), token);
    assert.equal(world.provider.calls.revocation.length, 0, "with one of its tokens the provider would end the grant of both");
  });

  test("a silent login that comes back as another user inherits nothing, and the old session ends", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT, { hint: "ada" });
    const [old, before] = [browser.session, await viewOf(browser)];
    // The same browser logs in at the provider as somebody else, by way of another gateway's login.
    const other = travel(world.browser(), FRANKFURT);
    await other.login({ hint: "bob" });
    browser.jar(world.provider.issuer).cookies = other.jar(world.provider.issuer).cookies;
    world.provider.around.authorization = async (next, call, ctx) => {
      delete ctx.query.id_token_hint; // a provider that pays it no attention
      await next();
    };
    await sleep(1100);
    await travel(browser, SYDNEY).navigate("/page");
    const after = await viewOf(browser);
    assert.equal(after.subject, "bob");
    assert.notEqual(after.created_at, before.created_at);
    assert.notEqual(after.expires_at, before.expires_at);
    const { ledger } = await detailOf(world, cookieOf(browser).actor);
    assert.ok(!ledger.some(({ region }) => region === "weur"), "nor the ledger");
    assert.equal((await withCookie(world, old)).json().reason, "superseded");
  });

  test("a provider that gives no refresh token without consent leaves a session that can still refresh", async (t) => {
    const world = await createWorld(t, { hostile: { accessTokenSeconds: 300 } });
    const browser = await loginAt(world, FRANKFURT);
    const first = world.provider.calls.token.at(-1).answer.json.refresh_token;
    world.provider.answers.token = (valid) => {
      const { json, ...answer } = valid();
      const { refresh_token: _, ...rest } = json;
      return { ...answer, json: rest };
    };
    await travel(browser, SYDNEY).navigate("/page");
    assert.equal(cookieOf(browser).region, "oc");
    world.provider.answers.token = undefined;
    const refreshed = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(refreshed.status, 200, refreshed.text);
    assert.equal(world.provider.calls.token.at(-1).params.refresh_token, first);
  });

  test("a session that was revoked while its user was at the provider is not brought back by the move", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT);
    const { actor } = cookieOf(browser);
    world.provider.around.token = async (next) => {
      await next();
      await world.gateway.request(`/auth/admin/sessions/${actor}`, { method: "DELETE", headers: bearer });
    };
    const page = await travel(browser, SYDNEY).navigate("/page");
    assert.equal(page.status, 400);
    assert.match(page.text, /Login failed/);
    assert.equal((await browser.api("/api")).status, 401);
    const fresh = world.provider.calls.token.at(-1).body.refresh_token;
    await until("what the login brought is revoked", () => world.provider.calls.revocation.some(({ params }) => params.token === fresh));
    const list = await world.gateway.request(`/auth/admin/users/${(await detailOf(world, actor)).subject}/sessions`, { headers: bearer });
    assert.deepEqual(list.json().sessions.map(({ id, state }) => [id, state]), [[actor, "ended"]]);
  });

  test("two tabs that open from Sydney at once are both served, and one of them makes the trip", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT);
    travel(browser, SYDNEY);
    const before = trips(world);
    const other = travel(world.browser(), SYDNEY);
    for (const origin of [world.gateway.origin, world.provider.issuer]) {
      other.jar(origin).cookies = [...browser.jar(origin).cookies];
    }
    const pages = await Promise.all([browser.navigate("/one"), other.navigate("/two")]);
    assert.deepEqual(pages.map(({ status, url }) => `${status} ${url.pathname}`), ["200 /one", "200 /two"]);
    assert.equal(trips(world) - before, 1);
  });

  test("a visitor whose place is not known never moves, and begins in DEFAULT_REGION", async (t) => {
    const world = await createWorld(t, { vars: { DEFAULT_REGION: "sam" } });
    const browser = await loginAt(world, undefined);
    assert.equal(cookieOf(browser).region, "sam");
    const { value } = browser.session;
    for (const place of [undefined, { country: "T1" }, { continent: "AN", country: "AQ" }]) {
      assert.equal((await travel(browser, place).navigate("/page")).status, 200);
      assert.equal(browser.session.value, value);
    }
  });

  test("REGION_POLICY=pin keeps every session where it began", async (t) => {
    const world = await createWorld(t, { vars: { REGION_POLICY: "pin" } });
    const browser = await loginAt(world, FRANKFURT);
    const { value } = browser.session;
    await travel(browser, SYDNEY).navigate("/page");
    assert.equal(browser.session.value, value);
    assert.equal(world.gateway.eventsOf("observe").length, 0);
  });
});
