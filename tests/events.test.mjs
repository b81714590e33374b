// Live sessions: a page that listens at /auth/events hears at once what becomes of its session, and so does the gateway, which closes an
// application's streams.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { administer, assertProblem, migration } from "./parts/administration.mjs";
import { cookieOf, FRANKFURT, SYDNEY, travel } from "./parts/places.mjs";
import { sleep, until } from "./parts/process.mjs";
import { echoWebSockets, openWebSocket } from "./parts/websocket.mjs";
import { createWorld } from "./parts/world.mjs";

/** A world with a user who has logged in. Nobody looks at a stream for ten minutes: what closes one is a push. */
async function createEvents(t, { vars, ...more } = {}) {
  const open = [];
  t.after(() => open.forEach((stream) => stream.destroy()));
  const world = await createWorld(t, { hostile: true, vars: { STREAM_CHECK_SECONDS: "600", ...vars }, ...more });
  echoWebSockets(world.upstream);
  const browser = await world.login();
  const connect = async (target, cookie = browser.sessionHeader, origin = world.gateway.origin) => {
    const opened = await openWebSocket(world.gateway.origin, target, [`cookie: ${cookie}`, ...(origin ? [`origin: ${origin}`] : [])]);
    open.push(opened.socket);
    return opened;
  };
  const listen = async (...how) => {
    const page = await connect("/auth/events", ...how);
    assert.equal(page.status, 101, page.head);
    return page;
  };
  const said = ({ heard }) => heard.map((text) => JSON.parse(text));
  return { ...world, browser, connect, listen, said };
}

/** A main module around the bundle's. An actor accepts listeners late, and says so when one is closed; or it says that a thousand streams listen. */
const SLOW = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";
let late = 0;
let crowd = false;
const closed = [];
export class SessionActor extends exported.SessionActor {
  constructor(state, env) {
    const all = state.getWebSockets.bind(state);
    state.getWebSockets = (tag) => (crowd && tag === "watch" ? new Array(1000) : tag === undefined ? all() : all(tag));
    super(state, env);
  }
  async fetch(request) {
    const wait = late;
    await new Promise((resolve) => setTimeout(resolve, wait));
    return super.fetch(request);
  }
  webSocketClose(socket, code) {
    closed.push(code);
    super.webSocketClose(socket);
  }
}
export default {
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/__late") late = Number(searchParams.get("ms"));
    else if (pathname === "/__crowd") crowd = true;
    else if (pathname !== "/__closed") return bundle.fetch(request, env, context);
    return Response.json(closed);
  }
}
`;

describe("events", () => {
  test("every page of a session hears that it was refreshed, and that it ended, and is closed with 4001", async (t) => {
    const { browser, listen, said } = await createEvents(t);
    const pages = [await listen(), await listen()];
    const { access_token_expires_at } = (await browser.api("/auth/refresh", { method: "POST" })).json();
    for (const page of pages) {
      await until("it hears of the refresh", () => page.heard.length === 1);
      assert.deepEqual(said(page), [{ event: "refreshed", access_token_expires_at }]);
    }
    await browser.api("/auth/logout", { method: "POST" });
    for (const page of pages) {
      assert.equal((await page.closed).code, 4001);
      assert.deepEqual(said(page).at(-1), { event: "ended", reason: "logout" });
    }
  });

  test("an administrator's revocation is heard within a second, by pages and by an application's streams", async (t) => {
    const { browser, connect, listen, said, gateway } = await createEvents(t);
    const [page, stream] = [await listen(), await connect("/socket")];
    assert.equal(await stream.say("hello"), "hello");
    const since = Date.now();
    await administer(gateway, `/sessions/${cookieOf(browser).actor}`, { method: "DELETE" });
    assert.equal((await page.closed).code, 4001);
    assert.equal((await stream.closed).code, 4401);
    assert.ok(Date.now() - since < 5000, "no check is due for ten minutes");
    assert.deepEqual(said(page), [{ event: "ended", reason: "revoked" }]);
  });

  test("an idle end is heard, and listening does not keep a session alive", async (t) => {
    const { listen, said } = await createEvents(t, { vars: { SESSION_IDLE_SECONDS: "2" } });
    const page = await listen();
    assert.equal((await page.closed).code, 4001);
    assert.deepEqual(said(page), [{ event: "ended", reason: "idle" }]);
  });

  test("a page of a session that moves is told so (4002), and listens again where it lives now", async (t) => {
    const { browser, listen, said, gateway, connect } = await createEvents(t);
    const [page, stream] = [await listen(), await connect("/socket")];
    const moved = await administer(gateway, `/sessions/${cookieOf(browser).actor}/migrate`, migration("oc"));
    assert.equal(moved.status, 200, moved.text);
    assert.equal((await page.closed).code, 4002);
    assert.deepEqual(said(page), [{ event: "moved", region: "oc" }]);
    // The old cookie leads there, too, and the answer brings the new one.
    const again = await listen();
    assert.match(again.head, new RegExp(`set-cookie: edge-session=oc\\.${moved.json().id}\\.`, "i"));
    await sleep(300);
    assert.equal(await stream.say("still here"), "still here");
    await administer(gateway, `/sessions/${moved.json().id}`, { method: "DELETE" });
    assert.equal((await again.closed).code, 4001);
    assert.equal((await stream.closed).code, 4401, "the gateway listens there, too");
  });

  test("a move through the provider is heard, too", async (t) => {
    const { browser, listen, said } = await createEvents(t);
    travel(browser, FRANKFURT);
    await browser.login();
    const page = await listen(browser.sessionHeader);
    await browser.navigate("/page");
    travel(browser, SYDNEY);
    await browser.navigate("/page");
    assert.equal((await page.closed).code, 4002);
    assert.deepEqual(said(page), [{ event: "moved", region: "oc" }]);
    const again = await listen(browser.sessionHeader);
    assert.equal(again.status, 101);
  });

  test("twenty pages listen, and the oldest one goes (4003); the gateway's own are not counted", async (t) => {
    const { listen, connect } = await createEvents(t);
    const stream = await connect("/socket");
    const pages = [];
    for (let number = 0; number < 21; number += 1) {
      pages.push(await listen());
      await sleep(5);
    }
    assert.equal((await pages[0].closed).code, 4003);
    const second = await Promise.race([pages[1].closed, sleep(300).then(() => "open")]);
    assert.equal(second, "open");
    assert.equal(await stream.say("hello"), "hello");
  });

  test("a connection that an actor accepts too late is closed", async (t) => {
    const { connect, gateway } = await createEvents(t, { entry: SLOW });
    await gateway.request("/__late?ms=12000");
    const stream = await connect("/socket");
    await gateway.request("/__late?ms=0");
    assert.equal(await stream.say("hello"), "hello");
    await until("the gateway closes it", async () => (await gateway.request("/__closed")).json().includes(1000), 16_000);
    assert.equal(await stream.say("still here"), "still here");
  });

  test("beyond a thousand streams of a session the gateway asks at intervals in place of listening", async (t) => {
    const { browser, connect, listen, gateway } = await createEvents(t, { entry: SLOW, vars: { STREAM_CHECK_SECONDS: "3" } });
    await gateway.request("/__crowd");
    const [page, stream] = [await listen(), await connect("/socket")];
    assert.equal(await stream.say("hello"), "hello");
    const since = Date.now();
    await administer(gateway, `/sessions/${cookieOf(browser).actor}`, { method: "DELETE" });
    assert.equal((await page.closed).code, 4001);
    assert.equal((await stream.closed).code, 4401);
    assert.ok(Date.now() - since > 1000, "nobody told it");
  });

  test("an actor that slept meanwhile still tells its listeners", async (t) => {
    const { browser, listen, said } = await createEvents(t);
    const page = await listen();
    await sleep(14_000); // workerd puts an actor to sleep after 10 s
    await browser.api("/auth/logout", { method: "POST" });
    assert.equal((await page.closed).code, 4001);
    assert.deepEqual(said(page), [{ event: "ended", reason: "logout" }]);
  });

  test("a page that listened when the gateway was started anew listens again, and hears the next end", async (t) => {
    const { browser, connect, listen, said, gateway } = await createEvents(t);
    const [page, stream] = [await listen(), await connect("/socket")];
    await gateway.restart();
    assert.notEqual((await page.closed).code, 4001, "its session goes on");
    await stream.closed;
    const [again, other] = [await listen(), await connect("/socket")];
    assert.equal(await other.say("hello"), "hello");
    await administer(gateway, `/sessions/${cookieOf(browser).actor}`, { method: "DELETE" });
    assert.equal((await again.closed).code, 4001);
    assert.deepEqual(said(again), [{ event: "ended", reason: "revoked" }]);
    assert.equal((await other.closed).code, 4401);
  });

  test("only this site's pages listen, with a session, and by a WebSocket", async (t) => {
    const { browser, connect, gateway } = await createEvents(t);
    assert.equal((await connect("/auth/events", browser.sessionHeader, "https://elsewhere.example")).status, 403);
    assert.equal((await connect("/auth/events", browser.sessionHeader, null)).status, 403);
    assert.equal((await connect("/auth/events", "a=b")).status, 401);
    assertProblem(await browser.api("/auth/events"), 400, "bad_request");
    const cookie = browser.sessionHeader;
    await browser.api("/auth/logout", { method: "POST" });
    assert.equal((await connect("/auth/events", cookie)).status, 401);
    assert.equal((await gateway.request("/auth/events", { method: "POST" })).status, 405);
  });

  test("what a page says is not heard, and harms nothing", async (t) => {
    const { browser, listen } = await createEvents(t);
    const page = await listen();
    const [first, second] = [page.say("anything"), page.say(Buffer.alloc(100))];
    await browser.api("/auth/logout", { method: "POST" });
    assert.equal((await page.closed).code, 4001);
    assert.deepEqual(JSON.parse(await first), { event: "ended", reason: "logout" });
    assert.equal(await Promise.race([second, sleep(50).then(() => "nothing more")]), "nothing more");
  });
});
