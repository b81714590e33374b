// Streams that outlive the request that opened them: they stay open past the life of the access token, and close when
// the session ends. Looking whether it does is no use of the session.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { cookieOf, FRANKFURT, SYDNEY, travel } from "./parts/places.mjs";
import { sleep, until } from "./parts/process.mjs";
import { echoWebSockets, openWebSocket } from "./parts/websocket.mjs";
import { createWorld } from "./parts/world.mjs";

const CHECK = { STREAM_CHECK_SECONDS: "1" };

/** A world with WebSockets, and a user who has logged in. */
async function createStreams(t, { vars, ...more } = {}) {
  // It is closed before the world: a gateway with open streams stops slowly.
  const open = [];
  t.after(() => open.forEach((stream) => stream.destroy()));
  const world = await createWorld(t, { hostile: true, vars: { ...CHECK, ...vars }, ...more });
  const handshakes = echoWebSockets(world.upstream);
  const browser = await world.login();
  const connect = async (target = "/socket", cookie = browser.sessionHeader) => {
    const opened = await openWebSocket(world.gateway.origin, target, [`cookie: ${cookie}`, `origin: ${world.gateway.origin}`]);
    open.push(opened.socket);
    return opened;
  };
  /** An event stream: what came so far, and whether it has ended, or broken. */
  const listen = async (target = "/events") => {
    const { response, status } = await browser.stream(target, { headers: { accept: "text/event-stream" } });
    const heard = { status, text: "", ended: false, broken: false };
    response.on("data", (chunk) => (heard.text += chunk));
    response.on("end", () => (heard.ended = true));
    response.on("error", () => (heard.broken = true));
    open.push(response);
    return heard;
  };
  return { ...world, browser, handshakes, connect, listen, open };
}

describe("streams", () => {
  test("a WebSocket and an event stream stay open past the life of the access token, and are no use of the session", async (t) => {
    const { connect, listen, browser, provider } = await createStreams(t, { hostile: { accessTokenSeconds: 3 } });
    const socket = await connect();
    const heard = await listen();
    const { idle_expires_at } = (await browser.api("/auth/session")).json();
    await sleep(4500);
    assert.equal(await socket.say("still here"), "still here");
    const count = heard.text.length;
    await until("more events come", () => heard.text.length > count);
    assert.equal(heard.ended, false);
    const later = (await browser.api("/auth/session")).json();
    assert.equal(later.idle_expires_at, idle_expires_at);
    assert.ok(provider.refreshes.length <= 1, "no look refreshes anything");
  });

  test("a logout closes a WebSocket with 4401, on both sides, and ends an event stream", async (t) => {
    const { connect, listen, browser, upstream } = await createStreams(t);
    let applicationHears = false;
    upstream.server.once("upgrade", (_, socket) => socket.on("close", () => (applicationHears = true)));
    const socket = await connect();
    const heard = await listen();
    assert.equal(await socket.say("hello"), "hello");
    assert.equal((await browser.api("/auth/logout", { method: "POST" })).status, 303);
    assert.equal((await socket.closed).code, 4401);
    await until("the event stream ends", () => heard.ended, 5000);
    assert.equal(heard.broken, false);
    await until("the application hears of it", () => applicationHears, 8000);
  });

  test("an administrator's revocation closes them, too", async (t) => {
    const { connect, browser, gateway } = await createStreams(t);
    const socket = await connect();
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const revoked = await gateway.request(`/auth/admin/sessions/${cookieOf(browser).actor}`, { method: "DELETE", headers });
    assert.equal(revoked.status, 204);
    assert.equal((await socket.closed).code, 4401);
  });

  test("a session that moves takes its streams along; they close when it ends where it lives now", async (t) => {
    const { connect, browser, gateway } = await createStreams(t);
    const socket = await connect();
    const old = cookieOf(browser).actor;
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
    const moved = await gateway.request(`/auth/admin/sessions/${old}/migrate`, { method: "POST", headers, body: JSON.stringify({ region: "oc" }) });
    assert.equal(moved.status, 200, moved.text);
    await browser.api("/api");
    assert.notEqual(cookieOf(browser).actor, old);
    await sleep(2500);
    assert.equal(await socket.say("still here"), "still here");
    await browser.api("/auth/logout", { method: "POST" });
    assert.equal((await socket.closed).code, 4401);
  });

  test("a stream of a session whose place another one took asks to connect again (1013)", async (t) => {
    const { connect, browser } = await createStreams(t, { vars: { REGION_GRACE_SECONDS: "1" } });
    travel(browser, FRANKFURT);
    await browser.login();
    const socket = await connect("/socket", browser.sessionHeader);
    await browser.navigate("/page");
    travel(browser, SYDNEY);
    await browser.navigate("/page");
    assert.equal(cookieOf(browser).region, "oc");
    assert.equal((await socket.closed).code, 1013);
    const again = await connect("/socket", browser.sessionHeader);
    assert.equal(await again.say("hello"), "hello");
  });

  test("an idle session's streams close, too: looking did not keep it alive", async (t) => {
    const { connect, listen } = await createStreams(t, { vars: { SESSION_IDLE_SECONDS: "3" } });
    const socket = await connect();
    const heard = await listen();
    assert.equal((await socket.closed).code, 4401);
    await until("the event stream ends", () => heard.ended, 5000);
  });

  test("a session whose refresh is refused closes them", async (t) => {
    const { connect, browser, provider } = await createStreams(t);
    const socket = await connect();
    provider.answers.token = async () => ({ status: 400, json: { error: "invalid_grant" } });
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 401);
    assert.equal((await socket.closed).code, 4401);
  });

  test("where nobody can listen, the gateway asks; a check that cannot be made closes a WebSocket with 1013", async (t) => {
    // A stand-in for a platform that accepts no listener, and cannot reach the actor from `/__out` on.
    const entry = `
      import bundle, * as exported from "./entry.js";
      export * from "./entry.js";
      let out = false;
      export class SessionActor extends exported.SessionActor {
        ask(message) {
          if (out) throw new Error("out of reach");
          return super.ask(message);
        }
        fetch() {
          throw new Error("nobody listens");
        }
      }
      export default {
        fetch(request, env, context) {
          const { pathname } = new URL(request.url);
          if (pathname === "/__out") return (out = true), new Response("out");
          return bundle.fetch(request, env, context);
        }
      }`;
    const { connect, listen, gateway, login } = await createStreams(t, { entry });
    const other = await login();
    const ended = await connect("/socket", other.sessionHeader);
    assert.equal((await other.api("/auth/logout", { method: "POST" })).status, 303);
    assert.equal((await ended.closed).code, 4401);
    const socket = await connect();
    const heard = await listen();
    await gateway.request("/__out");
    assert.equal((await socket.closed).code, 1013);
    await until("the event stream ends", () => heard.ended, 5000);
  });

  test("messages of every kind go both ways, in order, and close codes, reasons and subprotocols are handed on", async (t) => {
    const { connect, gateway, browser, upstream, open } = await createStreams(t);
    const socket = await connect();
    const words = Array.from({ length: 50 }, (_, i) => `message ${i}`);
    const answers = await Promise.all(words.map((text) => socket.say(text)));
    assert.deepEqual(answers, words);
    const bytes = Buffer.from([0, 255, 128, 1]);
    assert.deepEqual(await socket.say(bytes), bytes);
    socket.leave(4001, "bye");
    assert.deepEqual(await socket.closed, { code: 4001, reason: "bye" });
    await until("the application got the code", () => upstream.closed?.code === 4001);
    assert.equal(upstream.closed.reason, "bye");

    const chosen = await openWebSocket(gateway.origin, "/socket", [`cookie: ${browser.sessionHeader}`, `origin: ${gateway.origin}`, "sec-websocket-protocol: chat.v2, chat.v1"]);
    open.push(chosen.socket);
    assert.match(chosen.head, /sec-websocket-protocol: chat\.v2/i);
  });

  test("the application's own close reaches the browser with its code", async (t) => {
    const { connect } = await createStreams(t);
    const socket = await connect("/socket?close=4002");
    assert.deepEqual((await socket.closed).code, 4002);
  });

  test("an event stream that the application ends, or breaks, ends or breaks for the browser", async (t) => {
    const { listen, upstream } = await createStreams(t);
    upstream.answer("/ends", (_, response) => response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" }).end("data: bye\n\n"));
    const ends = await listen("/ends");
    await until("it ends", () => ends.ended);
    assert.equal(ends.text, "data: bye\n\n");
    upstream.answer("/breaks", (request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
      setTimeout(() => request.socket.destroy(), 200);
    });
    const breaks = await listen("/breaks");
    await until("it breaks", () => breaks.broken || breaks.ended);
    assert.ok(breaks.broken, "a broken stream is not a finished one");
  });

  test("streams without a session are nobody's to close", async (t) => {
    const { connect, listen, browser, gateway } = await createStreams(t, { routes: [{ match: "/*", session: "none" }] });
    const socket = await connect("/socket", "a=1");
    const heard = await listen();
    await browser.api("/auth/logout", { method: "POST" });
    await sleep(2500);
    assert.equal(await socket.say("hello"), "hello");
    assert.equal(heard.ended, false);
    assert.ok(!gateway.log.includes("error"), gateway.log);
  });
});
