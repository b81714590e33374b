// The way to the application and back: paths, methods, bodies and streams, redirects, and what is refused on the way.
// Conformance.md 22, 23, 28, 29.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Readable } from "node:stream";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { RELEASE } from "./parts/bundle.mjs";
import { sleep, until } from "./parts/process.mjs";
import { raw, rawGet, sessionGet } from "./parts/rawhttp.mjs";
import { receive, startUpstream, valuesOf } from "./parts/upstream.mjs";
import { CF_HEADER } from "./parts/workerd.mjs";
import { createWorld } from "./parts/world.mjs";

describe("proxy", () => {
  let world;
  let browser;
  before(async () => {
    world = await createWorld(undefined, { provider: {} });
    browser = await world.login({ hint: "ada" });
  });
  after(() => world.close());

  const seenBy = (lines, target) => sessionGet(world.gateway, browser, lines, target);

  test("conformance 29: a redirect of the application is passed on, not followed with the token", async (t) => {
    const elsewhere = await startUpstream();
    t.after(() => elsewhere.close());
    for (const status of [301, 302, 303, 307, 308]) {
      for (const location of [`${elsewhere.origin}/steal`, "/other", "//evil.example/x"]) {
        world.upstream.answer("/redirect", (_, response) => response.writeHead(status, { location }).end());
        const answer = await browser.api("/redirect");
        assert.equal(answer.status, status);
        assert.equal(answer.headers.location, location);
      }
    }
    assert.equal(elsewhere.requests.length, 0);
  });

  test("conformance 28: the path that is matched is the path that is forwarded", async () => {
    for (const [target, expected] of [
      ["/a?x=/public", "/a?x=/public"],
      ["/a%23b", "/a%23b"],
      ["/a%3Fb?c", "/a%3Fb?c"],
      ["//host/a", "//host/a"],
      ["/a//b", "/a//b"],
      ["/a;b=c/d", "/a;b=c/d"],
      ["/a/./b", "/a/b"],
      ["/a/../b", "/b"],
      ["/%252e%252e/a", "/%252e%252e/a"],
      ["/a%20b", "/a%20b"],
      ["/%C3%BC?%C3%BC", "/%C3%BC?%C3%BC"],
      ["/a?", "/a?"],
      ["/a?b=%2f..%2f", "/a?b=%2f..%2f"],
    ]) {
      const seen = await seenBy([], target);
      // An empty query may lose its question mark; nothing else may change.
      assert.equal(seen.url.replace(/\?$/, ""), expected.replace(/\?$/, ""), target);
    }
  });

  test("conformance 28: a path that servers could read in two ways is 400 and goes nowhere", async () => {
    const seen = world.upstream.requests.length;
    for (const target of [
      "/a%2fb",
      "/..%2fadmin",
      "/a%5cb",
      "/a%00b",
      "/%2e%2e/admin",
      "/.%2e/admin",
      "/a/%2E/b",
      "/..;/admin",
      "/a/..;x=y/b",
      "/%2e%2e;/admin",
      "/a/.;/b",
      "/a/..%3bx/b",
      "/auth/..%2fadmin",
    ]) {
      const answer = await rawGet(world.gateway.origin, target, [`cookie: ${browser.sessionHeader}`]);
      const own = target.startsWith("/auth/");
      assert.ok(answer.status === 400 || (own && answer.status === 404), `${target}: ${answer.status}`);
    }
    assert.equal(world.upstream.requests.length, seen);
  });

  test("a request of 5 MB arrives whole and streams: the application sees its first piece before the last is sent", async () => {
    const pieces = Array.from({ length: 5 }, () => randomBytes(1 << 20));
    let firstSeen;
    world.upstream.answer("/upload", async (request, response, seen) => {
      request.once("data", () => (firstSeen = Date.now()));
      await receive(request, seen);
      response.end(JSON.stringify(seen));
    });
    let lastSent;
    const body = Readable.from(
      (async function* () {
        for (const piece of pieces) {
          yield piece;
          await sleep(120);
        }
        lastSent = Date.now();
      })(),
    );
    const answer = await browser.api("/upload", { method: "POST", body, headers: { "content-type": "application/octet-stream" } });
    const { length, sha256 } = answer.json();
    assert.equal(length, 5 << 20);
    assert.equal(sha256, createHash("sha256").update(Buffer.concat(pieces)).digest("hex"));
    assert.ok(firstSeen < lastSent, "the request was not kept back");
  });

  test("a response streams: its first piece is here before the last is sent", async () => {
    const { response } = await browser.stream("/stream");
    const times = [];
    let text = "";
    for await (const chunk of response) {
      times.push(Date.now());
      text += chunk;
    }
    assert.equal(text, "one\ntwo\nthree\n");
    assert.ok(times.at(-1) - times[0] > 200, `it came within ${times.at(-1) - times[0]} ms`);
  });

  test("server-sent events flow, and the application hears when the browser leaves", async () => {
    let closed = false;
    world.upstream.answer("/sse", (request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const timer = setInterval(() => response.write("data: tick\n\n"), 50);
      request.on("close", () => {
        closed = true;
        clearInterval(timer);
      });
    });
    const { response, headers } = await browser.stream("/sse", { headers: { accept: "text/event-stream" } });
    assert.equal(headers["content-type"], "text/event-stream");
    let text = "";
    for await (const chunk of response) {
      text += chunk;
      if (text.split("data:").length > 4) break; // leaves
    }
    response.destroy();
    await until("the application hears of it", () => closed, 5000);
  });

  test("status, headers and body of the application's answer arrive as they are", async () => {
    for (const status of [200, 201, 204, 206, 304, 400, 401, 403, 404, 418, 500, 503]) {
      world.upstream.answer("/status", (_, response) => {
        response.writeHead(status, { "x-custom": "a, b", "www-authenticate": 'Bearer realm="theirs"' });
        response.end(status === 204 || status === 304 ? undefined : `body ${status}`);
      });
      const answer = await browser.api("/status");
      assert.equal(answer.status, status);
      assert.equal(answer.headers["x-custom"], "a, b");
      if (status !== 204 && status !== 304) assert.equal(answer.text, `body ${status}`);
    }
    assert.ok(browser.session, "an application's 401 is its own, not the gateway's");
  });

  test("an application that changes the protocol unasked is a 502, in the gateway's own words", async () => {
    world.upstream.answer("/switch", (request) => request.socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n"));
    const answer = await browser.api("/switch");
    assert.equal(answer.status, 502, answer.text);
    assert.equal(answer.json().code, "upstream_unavailable");
  });

  test("an application may answer before it has read the whole request", async () => {
    world.upstream.answer("/full", (request, response) => {
      request.resume();
      response.writeHead(413).end("too much");
    });
    const endless = Readable.from((async function* () {
      for (;;) yield Buffer.alloc(1 << 10), await sleep(20);
    })());
    endless.on("error", () => {});
    const { status, response } = await browser.stream("/full", { method: "POST", body: endless });
    assert.equal(status, 413);
    response.on("error", () => {}).destroy();
    endless.destroy();
    assert.equal((await browser.api("/api")).status, 200);
  });

  test("compressed and ranged answers, 304s and the headers of a HEAD arrive as they are, byte for byte", async () => {
    const text = "hello ".repeat(1000);
    for (const [encoding, bytes] of [["gzip", gzipSync(text)], ["br", brotliCompressSync(text)]]) {
      world.upstream.answer("/packed", (request, response) => {
        response.writeHead(200, { "content-encoding": encoding, "content-length": bytes.length, etag: '"x"' });
        response.end(request.method === "HEAD" ? undefined : bytes);
      });
      for (const method of ["GET", "HEAD"]) {
        const answer = await browser.api("/packed", { method, headers: { "accept-encoding": "gzip, br" } });
        assert.equal(answer.headers["content-encoding"], encoding);
        assert.equal(answer.headers["content-length"], String(bytes.length));
        assert.equal(answer.headers.etag, '"x"');
        assert.ok(answer.bytes.equals(method === "GET" ? bytes : Buffer.alloc(0)));
      }
    }
    world.upstream.answer("/range", (request, response) => {
      if (request.headers["if-none-match"]) return response.writeHead(304, { etag: '"x"' }).end();
      response.writeHead(206, { "content-range": "bytes 0-4/10", "x-range": request.headers.range }).end("01234");
    });
    const part = await browser.api("/range", { headers: { range: "bytes=0-4" } });
    assert.deepEqual([part.status, part.text, part.headers["content-range"], part.headers["x-range"]], [206, "01234", "bytes 0-4/10", "bytes=0-4"]);
    const unchanged = await browser.api("/range", { headers: { "if-none-match": '"x"' } });
    assert.deepEqual([unchanged.status, unchanged.text, unchanged.headers.etag], [304, "", '"x"']);
  });

  test("the method and its body go through, for methods of all kinds", async () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"]) {
      const answer = await browser.api("/seen", { method, body: "hello", headers: { "content-type": "text/plain" } });
      if (method === "PROPFIND" && answer.status >= 400) continue;
      assert.equal(answer.status, 200, method);
      assert.equal(answer.json().method, method);
      assert.equal(answer.json().length, 5);
    }
  });

  test("a GET with a body goes through with it, and one without stays without", async () => {
    const { host } = new URL(world.gateway.origin);
    for (const [method, body] of [["GET", '{"query":{"match_all":{}}}'], ["GET", "x".repeat(100_000)], ["GET", ""]]) {
      const lines = [`${method} /search?q=1 HTTP/1.1`, `host: ${host}`, `cookie: ${browser.sessionHeader}`, "content-type: application/json", `content-length: ${body.length}`];
      const answer = await raw(world.gateway.origin, lines, { body });
      assert.equal(answer.status, 200, answer.text);
      const seen = answer.json();
      assert.deepEqual([seen.method, seen.url, seen.length], [method, "/search?q=1", body.length]);
      assert.match(valuesOf(seen.headers, "authorization")[0], /^Bearer /);
      assert.ok(!seen.headers.join("\n").includes(browser.session.value));
    }
    // What follows on the application's connection is a request of its own.
    assert.equal((await browser.api("/after")).json().url, "/after");
  });

  test("without a session a navigation is a 302 to the login, everything else a 401 problem", async () => {
    const nav = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" };
    const cases = [
      [{ headers: nav }, 302],
      [{ headers: { accept: "text/html" } }, 302],
      [{ headers: { accept: "Text/HTML;q=0.9" } }, 302],
      [{ headers: { ...nav, "sec-purpose": "prefetch" } }, 401],
      [{ headers: { accept: "text/html", "sec-purpose": "prefetch" } }, 401],
      [{ headers: { ...nav, "sec-fetch-dest": "iframe" } }, 401],
      [{ headers: { ...nav, "sec-fetch-dest": "object" } }, 401],
      [{ headers: { ...nav, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" } }, 401],
      // A service worker that passes a navigation on.
      [{ headers: { ...nav, "sec-fetch-dest": "empty" } }, 302],
      [{ headers: { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", accept: "text/html" } }, 401],
      [{ headers: { "sec-fetch-mode": "navigate", accept: "text/html" } }, 302],
      [{ headers: { accept: "application/json" } }, 401],
      [{ headers: { accept: "*/*" } }, 401],
      [{ headers: {} }, 401],
      [{ headers: nav, method: "HEAD" }, 401],
      [{ headers: { accept: "text/html" }, method: "POST" }, 401],
    ];
    for (const [request, expected] of cases) {
      const answer = await world.gateway.request("/page?x=1", request);
      assert.equal(answer.status, expected, JSON.stringify(request));
      assert.equal(answer.headers["cache-control"], "no-store");
      if (expected === 302) assert.equal(answer.headers.location, "/auth/login?return_to=%2Fpage%3Fx%3D1");
      else assert.equal(answer.headers.location, undefined);
      if (expected === 401 && request.method === undefined) {
        assert.equal(answer.headers["content-type"], "application/problem+json", JSON.stringify(request));
        assert.equal(answer.json().code, "login_required");
      }
    }
  });

  test("conformance 22, 23: a non-safe request of another site or a sibling is 403 on every proxied path and goes nowhere", async () => {
    const seen = world.upstream.requests.length;
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      for (const headers of [
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { "sec-fetch-site": "cross-site", origin: world.gateway.origin },
        { "sec-fetch-site": "garbage" },
      ]) {
        const answer = await browser.api("/any/path", { method, headers });
        assert.equal(answer.status, 403, `${method} ${JSON.stringify(headers)}`);
        assert.equal(answer.json().code, "csrf_rejected");
      }
    }
    assert.equal(world.upstream.requests.length, seen);
    for (const site of ["same-origin", "none"]) {
      assert.equal((await browser.api("/any/path", { method: "POST", headers: { "sec-fetch-site": site } })).status, 200);
    }
  });

  test("a request that waits alone, longer than what watches over it lives, is a 504 in time", { timeout: 60_000 }, async (t) => {
    // Requests have no timer of their own: see watch.mjs.
    const { upstream, login } = await createWorld(t, { vars: { UPSTREAM_TIMEOUT_SECONDS: "24" } });
    const user = await login();
    upstream.answer("/never", () => {});
    const began = Date.now();
    const late = await user.api("/never", { limit: 40_000 });
    assert.equal(late.status, 504);
    const seconds = (Date.now() - began) / 1000;
    assert.ok(seconds >= 24 && seconds < 28, `${seconds} s`);
  });

  test("a status that no response of the platform's can have is a 502, by the hot path and by the one that waits", async (t) => {
    const { upstream, login, gateway } = await createWorld(t, { hostile: { accessTokenSeconds: 2 } });
    const user = await login();
    upstream.answer("/odd", (_, response) => response.writeHead(999).end("odd"));
    for (const pause of [0, 2100]) {
      await sleep(pause);
      const odd = await user.api("/odd");
      assert.equal(odd.status, 502, odd.text);
      assert.equal(odd.json().code, "upstream_unavailable");
      await until("the log says of it", () => gateway.log.includes(odd.json().ray));
    }
  });

  test("no answer is lost that comes while the watch over those who wait ends", async (t) => {
    // The same bundle, but its watch ends at every look, fifty times a second.
    const folder = mkdtempSync(path.join(tmpdir(), "hurried-"));
    t.after(() => rmSync(folder, { recursive: true }));
    cpSync(RELEASE.folder, folder, { recursive: true });
    const entry = path.join(folder, "entry.js");
    const hurried = readFileSync(entry, "utf8").replace("var LIFE = 2e4;", "var LIFE = 1;").replace("scheduler.wait(1e3)", "scheduler.wait(20)");
    assert.ok(hurried.includes("var LIFE = 1;") && hurried.includes("scheduler.wait(20)"), "watch.mjs has another form");
    writeFileSync(entry, hurried);
    const { login } = await createWorld(t, { bundle: { ...RELEASE, folder } });
    const user = await login();
    const ask = async () => {
      for (let i = 0; i < 300; i += 1) assert.equal((await user.api("/api")).status, 200);
    };
    await Promise.all(Array.from({ length: 16 }, ask));
  });

  test("an upstream that does not answer is a 502, one that is too slow a 504 after UPSTREAM_TIMEOUT_SECONDS", async (t) => {
    const slow = await createWorld(t, { vars: { UPSTREAM_TIMEOUT_SECONDS: "1" } });
    const user = await slow.login();
    slow.upstream.answer("/slow", () => {});
    const began = Date.now();
    const late = await user.api("/slow?key=private");
    assert.equal(late.status, 504);
    assert.equal(late.json().code, "upstream_timeout");
    assert.ok(Date.now() - began < 3000);
    // The time is to the first byte: what has begun may take longer.
    slow.upstream.answer("/long", async (_, response) => {
      response.write("begins");
      await sleep(1500);
      response.end(" and ends");
    });
    assert.equal((await user.api("/long")).text, "begins and ends");
    // And it counts from the end of the request: the application is not to blame for a slow line.
    const pieces = ["a", "slow", "upload"];
    const upload = async function* () {
      for (const piece of pieces) {
        yield Buffer.from(piece);
        await sleep(700);
      }
    };
    for (const headers of [{}, { "content-length": `${pieces.join("").length}` }]) {
      const sent = await user.api("/upload", { method: "POST", body: Readable.from(upload()), headers });
      assert.equal(sent.status, 200, sent.text);
      assert.equal(sent.json().length, pieces.join("").length);
    }
    const unanswered = await user.api("/slow?key=private", { method: "POST", body: "all of it" });
    assert.equal(unanswered.status, 504);
    await slow.upstream.close();
    const gone = await user.api("/gone");
    assert.equal(gone.status, 502);
    assert.equal(gone.json().code, "upstream_unavailable");
    assert.equal((await user.navigate("/gone?key=private")).status, 502);
    const complaints = await until("the log says so", () => {
      const lines = slow.gateway.eventsOf("request");
      return lines.length >= 4 && lines;
    });
    assert.deepEqual(complaints.map(({ detail }) => detail.slice(detail.indexOf("UPSTREAM: "))), [
      `UPSTREAM: ${slow.upstream.origin} did not answer in 1 s (UPSTREAM_TIMEOUT_SECONDS)`,
      `UPSTREAM: ${slow.upstream.origin} did not answer in 1 s (UPSTREAM_TIMEOUT_SECONDS)`,
      `UPSTREAM: ${slow.upstream.origin} cannot be reached`,
      `UPSTREAM: ${slow.upstream.origin} cannot be reached`,
    ]);
  });

  test("UPSTREAM may have a path prefix, and stays within it", async (t) => {
    const { upstream } = world;
    const prefixed = await createWorld(t, { vars: { UPSTREAM: `${upstream.origin}/base` } });
    const user = await prefixed.login();
    for (const [target, expected] of [["/x?y", "/base/x?y"], ["/", "/base/"], ["/a/../../b", "/base/b"]]) {
      const answer = await rawGet(prefixed.gateway.origin, target, [`cookie: ${user.sessionHeader}`]);
      assert.equal(answer.json().url, expected, target);
    }
  });

  test("a visitor's region comes from what Cloudflare knows", async () => {
    const headers = { [CF_HEADER]: JSON.stringify({ continent: "OC", country: "AU", longitude: "151.2" }) };
    const visitor = world.browser({ headers });
    await visitor.login();
    assert.equal((await visitor.api("/auth/session")).json().region, "oc");
    assert.ok(visitor.session.value.startsWith("oc."));
  });
});
