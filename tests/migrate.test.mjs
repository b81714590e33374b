// The whole grant moves: REGION_POLICY=migrate, and an administrator's hand. No trip to the provider, the same secret,
// and exactly one owner whatever happens on the way.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { HANG } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { holdNextWrite, startKv } from "./parts/kv.mjs";
import { MESSAGES } from "./parts/messages.mjs";
import { at, cookieOf, FRANKFURT, loginAt, SYDNEY, travel } from "./parts/places.mjs";
import { sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const MIGRATE = { REGION_POLICY: "migrate" };
const bearer = { authorization: `Bearer ${ADMIN_TOKEN}` };
const { Adopt: ADOPT, LetGo: LET_GO } = MESSAGES;

const detailOf = async ({ gateway }, id) =>
  (await gateway.request(`/auth/admin/sessions/${id}`, { headers: bearer })).json();
const migrate = ({ gateway }, id, region) =>
  gateway.request(`/auth/admin/sessions/${id}/migrate`, {
    method: "POST",
    headers: { ...bearer, "content-type": "application/json" },
    body: JSON.stringify({ region }),
  });
/** A navigation from a place with nothing but this cookie. */
const open = ({ gateway }, { name, value }, place = SYDNEY, target = "/page") =>
  gateway.request(target, { headers: { cookie: `${name}=${value}`, accept: "text/html", ...at(place) } });

/**
 * A main module around the bundle's, in which messages of one kind wait: before they reach their actor, or behind it.
 * `/__hold?kind=…&when=before|after` begins that, `/__hold` ends it; a message that waits says so in the log.
 */
const HOLDING = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";
let held = {};
const wait = async (kind, when) => {
  if (held.kind !== kind || held.when !== when) return;
  console.log(JSON.stringify({ event: "held", kind, when }));
  while (held.kind === kind && held.when === when) await new Promise((resolve) => setTimeout(resolve, 20));
};
export class SessionActor extends exported.SessionActor {
  async ask(message) {
    await wait(message[1], "before");
    const reply = await super.ask(message);
    await wait(message[1], "after");
    return reply;
  }
}
export default {
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/__hold") return bundle.fetch(request, env, context);
    held = { kind: Number(searchParams.get("kind")), when: searchParams.get("when") };
    return Response.json(held);
  }
}
`;
const hold = ({ gateway }, kind, when) => gateway.request(`/__hold?kind=${kind}&when=${when}`);
const letGo = ({ gateway }) => gateway.request("/__hold");

/** One actor has the session, its refresh token is presented once, and the old cookie still leads to it. */
async function assertOneOwner(world, browser, old) {
  const page = await open(world, old);
  assert.equal(page.status, 200, page.text.slice(0, 300));
  for (const line of page.setCookies) browser.jar().store(new URL(world.gateway.origin), line);
  const refreshed = await browser.api("/auth/refresh", { method: "POST" });
  assert.equal(refreshed.status, 200, refreshed.text);
  const { presented } = world.provider;
  assert.equal(new Set(presented).size, presented.length, "no refresh token is presented twice");
  assert.ok(await world.token(browser));
  const { subject } = refreshed.json();
  const list = await world.gateway.request(`/auth/admin/users/${subject}/sessions`, { headers: bearer });
  const states = list.json().sessions.map(({ state }) => state);
  assert.equal(states.filter((state) => state === "active").length, 1, states.join(" "));
}

describe("migrate", { concurrency: 2 }, () => {
  test("a navigation from Sydney moves the grant there without a trip to the provider, and the browser gets a cookie with the same secret", async (t) => {
    const world = await createWorld(t, { vars: MIGRATE });
    const browser = await loginAt(world, FRANKFURT);
    const [old, token] = [cookieOf(browser), await world.token(browser)];
    const [trips, calls] = [world.provider.calls.authorization.length, world.provider.calls.token.length];
    const page = await travel(browser, SYDNEY).navigate("/deep/page");
    assert.equal(page.status, 200);
    assert.equal(browser.hops.length, 1);
    const now = cookieOf(browser);
    assert.equal(now.region, "oc");
    assert.notEqual(now.actor, old.actor);
    assert.equal(now.secret, old.secret);
    assert.equal(await world.token(browser), token, "the same access token");
    assert.deepEqual([world.provider.calls.authorization.length, world.provider.calls.token.length], [trips, calls]);

    const [left, arrived] = [await detailOf(world, old.actor), await detailOf(world, now.actor)];
    assert.deepEqual([left.state, left.moved_to], ["moved", now.actor]);
    assert.deepEqual([arrived.state, arrived.region], ["active", "oc"]);
    assert.equal(arrived.created_at, left.created_at);
    assert.equal(arrived.expires_at, left.expires_at);
    assert.ok(arrived.epoch > 0);
    assert.ok(arrived.ledger.some(({ event, region }) => event === "complete" && region === "weur"), "the ledger came along");
    const refreshed = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(refreshed.status, 200, refreshed.text);
    assert.notEqual(await world.token(browser), token);
  });

  test("six parallel navigations with the old cookie, twice over and after a lost response, are all served and all get the same new cookie", async (t) => {
    const world = await createWorld(t, { vars: MIGRATE });
    const browser = await loginAt(world, FRANKFURT);
    const old = browser.session;
    const six = () => Promise.all(Array.from({ length: 6 }, () => open(world, old)));
    const lost = new AbortController();
    const first = world.gateway.request("/page", {
      headers: { cookie: `${old.name}=${old.value}`, accept: "text/html", ...at(SYDNEY) },
      signal: lost.signal,
    });
    await sleep(5);
    lost.abort();
    await first.catch(() => {});
    const answers = [...(await six()), ...(await six())];
    assert.deepEqual(answers.map(({ status }) => status), Array(12).fill(200));
    const cookies = answers.map(({ setCookies }) => setCookies.map((line) => line.split(";")[0]).join());
    assert.equal(new Set(cookies).size, 1, cookies.join("\n"));
    assert.match(cookies[0], /^edge-session=oc\./);
    assert.equal(world.gateway.eventsOf("migrate").filter(({ outcome }) => outcome === "adopted").length, 1);
  });

  test("fetches and form posts with the old cookie are served where the session lives, and get the new cookie, too", async (t) => {
    const world = await createWorld(t, { vars: MIGRATE });
    const browser = await loginAt(world, FRANKFURT);
    const old = browser.session;
    await open(world, old);
    for (const [method, target] of [["GET", "/api"], ["POST", "/api"], ["GET", "/auth/session"]]) {
      const answer = await world.gateway.request(target, {
        method,
        headers: { cookie: `${old.name}=${old.value}`, "sec-fetch-site": "same-origin" },
      });
      assert.equal(answer.status, 200, `${method} ${target}`);
      assert.match(answer.setCookies.join(), /^edge-session=oc\./);
    }
  });

  test("a logout with the old cookie ends the session where it lives, and clears the cookie", async (t) => {
    const world = await createWorld(t, { vars: MIGRATE });
    const browser = await loginAt(world, FRANKFURT);
    const old = browser.session;
    for (const line of (await open(world, old)).setCookies) browser.jar().store(new URL(world.gateway.origin), line);
    const out = await world.gateway.request("/auth/logout", {
      method: "POST",
      headers: { cookie: `${old.name}=${old.value}`, origin: world.gateway.origin },
    });
    assert.equal(out.status, 303);
    assert.equal(out.setCookies.length, 1);
    assert.match(out.setCookies[0], /Max-Age=0/);
    assert.equal((await browser.api("/api")).status, 401);
    assert.equal((await open(world, old, FRANKFURT)).status, 302);
  });

  test("a refresh in flight is settled before the grant moves: its token is presented once, and the new one arrives", async (t) => {
    const world = await createWorld(t, { vars: MIGRATE });
    const browser = await loginAt(world, FRANKFURT);
    const [old, token] = [browser.session, await world.token(browser)];
    world.provider.around.token = async (next) => {
      await sleep(800);
      await next();
    };
    const refresh = browser.api("/auth/refresh", { method: "POST" });
    await until("the refresh is under way", () => world.provider.calls.token.length === 2);
    const pages = await Promise.all([open(world, old), open(world, old)]);
    assert.deepEqual(pages.map(({ status }) => status), [200, 200]);
    assert.equal((await refresh).status, 200);
    assert.equal(world.provider.refreshes.length, 1);
    await open(world, old);
    for (const line of pages[0].setCookies) browser.jar().store(new URL(world.gateway.origin), line);
    assert.equal(cookieOf(browser).region, "oc");
    assert.notEqual(await world.token(browser), token);
  });

  test("a session that is revoked while it moves is nowhere afterwards", async (t) => {
    const world = await createWorld(t, { vars: MIGRATE, entry: HOLDING });
    const browser = await loginAt(world, FRANKFURT);
    const [old, { actor }] = [browser.session, cookieOf(browser)];
    await hold(world, ADOPT, "after");
    const page = open(world, old);
    await world.gateway.untilEvent("held");
    const revoked = await world.gateway.request(`/auth/admin/sessions/${actor}`, { method: "DELETE", headers: bearer });
    assert.equal(revoked.status, 204);
    await letGo(world);
    assert.equal((await page).status, 302, "to log in");
    assert.equal((await browser.api("/api")).status, 401);
    const { subject } = await detailOf(world, actor);
    const list = await world.gateway.request(`/auth/admin/users/${subject}/sessions`, { headers: bearer });
    assert.ok(list.json().sessions.every(({ state }) => state !== "active"), list.text);
  });

  for (const [what, reason, end] of [
    ["an administrator's revocation", "revoked", ({ gateway }, _, actor) => gateway.request(`/auth/admin/sessions/${actor}`, { method: "DELETE", headers: bearer })],
    ["a logout", "logout", (world, browser) => browser.api("/auth/logout", { method: "POST" })],
  ]) {
    test(`${what} that comes while the store is being told that the session has moved ends it at once, and the move is none`, async (t) => {
      const kv = await startKv();
      t.after(() => kv.close());
      const world = await createWorld(t, { hostile: true, entry: HOLDING, kv: kv.address, vars: { SESSION_STORE: "kv" } });
      const browser = await loginAt(world, FRANKFURT);
      const [old, { actor }] = [browser.session, cookieOf(browser)];
      await hold(world, ADOPT, "after");
      const moving = migrate(world, actor, "oc");
      await world.gateway.untilEvent("held");
      await sleep(2500); // what either actor writes until now is written, and the next write is not too soon
      const { arrived, release } = holdNextWrite(kv);
      await letGo(world);
      await arrived;
      assert.ok([204, 303].includes((await end(world, browser, actor)).status));
      assert.equal((await detailOf(world, actor)).state, "ended", "the write is still under way");
      release();
      assert.equal((await moving).status, 409);
      const { state, subject } = await detailOf(world, actor);
      assert.equal(state, "ended");
      const list = await world.gateway.request(`/auth/admin/users/${subject}/sessions`, { headers: bearer });
      assert.deepEqual(list.json().sessions.map(({ state }) => state), ["ended"]);
      const answer = await world.gateway.request("/api", { headers: { cookie: `${old.name}=${old.value}` } });
      assert.equal(answer.status, 401, answer.text);
      assert.equal(answer.json().reason, reason);
    });
  }

  test("a new actor that cannot be had leaves the session where it is", async (t) => {
    const world = await createWorld(t, { vars: MIGRATE, entry: HOLDING });
    const browser = await loginAt(world, FRANKFURT);
    const old = browser.session;
    await hold(world, ADOPT, "before");
    const page = await open(world, old);
    assert.equal(page.status, 200, "it is served meanwhile");
    assert.deepEqual(page.setCookies, []);
    await world.gateway.untilEvent("migrate", ({ outcome }) => outcome === "stay", 30_000);
    await letGo(world);
    await assertOneOwner(world, browser, old);
  });

  for (const [step, kind, when] of [
    ["the new actor has heard of it", ADOPT, "before"],
    ["the new actor has adopted it", ADOPT, "after"],
    ["the new actor asks whether it may stay", LET_GO, "before"],
    ["the old actor has let it go", LET_GO, "after"],
  ]) {
    test(`a crash when ${step} leaves exactly one owner`, async (t) => {
      const world = await createWorld(t, { vars: MIGRATE, entry: HOLDING });
      const browser = await loginAt(world, FRANKFURT);
      const old = browser.session;
      await hold(world, kind, when);
      const page = open(world, old).catch(() => {});
      await world.gateway.untilEvent("held");
      await world.gateway.kill9();
      await page;
      await world.gateway.restart();
      await assertOneOwner(world, browser, old);
    });
  }

  test("an administrator moves a session whatever the policy, and the user's next page does not move it back", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT);
    const { actor, secret } = cookieOf(browser);
    const moved = await migrate(world, actor, "me");
    assert.equal(moved.status, 200, moved.text);
    assert.equal(moved.json().region, "me");
    assert.notEqual(moved.json().id, actor);
    const page = await browser.navigate("/page");
    assert.equal(page.status, 200);
    assert.equal(browser.hops.length, 1);
    assert.deepEqual(cookieOf(browser), { region: "me", actor: moved.json().id, secret });
    const ledger = (await detailOf(world, moved.json().id)).ledger.filter(({ event }) => event === "migrate");
    assert.ok(ledger.some(({ cause }) => cause === "admin"), JSON.stringify(ledger));
  });

  test("a session that has moved twenty times is served with its first cookie, and ends under its first id", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const browser = await loginAt(world, FRANKFURT);
    const [old, { actor }] = [browser.session, cookieOf(browser)];
    let last = actor;
    for (let i = 0; i < 20; i += 1) {
      const moved = await migrate(world, last, i % 2 ? "weur" : "oc");
      assert.equal(moved.status, 200, moved.text);
      last = moved.json().id;
    }
    const answer = await open(world, old, FRANKFURT);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.setCookies.join(), new RegExp(`^edge-session=weur\\.${last}\\.`));
    assert.equal((await world.gateway.request(`/auth/admin/sessions/${actor}`, { method: "DELETE", headers: bearer })).status, 204);
    assert.equal((await detailOf(world, last)).state, "ended");
  });

  test("a page from another region that waits for a refresh which hangs takes no expired token to the application", async (t) => {
    const life = 60;
    const world = await createWorld(t, { hostile: { accessTokenSeconds: life }, entry: INSTRUMENTS, vars: MIGRATE });
    const { gateway, provider, upstream, token } = world;
    const browser = await loginAt(world, FRANKFURT);
    const first = await token(browser);
    provider.answers.token = (valid, { params }) => (params.grant_type === "refresh_token" ? HANG : valid());
    const refreshing = browser.api("/auth/refresh", { method: "POST" });
    await until("the refresh token is presented", () => provider.presented.length === 1);
    const page = travel(browser, SYDNEY).navigate("/page");
    await sleep(300);
    const arrived = upstream.requests.length;
    await setClockAhead(gateway, life + 1);
    await Promise.all([page, refreshing]);
    assert.ok(!JSON.stringify(upstream.requests.slice(arrived)).includes(first));
    provider.answers = {};
    await browser.navigate("/page");
    assert.notEqual(await token(browser), first);
  });

  test("a session that has moved three times is found from each of its cookies", async (t) => {
    const world = await createWorld(t);
    const browser = await loginAt(world, FRANKFURT);
    const cookies = [browser.session];
    for (const region of ["me", "oc", "sam"]) {
      const { status, text } = await migrate(world, cookieOf({ session: cookies[0] }).actor, region);
      assert.equal(status, 200, text);
      const answer = await open(world, cookies[0], FRANKFURT);
      assert.equal(answer.status, 200);
      const [name, value] = answer.setCookies[0].split(";")[0].split("=");
      cookies.push({ name, value });
    }
    for (const cookie of cookies) {
      const answer = await open(world, cookie, FRANKFURT);
      assert.equal(answer.status, 200);
      if (cookie !== cookies.at(-1)) assert.equal(answer.setCookies[0].split(";")[0], `edge-session=${cookies.at(-1).value}`);
    }
  });
});
