// What another Worker asks by a service binding: who has sent a request.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { request } from "./parts/http.mjs";
import { freePort } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const ANOTHER_WORKER = `export default {
  async fetch(request, env) {
    try {
      return Response.json(await env.ENTRYPOINT.session(request));
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};`;

describe("the entrypoint Sessions", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { provider: {}, probe: { port: await freePort(), script: ANOTHER_WORKER } });
  });
  after(() => world.close());

  /** What the other Worker is told of a request with this cookie. */
  const ask = (cookie, { method = "GET", ...more } = {}) =>
    request(`http://127.0.0.1:${world.gateway.probe.port}/a/page`, {
      method,
      headers: { host: new URL(world.gateway.origin).host, ...(cookie ? { cookie } : {}) },
      ...more,
    });

  test("session(request) is what GET /auth/session answers, or null", async () => {
    const browser = await world.login({ hint: "ada" });
    const [told, session] = [await ask(browser.sessionHeader), await browser.api("/auth/session")];
    assert.deepEqual([told.status, told.json()], [200, session.json()]);
    assert.deepEqual((await ask(browser.sessionHeader, { method: "POST", body: "a=1" })).json(), session.json());
    const forged = browser.sessionHeader.slice(0, -2) + "xx";
    for (const cookie of [undefined, "theme=dark", forged]) assert.equal((await ask(cookie)).json(), null, cookie);
    const cookie = browser.sessionHeader;
    await browser.api("/auth/logout", { method: "POST" });
    assert.equal((await ask(cookie)).json(), null);
  });

  test("it rejects where the gateway cannot tell", async () => {
    const answer = await request(`http://127.0.0.1:${world.gateway.probe.port}/`, { headers: { host: "another.example" } });
    assert.equal(answer.status, 500);
    assert.match(answer.text, /^not_found: /);
  });
});
