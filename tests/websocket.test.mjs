// WebSockets through the gateway: with the token, for the gateway's own pages alone.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "./parts/process.mjs";
import { valuesOf } from "./parts/upstream.mjs";
import { echoWebSockets, openWebSocket } from "./parts/websocket.mjs";
import { createWorld } from "./parts/world.mjs";

describe("websocket", () => {
  let world;
  let seen;
  let browser;
  before(async () => {
    world = await createWorld(undefined, { hostile: true });
    seen = echoWebSockets(world.upstream);
    browser = await world.login();
  });
  after(() => world.close());

  const connect = async (t, headers) => {
    const opened = await openWebSocket(world.gateway.origin, "/socket?x=1", headers);
    t.after(() => opened.socket.destroy());
    return opened;
  };

  test("a WebSocket of the gateway's own page goes through, both ways, with the token and without the session cookie", async (t) => {
    const { status, say } = await connect(t, [`cookie: a=1; ${browser.sessionHeader}`, `origin: ${world.gateway.origin}`]);
    assert.equal(status, 101);
    assert.equal(await say("hello"), "hello");
    assert.equal(await say("again"), "again");
    const { url, headers } = seen.at(-1);
    assert.equal(url, "/socket?x=1");
    assert.deepEqual(valuesOf(headers, "authorization"), [`Bearer ${await world.token(browser)}`]);
    assert.deepEqual(valuesOf(headers, "cookie"), ["a=1"]);
  });

  test("a handshake with a session and another origin is 403 and never reaches the application", async (t) => {
    const before = seen.length;
    for (const origin of ["https://evil.example", "null", `${world.gateway.origin}.evil.example`]) {
      const { status } = await connect(t, [`cookie: ${browser.sessionHeader}`, `origin: ${origin}`]);
      assert.equal(status, 403, origin);
    }
    assert.equal(seen.length, before);
  });

  test("a handshake without a session is 401", async (t) => {
    const before = seen.length;
    const { status } = await connect(t, [`origin: ${world.gateway.origin}`]);
    assert.equal(status, 401);
    assert.equal(seen.length, before);
  });

  test("the application hears when the browser leaves", async (t) => {
    let closed = false;
    world.upstream.server.once("upgrade", (_, socket) => socket.on("close", () => (closed = true)));
    const { say, leave } = await connect(t, [`cookie: ${browser.sessionHeader}`, `origin: ${world.gateway.origin}`]);
    await say("hello");
    leave();
    await until("the application's side is closed", () => closed, 5000);
  });
});
