// What of a request's headers reaches the application, and of its answer's headers the browser: the token goes in, the
// gateway's cookies stay out, nothing is cached. Conformance.md 20, 25, 26, 27.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { raw, rawGet, sessionGet } from "./parts/rawhttp.mjs";
import { namesOf, valuesOf } from "./parts/upstream.mjs";
import { createWorld } from "./parts/world.mjs";

describe("headers", () => {
  let world;
  let browser;
  before(async () => {
    world = await createWorld(undefined, { provider: {} });
    browser = await world.login({ hint: "ada" });
  });
  after(() => world.close());

  const host = () => new URL(world.gateway.origin).host;
  const seenBy = (lines, target) => sessionGet(world.gateway, browser, lines, target);

  test("the application sees Authorization: Bearer and not the session cookie, other cookies unchanged byte for byte", async () => {
    const { name, value } = browser.session;
    for (const [sent, expected] of [
      [`${name}=${value}`, undefined],
      [`a=1; ${name}=${value}; b=2`, "a=1; b=2"],
      [`${name}=${value}; a="x y"; b=%20;c=d`, `a="x y"; b=%20;c=d`],
      [`a=b=c; ${name}=${value};  d=  e`, "a=b=c;  d=  e"],
      [`a=1;${name}=${value};b=2`, "a=1;b=2"],
      [`theme=dark; ${name}=${value}; edge-login-0123abcd=x; edge-clearance=y; edge-return=z; lang=de`, "theme=dark; lang=de"],
      [`session=x; ${name}=${value}; edge-session2=y; edge-login-xyz=z`, "session=x; edge-session2=y; edge-login-xyz=z"],
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
    // A cookie without a name may hold anything: servers that skip the first `=` read it as ours.
    const { headers } = (await rawGet(world.gateway.origin, "/seen", [`cookie: ${browser.sessionHeader}; =${browser.sessionHeader}; =a`])).json();
    assert.deepEqual(valuesOf(headers, "cookie"), ["=a"]);
    // The names of the other scheme are not the gateway's here, but the application does not get them either.
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
    "X-Forwarded",
    "X-Real-IP",
    "True-Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "Remote-User",
    "X-Remote-User",
    "X-Auth-Request-User",
    "X-Auth-Request-Access-Token",
    "X-WEBAUTH-USER",
    "X-WEBAUTH-ROLE",
    "Proxy",
    "Secure-Session-Response",
    "Sec-Secure-Session-Id",
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
        "cloudflare-cdn-cache-control": "max-age=3600",
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
    assert.equal(answer.headers["cloudflare-cdn-cache-control"], undefined);
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
    const theirs = ["a=1; Path=/; HttpOnly", "session=x; Path=/", "edge-session2=y", "b=2; Domain=example.com; Expires=Wed, 09 Jun 2030 10:18:14 GMT"];
    const ours = ["edge-session=evil; Path=/", "edge-session=; Max-Age=0", " edge-session = evil", "edge-login-0123abcd=evil; Path=/", "edge-clearance=evil", "edge-return=evil"];
    world.upstream.answer("/cookies", (_, response) => {
      response.writeHead(200, { "set-cookie": [theirs[0], ours[0], theirs[1], ...ours.slice(1), theirs[2], theirs[3]] }).end();
    });
    const answer = await rawGet(world.gateway.origin, "/cookies", [`cookie: ${browser.sessionHeader}`]);
    assert.deepEqual(answer.setCookies, theirs);
  });
});
