// Visitors who leave before they are answered: what was begun for them ends, and no memory stays behind. Plain workerd
// does not hear that a client leaves, as Cloudflare does: a Worker in front, which gives up, stands for that.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { request } from "./parts/http.mjs";
import { freePort, sleep, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

/** Asks the gateway, and leaves after `ms`. */
const FRONT = `
export default {
  async fetch(request, env) {
    const { url, ms, ...init } = await request.json();
    const left = new AbortController();
    setTimeout(() => left.abort(), ms);
    try {
      const { status } = await env.GATEWAY.fetch(url, { ...init, signal: left.signal });
      return new Response(String(status));
    } catch {
      return new Response("left");
    }
  },
};`;

/** Counts the requests that something in the Worker still holds on to. */
const COUNTING = `
import bundle from "./entry.js";
export * from "./entry.js";
let held = 0;
const freed = new FinalizationRegistry(() => (held -= 1));
export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === "/__held") {
      gc();
      return new Response(String(held));
    }
    held += 1;
    freed.register(request);
    return bundle.fetch(request, env, context);
  }
}`;

describe("client-abort", () => {
  test("what was begun for a visitor who leaves is dropped, whatever it waits for, and others are served", async (t) => {
    const probe = { port: await freePort(), script: FRONT };
    const { gateway, upstream, provider, login } = await createWorld(t, {
      hostile: { accessTokenSeconds: 2 },
      entry: COUNTING,
      probe,
      vars: { UPSTREAM_TIMEOUT_SECONDS: "2" },
    });
    const browser = await login();
    const headers = { cookie: browser.sessionHeader, origin: gateway.origin };
    const leave = async (target, init) => {
      const body = JSON.stringify({ url: `${gateway.origin}${target}`, ms: 300, headers, ...init });
      assert.equal((await request(`http://127.0.0.1:${probe.port}/`, { method: "POST", body })).text, "left");
    };
    let gone = 0;
    upstream.answer("/never", (request) => request.on("close", () => (gone += 1)));
    await Promise.all(Array.from({ length: 10 }, (_, i) => leave("/never", i % 2 ? { method: "POST", body: "x" } : {})));
    await until("the application hears of it", () => gone === 10);
    // The watch (watch.mjs) holds on to each of them until its time is over, and to the one that began it for 20 s.
    const isFree = async () => Number((await gateway.request("/__held")).text) <= 1;
    await until("nothing holds on to them", isFree, 5000);

    // They wait for an actor that waits for the provider: its refresh goes on without them.
    const answered = [];
    provider.answers.token = async (valid) => {
      await sleep(1500);
      answered.push(1);
      return valid();
    };
    await sleep(2000);
    await Promise.all(Array.from({ length: 10 }, () => leave("/api")));
    assert.equal(answered.length, 0);
    await until("nothing holds on to them", isFree, 5000);
    assert.equal((await browser.api("/api")).status, 200);
    assert.equal(answered.length, 1);
    assert.ok(!gateway.log.includes("cannot be reached") && !gateway.log.includes("Uncaught"), gateway.log);
  });
});
