// The way to the application and back: the token goes in, the gateway's cookies and headers stay out, bodies stream.
// Conformance.md 20, 22, 23, 25–29.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Readable } from "node:stream";
import { sleep, until } from "./parts/process.mjs";
import { raw, rawGet } from "./parts/rawhttp.mjs";
import { namesOf, receive, valuesOf } from "./parts/upstream.mjs";
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

  const host = () => new URL(world.gateway.origin).host;
  /** A GET with the session and these header lines; what the application saw. */
  const seenBy = async (lines, target = "/seen") => {
    const answer = await rawGet(world.gateway.origin, target, [`cookie: ${browser.sessionHeader}`, ...lines]);
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  };

  test("the application sees Authorization: Bearer and not the session cookie, other cookies unchanged byte for byte", async () => {
    const { name, value } = browser.session;
    for (const [sent, expected] of [
      [`${name}=${value}`, undefined],
      [`a=1; ${name}=${value}; b=2`, "a=1; b=2"],
      [`${name}=${value}; a="x y"; b=%20;c=d`, `a="x y"; b=%20;c=d`],
      [`a=b=c; ${name}=${value};  d=  e`, "a=b=c;  d=  e"],
      [`a=1;${name}=${value};b=2`, "a=1;b=2"],
      [`theme=dark; ${name}=${value}; login-0123abcd=x; clearance=y; lang=de`, "theme=dark; lang=de"],
      [`Session=x; ${name}=${value}; session2=y; login-xyz=z`, "Session=x; session2=y; login-xyz=z"],
    ]) {
      const answer = await rawGet(world.gateway.origin, "/seen", [`cookie: ${sent}`]);
      assert.equal(answer.status, 200, answer.text);
      const { headers } = answer.json();
      assert.deepEqual(valuesOf(headers, "cookie"), expected === undefined ? [] : [expected]);
      const [authorization, ...more] = valuesOf(headers, "authorization");
      assert.equal(more.length, 0);
      assert.ok(await world.provider.knows(/^Bearer (.+)$/.exec(authorization)[1]));
    }
  });

  test("conformance 27: no header of any name carries the session's secret to the application", async () => {
    const secret = browser.session.value.split(".")[2];
    for (const spelling of ["cookie", "Cookie2", "COOKIE", "cookie_", "Cookie"]) {
      const answer = await rawGet(world.gateway.origin, "/seen", [`cookie: ${browser.sessionHeader}`, `${spelling}: a=b`]);
      if (answer.status === 200) assert.ok(!answer.json().headers.join("\n").includes(secret), spelling);
      else assert.equal(answer.status, 401);
    }
    // The names of the other scheme are not ours here, but they are not the application's business to guess, either.
    const login = world.browser();
    await login.navigate("/auth/login", { follow: false });
    const { name, value } = login.jar().get(world.gateway.cookie.login);
    const { headers: with_login } = (
      await rawGet(world.gateway.origin, "/seen", [`cookie: ${browser.sessionHeader}; ${name}=${value}`])
    ).json();
    assert.ok(!with_login.join("\n").includes(value.split(".")[1]));
  });

  const FORGED = [
    "Authorization",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Anything",
    "X-Geo-City",
    "X-Geo-Country",
    "X-Geo-Anything",
    "Cf-ASN",
    "Cf-Bot-Score",
    "Cf-Verified-Bot",
    "X-Captcha-Passed-At",
  ];
  const spellings = (name) => [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    name.replace(/-/g, "_"),
    name.replace("-", "_").toLowerCase(),
    name.replace(/-(?=[^-]*$)/, "_"),
  ];

  test("conformance 25: a client's own Authorization, X-Forwarded-* and the like are removed in every spelling", async () => {
    for (const name of FORGED) {
      for (const spelling of new Set(spellings(name))) {
        const { headers } = await seenBy([`${spelling}: forged-value`]);
        assert.ok(!headers.join("\n").includes("forged-value"), spelling);
      }
    }
    const all = FORGED.flatMap((name) => spellings(name)).map((name) => `${name}: forged-value`);
    const { headers } = await seenBy([...all, "x-other: stays"]);
    assert.ok(!headers.join("\n").includes("forged-value"));
    assert.deepEqual(valuesOf(headers, "x-other"), ["stays"]);
  });

  test("conformance 25: they are removed from OPTIONS, HEAD and POST, too", async () => {
    for (const method of ["OPTIONS", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) {
      const seen = world.upstream.requests.length;
      const answer = await raw(world.gateway.origin, [
        `${method} /seen HTTP/1.1`,
        `host: ${host()}`,
        `cookie: ${browser.sessionHeader}`,
        "sec-fetch-site: same-origin",
        "content-length: 0",
        "X_Forwarded_User: forged-value",
        "Authorization: forged-value",
      ]);
      assert.equal(answer.status, 200, method);
      const { headers } = world.upstream.requests[seen];
      assert.ok(!headers.join("\n").includes("forged-value"), method);
      assert.equal(valuesOf(headers, "authorization").length, 1, method);
    }
  });

  test("conformance 25: a request without a session never reaches the application, OPTIONS included", async () => {
    const seen = world.upstream.requests.length;
    for (const method of ["GET", "OPTIONS", "HEAD", "POST"]) {
      const answer = await world.gateway.request("/seen", { method, headers: { authorization: "Bearer mine" } });
      assert.equal(answer.status, 401, method);
    }
    assert.equal(world.upstream.requests.length, seen);
  });

  test("conformance 26: Connection can't remove a header that the gateway sets", async () => {
    for (const named of ["authorization", "x-forwarded-host", "x-forwarded-proto", "Authorization, X-Forwarded-Host", "cookie"]) {
      for (const spelling of [named, named.toUpperCase()]) {
        const { headers } = await seenBy([`connection: close, ${spelling}`, "authorization: mine"]);
        assert.match(valuesOf(headers, "authorization")[0] ?? "", /^Bearer /, spelling);
        assert.deepEqual(valuesOf(headers, "x-forwarded-host"), [host()]);
        assert.deepEqual(valuesOf(headers, "x-forwarded-proto"), ["http"]);
      }
    }
  });

  test("hop-by-hop headers, and those that Connection names, go no further", async () => {
    const { headers } = await seenBy(["connection: close, x-hop", "x-hop: 1", "keep-alive: timeout=5", "te: trailers", "proxy-authorization: Basic eDp5", "x-end: 1"]);
    const names = namesOf(headers);
    for (const name of ["x-hop", "keep-alive", "te", "proxy-authorization"]) assert.ok(!names.includes(name), name);
    assert.ok(names.includes("x-end"));
  });

  test("X-Forwarded-Host and -Proto say how the browser sees the gateway; X-Forwarded-For is what Cloudflare says, or nothing", async () => {
    const { headers } = await seenBy([]);
    assert.deepEqual(valuesOf(headers, "x-forwarded-host"), [host()]);
    assert.deepEqual(valuesOf(headers, "x-forwarded-proto"), ["http"]);
    assert.deepEqual(valuesOf(headers, "x-forwarded-for"), []);
    const known = await seenBy(["cf-connecting-ip: 203.0.113.7", "x-forwarded-for: 10.0.0.1"]);
    assert.deepEqual(valuesOf(known.headers, "x-forwarded-for"), ["203.0.113.7"]);
  });

  test("conformance 20: every authenticated response is no-store, whatever the application says", async () => {
    world.upstream.answer("/cached", (_, response) => {
      response.writeHead(200, {
        "cache-control": "public, s-maxage=3600, max-age=3600",
        "cdn-cache-control": "max-age=3600",
        "surrogate-control": "max-age=3600",
        "set-cookie": ["theirs=1; Path=/"],
        etag: '"x"',
      });
      response.end("cached");
    });
    const answer = await browser.api("/cached");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers["cdn-cache-control"], undefined);
    assert.equal(answer.headers["surrogate-control"], undefined);
    assert.equal(answer.headers.etag, '"x"');
  });

  test("conformance 20: every response with a cookie of the gateway's is no-store", async () => {
    const fresh = await world.login();
    const logout = await fresh.api("/auth/logout", { method: "POST" });
    const ours = [...fresh.hops.filter(({ url }) => url.origin === world.gateway.origin), logout];
    const setting = ours.filter(({ setCookies }) => setCookies.length > 0);
    assert.ok(setting.length >= 3, "login, callback and logout");
    for (const { headers, url } of setting) assert.equal(headers["cache-control"], "no-store", url?.pathname ?? "logout");
  });

  test("conformance 20: the application is asked every time", async () => {
    let asked = 0;
    world.upstream.answer("/asked", (_, response) => {
      asked += 1;
      response.writeHead(200, { "cache-control": "public, max-age=3600", "content-type": "text/plain" }).end(String(asked));
    });
    for (let i = 1; i <= 3; i += 1) assert.equal((await browser.api("/asked")).text, String(i));
  });

  test("the application cannot set the gateway's cookies, and its own arrive unchanged", async () => {
    const theirs = ["a=1; Path=/; HttpOnly", "Session=x; Path=/", "session2=y", "b=2; Domain=example.com; Expires=Wed, 09 Jun 2030 10:18:14 GMT"];
    const ours = ["session=evil; Path=/", "session=; Max-Age=0", " session = evil", "login-0123abcd=evil; Path=/", "clearance=evil"];
    world.upstream.answer("/cookies", (_, response) => {
      response.writeHead(200, { "set-cookie": [theirs[0], ours[0], theirs[1], ...ours.slice(1), theirs[2], theirs[3]] }).end();
    });
    const answer = await rawGet(world.gateway.origin, "/cookies", [`cookie: ${browser.sessionHeader}`]);
    assert.deepEqual(answer.setCookies, theirs);
  });

  test("conformance 29: a redirect of the application is passed on, not followed with the token", async (t) => {
    const { startUpstream } = await import("./parts/upstream.mjs");
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

  test("compressed and ranged answers arrive as they are", async () => {
    const { gzipSync, gunzipSync } = await import("node:zlib");
    world.upstream.answer("/gzip", (request, response) => {
      response.writeHead(200, { "content-encoding": "gzip", "content-type": "text/plain" });
      response.end(gzipSync(`range ${request.headers.range ?? "none"}`));
    });
    const answer = await browser.api("/gzip", { headers: { "accept-encoding": "gzip", range: "bytes=0-5" } });
    const text = answer.headers["content-encoding"] === "gzip" ? gunzipSync(answer.bytes).toString() : answer.text;
    assert.equal(text, "range bytes=0-5");
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

  test("without a session a navigation is a 302 to the login, everything else a 401 problem", async () => {
    const nav = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" };
    const cases = [
      [{ headers: nav }, 302],
      [{ headers: { accept: "text/html" } }, 302],
      [{ headers: { ...nav, "sec-purpose": "prefetch" } }, 401],
      [{ headers: { accept: "text/html", "sec-purpose": "prefetch" } }, 401],
      [{ headers: { ...nav, "sec-fetch-dest": "iframe" } }, 401],
      [{ headers: { ...nav, "sec-fetch-dest": "image" } }, 401],
      [{ headers: { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", accept: "text/html" } }, 401],
      [{ headers: { "sec-fetch-mode": "navigate", accept: "text/html" } }, 401],
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
      // A frame's 401 may be a page: a person reads it.
      const isFrame = request.headers["sec-fetch-mode"] === "navigate";
      if (expected === 401 && request.method === undefined && !isFrame) assert.equal(answer.json().code, "login_required");
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

  test("an upstream that does not answer is a 502, one that is too slow a 504 after UPSTREAM_TIMEOUT_SECONDS", async (t) => {
    const slow = await createWorld(t, { vars: { UPSTREAM_TIMEOUT_SECONDS: "1" } });
    const user = await slow.login();
    slow.upstream.answer("/slow", () => {});
    const began = Date.now();
    const late = await user.api("/slow");
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
    await slow.upstream.close();
    const gone = await user.api("/gone");
    assert.equal(gone.status, 502);
    assert.equal(gone.json().code, "upstream_unavailable");
    assert.equal((await user.navigate("/gone")).status, 502);
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
