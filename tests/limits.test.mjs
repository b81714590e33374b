// Requests and responses larger than honest ones, and honest ones that are large. Conformance.md 45.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { flood } from "./parts/hostile.mjs";
import { raw, rawGet } from "./parts/rawhttp.mjs";
import { createWorld } from "./parts/world.mjs";

const MB = 1 << 20;

describe("limits", () => {
  let world;
  let browser;
  before(async () => {
    world = await createWorld(undefined, { hostile: true });
    browser = await world.login();
  });
  after(() => world.close());

  const refused = async (target, lines, status) => {
    const seen = world.upstream.requests.length;
    const answer = await rawGet(world.gateway.origin, target, lines);
    assert.equal(answer.status, status, answer.text.slice(0, 200));
    assert.equal(world.upstream.requests.length, seen);
    return answer;
  };

  test("conformance 45: an address of 16 KB is 431 too_large, with a session and without, on own endpoints and routes", async () => {
    const long = "x".repeat(16_384);
    for (const target of [`/${long}`, `/?${long}`, `/auth/login?return_to=/${long}`, `/auth/session?${long}`]) {
      for (const lines of [[], [`cookie: ${browser.sessionHeader}`]]) {
        const answer = await refused(target, lines, 431);
        assert.equal(answer.json().code, "too_large");
      }
    }
    const honest = await rawGet(world.gateway.origin, `/?${"x".repeat(8000)}`, [`cookie: ${browser.sessionHeader}`]);
    assert.equal(honest.status, 200);
  });

  test("conformance 45: a body that is too long for the platform to count is 413 with a session and without, and goes nowhere", async () => {
    const { origin } = world.gateway;
    const seen = world.upstream.requests.length;
    for (const lines of [[], [`cookie: ${browser.sessionHeader}`]]) {
      const sent = ["POST /x HTTP/1.1", `host: ${new URL(origin).host}`, `origin: ${origin}`, "content-length: 9007199254740992"];
      const answer = await raw(origin, [...sent, ...lines]);
      assert.equal(answer.status, 413, answer.text.slice(0, 200));
      assert.equal(answer.json().code, "too_large");
    }
    assert.equal(world.upstream.requests.length, seen);
  });

  test("conformance 45: headers of 128 KB are 431", async () => {
    const padding = "x".repeat(8000);
    const many = Array.from({ length: 16 }, (_, i) => `x-padding-${i}: ${padding}`);
    const answer = await rawGet(world.gateway.origin, "/x", [`cookie: ${browser.sessionHeader}`, ...many]);
    assert.equal(answer.status, 431);
    assert.equal((await browser.api("/x")).status, 200, "it goes on");
  });

  test("conformance 45: 200 cookies are 431, as many as browsers keep are fine", async () => {
    const cookies = (count) => `cookie: ${browser.sessionHeader}; ${Array.from({ length: count }, (_, i) => `c${i}=1`).join("; ")}`;
    const answer = await refused("/x", [cookies(200)], 431);
    assert.match(answer.json().detail, /cookies/);
    assert.equal((await rawGet(world.gateway.origin, "/x", [cookies(150)])).status, 200);
  });

  test("conformance 45: 112 KB of cookies are refused before any is read, whatever they are called", async () => {
    const value = "x".repeat(60);
    for (const name of [(i) => `edge-login-${i.toString(16).padStart(8, "0")}`, () => "edge-session", () => "a=x,edge-session", (i) => `c${i}`]) {
      for (const cookies of [
        [`cookie: ${browser.sessionHeader}; ${Array.from({ length: 1000 }, (_, i) => `${name(i)}=${value}`).join("; ")}`],
        Array.from({ length: 14 }, (_, line) => `cookie: ${Array.from({ length: 100 }, (_, i) => `${name(100 * line + i)}=${value}`).join("; ")}`),
      ]) {
        const answer = await refused("/x", cookies, 431);
        assert.equal(answer.json().code, "too_large");
      }
    }
    assert.equal((await browser.api("/x")).status, 200);
  });

  test("conformance 45: a body without an end is read by no endpoint of ours beyond 64 KB", async () => {
    for (const path of ["/auth/logout", "/auth/callback"]) {
      const { body, sent } = flood(20 * MB);
      const headers = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
      const answer = await world.gateway.request(path, { method: "POST", body, headers }).catch((error) => error);
      if (answer.status) assert.ok(answer.status === 413, `${path}: ${answer.status}`);
      assert.ok(sent() < 8 * MB, `${sent()} bytes were taken`);
    }
  });

  test("conformance 45: 100 MB up and 100 MB down cost workerd less than 16 MB", { timeout: 120_000, skip: !existsSync("/proc/self/statm") && "needs /proc" }, async (t) => {
    world.upstream.answer("/down", (request, response) => {
      response.writeHead(200, { "content-type": "application/octet-stream" });
      flood(Number(new URL(request.url, "http://x").searchParams.get("mb")) * MB).body.pipe(response);
    });
    world.upstream.answer("/up", async (request, response) => {
      let length = 0;
      for await (const chunk of request) length += chunk.length;
      response.end(String(length));
    });
    let most = 0;
    const look = () => (most = Math.max(most, world.gateway.memory));
    const down = async (mb) => {
      const { response } = await browser.stream(`/down?mb=${mb}`);
      let length = 0;
      for await (const chunk of response) {
        length += chunk.length;
        look();
      }
      assert.equal(length, mb * MB);
    };
    const up = async (mb) => {
      const { body } = flood(mb * MB);
      body.on("data", look);
      const answer = await browser.api("/up", { method: "POST", body, headers: { "content-type": "application/octet-stream" }, limit: 100_000 });
      assert.equal(answer.text, String(mb * MB));
    };
    await down(10);
    await up(10);
    const before = world.gateway.memory;
    most = before;
    await down(100);
    await up(100);
    const grown = (most - before) / MB;
    t.diagnostic(`${grown.toFixed(1)} MB`);
    assert.ok(grown < 16, `${grown.toFixed(1)} MB`);
  });
});
