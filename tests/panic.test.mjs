// A deliberate panic in an actor (the build with the cargo feature deliberate-panic): nobody waits forever, and
// everybody's next request works.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorOf, actorProbe, ask } from "./parts/actors.mjs";
import { exists, PANIC } from "./parts/bundle.mjs";
import { sleep, until } from "./parts/process.mjs";
import { echoWebSockets, openWebSocket } from "./parts/websocket.mjs";
import { createWorld } from "./parts/world.mjs";

/** What makes an actor of this build panic. */
const PANIC_MESSAGE = [1, 255];
const skip = exists(PANIC) ? false : "there is no target/panic/bundle: run `make build-panic`";

describe("panic", { skip }, () => {
  const start = async (t, more) => createWorld(t, { hostile: true, bundle: PANIC, probe: await actorProbe(), ...more });
  const panic = ({ gateway }, id) => ask(gateway, id, PANIC_MESSAGE, { limit: 5000 }).catch((error) => error);

  test("after a panic the next request to the same session works, with the same token", async (t) => {
    const world = await start(t);
    const browser = await world.login();
    const token = await world.token(browser);
    const outcome = await panic(world, actorOf(browser.session));
    assert.notEqual(outcome.status, 200, "it did panic");
    for (let i = 0; i < 3; i += 1) assert.equal(await world.token(browser), token);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.notEqual(await world.token(browser), token);
  });

  test("after a panic other sessions, old and new, work", async (t) => {
    const world = await start(t);
    const [one, other] = [await world.login(), await world.login()];
    const token = await world.token(other);
    await panic(world, actorOf(one.session));
    assert.equal(await world.token(other), token);
    assert.ok(await world.token(await world.login()));
    assert.equal((await other.api("/auth/refresh", { method: "POST" })).status, 200);
    assert.equal((await other.api("/auth/logout", { method: "POST" })).status, 303);
  });

  test("after a panic of another request a session is soon asked by the hot path again, and by no message", async (t) => {
    // Counts the messages to sessions.
    const entry = `
import bundle from "./entry.js";
import * as all from "./entry.js";
export * from "./entry.js";
let messages = 0;
export class SessionActor extends all.SessionActor {
  ask(message) {
    messages += 1;
    return super.ask(message);
  }
}
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/__messages") return new Response(String(messages));
    return bundle.fetch(request, env, context);
  }
}`;
    const world = await createWorld(t, { bundle: PANIC, entry });
    const messages = async () => Number((await world.gateway.request("/__messages")).text);
    const browser = await world.login();
    assert.equal((await browser.api("/api")).status, 200);
    assert.equal((await browser.api("/api", { headers: { "x-deliberate-panic": "1" } })).status, 200);
    for (let i = 0; i < 3; i += 1) assert.equal((await browser.api("/api")).status, 200);
    const before = await messages();
    for (let i = 0; i < 5; i += 1) assert.equal((await browser.api("/api")).status, 200);
    assert.equal(await messages(), before);
  });

  test("a panic of the hot path harms nobody: the request is served by the path that waits", async (t) => {
    const world = await createWorld(t, { bundle: PANIC });
    const browser = await world.login();
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await browser.api("/api", { headers: { "x-deliberate-panic": "1" } })).status, 200);
      assert.equal((await browser.api("/api")).status, 200);
    }
    assert.match(world.gateway.log, /a deliberate panic/);
  });

  test("a panic while an answer is looked at costs that answer alone, and the application is not asked again", async (t) => {
    const world = await createWorld(t, { bundle: PANIC });
    const browser = await world.login();
    let asked = 0;
    world.upstream.answer("/panic", (_, response) => {
      asked += 1;
      response.writeHead(200, { "set-cookie": "a=1", "x-deliberate-panic": "1" }).end("x");
    });
    const lost = await browser.api("/panic", { limit: 5000 });
    assert.equal(lost.status, 503);
    assert.equal(asked, 1);
    for (let i = 0; i < 3; i += 1) assert.equal((await browser.api("/api")).status, 200);
  });

  test("a panic of an actor that never was harms nobody", async (t) => {
    const world = await start(t);
    const browser = await world.login();
    await panic(world, "new");
    assert.ok(await world.token(browser));
  });

  test("many panics in a row harm nobody", async (t) => {
    const world = await start(t);
    const [one, other] = [await world.login(), await world.login()];
    for (let i = 0; i < 5; i += 1) {
      await panic(world, actorOf(one.session));
      assert.ok(await world.token(other));
      assert.ok(await world.token(one));
    }
  });

  test("a request that is waiting in the actor that panics is answered within its time limit, and the refresh token is not presented again", async (t) => {
    const world = await start(t, { hostile: { accessTokenSeconds: 2 } });
    const { provider, gateway } = world;
    const browser = await world.login();
    provider.answers.token = async (valid) => {
      await sleep(1500);
      return valid();
    };
    const headers = { cookie: browser.sessionHeader, "sec-fetch-site": "same-origin" };
    const waiting = gateway.request("/auth/refresh", { method: "POST", headers, limit: 30_000 });
    await until("the refresh is under way", () => provider.presented.length === 1);
    await panic(world, actorOf(browser.session));
    const began = Date.now();
    const answered = await waiting;
    const { status } = answered;
    const problem = answered.json();
    assert.deepEqual([answered.headers["x-content-type-options"], answered.headers["referrer-policy"]], ["nosniff", "strict-origin"]);
    assert.ok(status === 503 || status === 500, `${status}`);
    assert.ok(Date.now() - began < 20_000);
    const line = await gateway.untilEvent("request", (event) => event.ray === problem.ray);
    assert.deepEqual([line.outcome, line.status, line.method, line.path], ["store_unavailable", 503, "POST", "/auth/refresh"]);
    provider.answers = {};
    await sleep(2500);
    const answer = await browser.api("/api");
    assert.equal(answer.status, 401, answer.text);
    assert.equal(answer.json().code, "login_required");
    assert.equal(provider.presented.length, 1);
    assert.equal((await browser.navigate("/page")).status, 200, "the user is re-authenticated");
  });

  test("a panic ends the streams of the isolate, whose watch it took along: they would outlive their session", async (t) => {
    const world = await start(t, { vars: { STREAM_CHECK_SECONDS: "60" } });
    echoWebSockets(world.upstream);
    const { gateway } = world;
    const [browser, other] = [await world.login(), await world.login()];
    const headers = [`cookie: ${browser.sessionHeader}`, `origin: ${gateway.origin}`];
    const socket = await openWebSocket(gateway.origin, "/socket", headers);
    const { response } = await browser.stream("/events", { headers: { accept: "text/event-stream" } });
    t.after(() => [socket.socket, response].forEach((stream) => stream.destroy()));
    let ended = false;
    response.on("end", () => (ended = true)).on("error", () => {}).resume();
    assert.equal(await socket.say("hello"), "hello");
    await panic(world, actorOf(other.session));
    assert.equal((await socket.closed).code, 1013);
    await until("the event stream ends", () => ended, 5000);
    const again = await openWebSocket(gateway.origin, "/socket", headers);
    t.after(() => again.socket.destroy());
    assert.equal(await again.say("again"), "again");
  });

  test("an alarm that is under way at a panic is run again, and others after it", async (t) => {
    const world = await start(t, { hostile: { accessTokenSeconds: 4 }, vars: { SESSION_ABSOLUTE_SECONDS: "8" } });
    const { provider, gateway } = world;
    const [browser, other] = [await world.login(), await world.login()];
    const actor = actorOf(browser.session);
    provider.answers.token = () => new Promise(() => {});
    await until("the alarm refreshes", () => provider.presented.length > 0, 6000);
    await panic(world, actorOf(other.session));
    await gateway.untilEvent("end", (event) => event.actor === actor && event.cause === "alarm", 15_000);
    assert.equal(new Set(provider.presented).size, provider.presented.length, "no refresh token is presented twice");
  });

  test("an alarm that was set before a panic still fires", async (t) => {
    const world = await start(t, { hostile: { accessTokenSeconds: 4 } });
    const [one, other] = [await world.login(), await world.login()];
    await panic(world, actorOf(one.session));
    await until("both are refreshed ahead", () => world.provider.refreshes.length === 2, 6000);
    assert.equal(new Set(world.provider.presented).size, 2);
    assert.ok(await world.token(other));
  });
});
