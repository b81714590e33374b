// Routes: which application a request goes to, and by which rules: sessions, claims, tokens, identity and visitor
// headers, caching, paths that are read in two ways, bindings. Conformance.md 20, 25, 26, 28, 49.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startGateway } from "./parts/gateway.mjs";
import { freePort } from "./parts/process.mjs";
import { raw, rawGet, sessionGet } from "./parts/rawhttp.mjs";
import { cookieOf, FRANKFURT, SYDNEY, travel } from "./parts/places.mjs";
import { startUpstream, valuesOf } from "./parts/upstream.mjs";
import { cf, CF_HEADER } from "./parts/workerd.mjs";
import { createWorld } from "./parts/world.mjs";

const CLAIMS = { groups: ["staff", "a,b", "50%", "Köln", " root "], tenant: "acme", preferred_username: " ada,lovelace", level: 3 };
const VISITOR = {
  city: "São Paulo 100%",
  postalCode: "01000",
  region: "São Paulo",
  regionCode: "SP",
  country: "BR",
  continent: "SA",
  latitude: "-23.54",
  longitude: "-46.63",
  timezone: "America/Sao_Paulo",
  asn: 64496,
  botManagement: { score: 87, verifiedBot: false },
};
const VISITOR_HEADERS = {
  "x-geo-city": "S%C3%A3o Paulo 100%25",
  "x-geo-postal-code": "01000",
  "x-geo-region": "S%C3%A3o Paulo",
  "x-geo-region-code": "SP",
  "x-geo-country": "BR",
  "x-geo-continent": "SA",
  "x-geo-latitude": "-23.54",
  "x-geo-longitude": "-46.63",
  "x-geo-timezone": "America/Sao_Paulo",
  "cf-asn": "64496",
  "cf-bot-score": "87",
  "cf-verified-bot": "false",
};
/** A Worker that answers with what it was sent. */
const SERVICE = `export default {
  async fetch(request) {
    if (new URL(request.url).pathname.endsWith("/redirect")) return Response.redirect("https://elsewhere.example/", 302);
    return Response.json({ url: request.url, method: request.method, headers: [...request.headers].flat(), body: await request.text() });
  },
};`;

describe("routes", () => {
  let world;
  let other;
  let browser;
  before(async () => {
    other = await startUpstream();
    world = await createWorld(undefined, {
      hostile: { idToken: { claims: (claims) => ({ ...claims, ...CLAIMS }) } },
      services: { APP: SERVICE },
      routes: [
        { match: "/other/*", upstream: `${other.origin}/base` },
        { match: "localhost/host/*", upstream: other.origin },
        { match: "/lone/*", session: "none" },
        { match: "/exact", upstream: other.origin },
        { match: "/public/*", session: "none" },
        { match: "/optional/*", session: "optional", identity_headers: true },
        { match: "/staff/*", session: "optional", require: { groups: "staff", tenant: "acme" } },
        { match: "/bosses/*", require: { groups: "bosses" } },
        { match: "/identity/*", identity_headers: true },
        { match: "/id-token/*", token: "id" },
        { match: "/no-token/*", token: "none", identity_headers: true },
        { match: "/private/*", cache: "private" },
        { match: "/files/*", encoded_slashes: true },
        { match: "/service/*", upstream: "binding:APP" },
        { match: "/app/*" },
      ],
    });
    browser = await world.login();
  });
  after(async () => {
    await world.close();
    await other.close();
  });

  const seenBy = (target, lines = []) => sessionGet(world.gateway, browser, lines, target);
  const get = (target, headers = {}) => world.gateway.request(target, { headers });

  test("the first route that matches wins, and what none matches is 404", async () => {
    const before = other.requests.length;
    for (const [target, upstream, url] of [
      ["/other/x?y=1", other, "/base/other/x?y=1"],
      ["/exact", other, "/exact"],
      ["/app/x", world.upstream, "/app/x"],
      ["/other/../app/x", world.upstream, "/app/x"],
      ["/%6fther/x", other, "/base/other/x"],
      ["/app/?x=/other/", world.upstream, "/app/?x=/other/"],
    ]) {
      const seen = await seenBy(target);
      assert.equal(seen.url, url, target);
      assert.equal(upstream.requests.at(-1).url, url, target);
    }
    assert.equal(other.requests.length, before + 3);
    for (const target of ["/", "/exact/", "/exactly", "/appx", "//other/x", "/host/x"]) {
      const answer = await browser.api(`${world.gateway.origin}${target}`);
      assert.equal(answer.status, 404, target);
      assert.equal(answer.json().code, "not_found", target);
    }
  });

  test("a host in match is compared with the request's own, whatever X-Forwarded-Host says", async (t) => {
    const port = await freePort();
    const both = await createWorld(t, {
      hostile: true,
      port,
      vars: { PUBLIC_ORIGIN: `http://127.0.0.1:${port}, http://localhost:${port}` },
      routes: [{ match: "localhost/*", upstream: `${other.origin}/localhost`, session: "none" }, { match: "127.0.0.1:1/*", upstream: "http://127.0.0.1:9", session: "none" }, { match: "/*", session: "none" }],
    });
    const seen = await rawGet(both.gateway.origin, "/x", ["x-forwarded-host: localhost"]);
    assert.equal(seen.json().url, "/x");
    const local = await both.gateway.request("/x", { headers: { host: `localhost:${both.gateway.port}` } });
    assert.equal(local.json().url, "/localhost/x");
    for (const host of [`localhost.:${port}`, `LOCALHOST.:${port}`]) {
      const dotted = await both.gateway.request("/x", { headers: { host } });
      assert.equal(dotted.status, 404, `${host}: another host than the public ones`);
    }
  });

  test("conformance 28: an encoded slash is 400 unless the route lets it through, and never hides a dot segment", async () => {
    assert.equal((await seenBy("/files/a%2Fb")).url, "/files/a%2Fb");
    for (const target of ["/app/a%2fb", "/files/..%2fx", "/files/a%2f%2e%2e%2fb", "/files/a%5cb", "/files/a%00", "/files/a%2f..;x%2fb"]) {
      const answer = await rawGet(world.gateway.origin, target, [`cookie: ${browser.sessionHeader}`]);
      assert.equal(answer.status, 400, target);
    }
  });

  test("conformance 28: a route cannot be walked around by encoding a letter", async () => {
    for (const target of ["/bosses/x", "/%62osses/x", "/b%6Fsses/x", "/app/../bosses/x", "/%62%6f%73%73%65%73/x"]) {
      const answer = await rawGet(world.gateway.origin, target, [`cookie: ${browser.sessionHeader}`]);
      assert.equal(answer.status, 403, target);
    }
    // What a server would decode twice stays what it is.
    assert.equal((await rawGet(world.gateway.origin, "/%2562osses/x", [`cookie: ${browser.sessionHeader}`])).status, 404);
    assert.equal((await seenBy("/app/%%362osses")).url, "/app/%%362osses");
  });

  test("a % that encodes nothing arrives as it came", async () => {
    for (const target of ["/lone/a%", "/lone/100%/x", "/lone/%zz?%"]) {
      const answer = await rawGet(world.gateway.origin, target);
      assert.equal(answer.json().url, target);
    }
  });

  test("conformance 28, 49: a path that another server reads as a route with other rules is 400, and the answer names what is refused", async (t) => {
    const two = await createWorld(t, {
      hostile: true,
      routes: [{ match: "/admin/*", require: { groups: "bosses" } }, { match: "/*", session: "none" }],
    });
    for (const [target, named] of [
      ["/admin%23/x", /%23/],
      ["/admin%3f/x", /%3f/],
      ["/admin%09/x", /control/],
      ["/%0aadmin/x", /control/],
      ["/admin%00/x", /control/],
      ["/admin%7f/x", /control/],
      ["/admin%5cx", /backslash/],
      ["/admin%2fx", /%2f/],
      ["/admin./x", /a dot or a space/],
      ["/admin%20/x", /a dot or a space/],
      ["/ADMIN/x", /case/],
      ["//admin/x", /two slashes/],
      ["/admin;/x", /;/],
      ["/admin%3bx/x", /;/],
      ["/x/..%20/admin/x", /dot segment/],
      ["/%ef%bd%81dmin/x", /full-width/],
      ["/admin%ef%bc%8fx", /full-width/],
      ["/x/%ef%bc%8e%ef%bc%8e/admin/x", /dot segment/],
      ["/admin%c0%afx", /longer than it must be/],
      ["/%c1%a1dmin/x", /longer than it must be/],
      ["/x/%c0%ae%c0%ae/admin/x", /dot segment/],
      ["/ADMIN%20;a//x", /other rules/],
      ["/AUTH/login", /case/],
      ["//auth/session", /two slashes/],
      ["/auth%23/login", /%23/],
    ]) {
      const seen = two.upstream.requests.length;
      const answer = await rawGet(two.gateway.origin, target);
      assert.equal(answer.status, 400, target);
      assert.equal(answer.json().code, "bad_request", target);
      assert.match(answer.json().detail, named, target);
      assert.equal(two.upstream.requests.length, seen);
    }
    for (const target of ["/Other//x;y%3f%23%20.", "/admin", "/a%", "/administration/X", "/%252e%252e/admin/x"]) {
      const answer = await rawGet(two.gateway.origin, target);
      assert.equal(answer.status, 200, target);
      assert.equal(answer.json().url, target);
    }
    assert.equal((await rawGet(two.gateway.origin, "/admin/X;y")).status, 401);
    const page = await rawGet(two.gateway.origin, "/ADMIN/x", ["accept: text/html"]);
    assert.match(page.text, /case differs/);
  });

  test("conformance 49: where no route matches a path it is 404, and where all have the same rules only the gateway's own paths count", async () => {
    for (const target of ["/BOSSES/x", "//bosses/x", "/bosses;/x"]) assert.equal((await rawGet(world.gateway.origin, target)).status, 404, target);
    assert.equal((await rawGet(world.gateway.origin, "/app/X//y;z%20/%3f", [`cookie: ${browser.sessionHeader}`])).status, 200);
  });

  test("a session = none route takes everybody and carries no token and no identity, but the visitor's headers", async () => {
    for (const cookie of [undefined, browser.sessionHeader, "edge-session=rubbish"]) {
      const answer = await get("/public/x", {
        ...(cookie && { cookie: `a=1; ${cookie}` }),
        authorization: "Bearer mine",
        "x-forwarded-user": "root",
        [CF_HEADER]: cf(VISITOR),
      });
      assert.equal(answer.status, 200);
      const { headers } = answer.json();
      assert.deepEqual(valuesOf(headers, "authorization"), []);
      assert.deepEqual(valuesOf(headers, "x-forwarded-user"), []);
      assert.deepEqual(valuesOf(headers, "cookie"), cookie ? ["a=1"] : []);
      assert.deepEqual(valuesOf(headers, "x-geo-country"), ["BR"]);
      assert.deepEqual(valuesOf(headers, "x-forwarded-proto"), ["http"]);
    }
  });

  test("a session = optional route carries token and identity with a session and nothing without", async () => {
    const known = await seenBy("/optional/x");
    assert.match(valuesOf(known.headers, "authorization")[0], /^Bearer /);
    assert.deepEqual(valuesOf(known.headers, "x-forwarded-user"), ["ada"]);
    for (const headers of [{}, { cookie: "edge-session=rubbish" }, { accept: "text/html" }]) {
      const answer = await get("/optional/x", headers);
      assert.equal(answer.status, 200);
      assert.deepEqual(valuesOf(answer.json().headers, "authorization"), []);
      assert.deepEqual(valuesOf(answer.json().headers, "x-forwarded-user"), []);
    }
    const gone = await world.login();
    const cookie = gone.sessionHeader;
    await gone.api("/auth/logout", { method: "POST" });
    const answer = await get("/optional/x", { cookie });
    assert.equal(answer.status, 200);
    assert.deepEqual(valuesOf(answer.json().headers, "authorization"), []);
  });

  test("require is met by a claim that has or holds the value, else 403 forbidden, and makes the session required", async () => {
    assert.equal((await seenBy("/staff/x")).url, "/staff/x");
    const seen = world.upstream.requests.length;
    const refused = await browser.api("/bosses/x");
    assert.equal(refused.status, 403);
    assert.equal(refused.json().code, "forbidden");
    assert.match((await browser.navigate("/bosses/x")).text, /<h1>/);
    assert.equal((await get("/staff/x")).status, 401);
    assert.equal((await get("/staff/x", { accept: "text/html" })).status, 302);
    assert.equal(world.upstream.requests.length, seen);
  });

  test("identity headers carry the claims, encoded so that nothing in them can be taken for something else", async () => {
    const { headers } = await seenBy("/identity/x", ["X-Forwarded-Groups: root", "x_forwarded_email: root"]);
    assert.deepEqual(valuesOf(headers, "x-forwarded-user"), ["ada"]);
    assert.deepEqual(valuesOf(headers, "x-forwarded-email"), ["ada@example.com"]);
    assert.deepEqual(valuesOf(headers, "x-forwarded-preferred-username"), ["%20ada,lovelace"], "not the user of another name");
    assert.deepEqual(valuesOf(headers, "x-forwarded-groups"), ["staff,a%2Cb,50%25,K%C3%B6ln,%20root%20"]);
    const plain = await seenBy("/app/x");
    assert.deepEqual(valuesOf(plain.headers, "x-forwarded-user"), []);
  });

  test("an e-mail address that is not verified is left out", async (t) => {
    const unverified = await createWorld(t, {
      hostile: { answers: { userinfo: async () => ({ json: { sub: "ada", email: "root@example.com", email_verified: false } }) } },
      routes: [{ match: "/*", identity_headers: true }],
    });
    const user = await unverified.login();
    const { headers } = (await user.api("/x")).json();
    assert.deepEqual(valuesOf(headers, "x-forwarded-user"), ["ada"]);
    assert.deepEqual(valuesOf(headers, "x-forwarded-email"), []);
  });

  test("conformance 25: whatever IDENTITY_HEADERS names is removed in every spelling on every route, OPTIONS included", async (t) => {
    const named = await createWorld(t, {
      hostile: true,
      vars: { IDENTITY_HEADERS: JSON.stringify({ "X-User-Id": "sub", "Remote-Groups": "groups" }) },
      routes: [{ match: "/identity/*", identity_headers: true }, { match: "/public/*", session: "none" }, { match: "/*", session: "optional" }],
    });
    const user = await named.login();
    const forged = ["X-User-Id", "x-user-id", "X_User_Id", "x_user-id", "X.User.Id", "REMOTE_GROUPS", "Remote-Groups", "remote_groups"];
    const lines = [...forged, "X-Forwarded-User", "x_forwarded_for", "Authorization", "AUTHORIZATION", "X_Geo_City", "cf_bot_score", "x_captcha_passed_at"].map((name) => `${name}: forged-value`);
    for (const target of ["/identity/x", "/public/x", "/x"]) {
      for (const cookies of [[], [`cookie: ${user.sessionHeader}`]]) {
        if (target === "/identity/x" && cookies.length === 0) continue;
        for (const method of ["GET", "OPTIONS", "POST", "HEAD"]) {
          const before = named.upstream.requests.length;
          const answer = await raw(named.gateway.origin, [`${method} ${target} HTTP/1.1`, `host: ${new URL(named.gateway.origin).host}`, "sec-fetch-site: same-origin", "content-length: 0", "connection: x-forwarded-host, x-user-id", ...cookies, ...lines]);
          assert.equal(answer.status, 200, `${method} ${target}`);
          const { headers } = named.upstream.requests[before];
          assert.ok(!headers.join("\n").includes("forged-value"), `${method} ${target}: ${headers}`);
          assert.deepEqual(valuesOf(headers, "x-user-id"), target === "/identity/x" ? ["ada"] : []);
          assert.equal(valuesOf(headers, "x-forwarded-host").length, 1);
        }
      }
    }
  });

  test("token says what goes into Authorization: the access token, the ID token or nothing", async () => {
    const authorization = async (target) => valuesOf((await seenBy(target)).headers, "authorization");
    const [access] = await authorization("/app/x");
    const [id] = await authorization("/id-token/x");
    assert.notEqual(id, access);
    const claims = JSON.parse(Buffer.from(id.replace("Bearer ", "").split(".")[1], "base64url"));
    assert.equal(claims.aud, world.provider.clientId);
    assert.deepEqual(await authorization("/no-token/x"), []);
    assert.deepEqual(valuesOf((await seenBy("/no-token/x")).headers, "x-forwarded-user"), ["ada"]);
  });

  test("the visitor's place and bot score are told in headers, encoded, and absent ones leave no header", async () => {
    const { headers } = await seenBy("/app/x", [`${CF_HEADER}: ${cf(VISITOR)}`]);
    for (const [name, value] of Object.entries(VISITOR_HEADERS)) assert.deepEqual(valuesOf(headers, name), [value], name);
    const none = await seenBy("/app/x", ["x-geo-city: forged", "cf-bot-score: 99"]);
    for (const name of Object.keys(VISITOR_HEADERS)) assert.deepEqual(valuesOf(none.headers, name), [], name);
    const odd = await seenBy("/app/x", [`${CF_HEADER}: ${cf({ city: "", country: null, asn: 0, botManagement: { score: 1, verifiedBot: true } })}`]);
    assert.deepEqual(valuesOf(odd.headers, "x-geo-city"), []);
    assert.deepEqual(valuesOf(odd.headers, "cf-verified-bot"), ["true"]);
  });

  test("conformance 20: Cache-Control is what the route says, with a session; without one it is the application's", async () => {
    const cached = (_, response) => response.writeHead(200, { "cache-control": "public, s-maxage=60", "cdn-cache-control": "max-age=60", "surrogate-control": "max-age=60" }).end();
    for (const path of ["/private/x", "/app/x", "/public/x", "/optional/x"]) world.upstream.answer(path, cached);
    const controls = async (answer) => ["cache-control", "cdn-cache-control", "surrogate-control"].map((name) => answer.headers[name]);
    assert.deepEqual(await controls(await browser.api("/private/x")), ["private", undefined, undefined]);
    assert.deepEqual(await controls(await browser.api("/app/x")), ["no-store", undefined, undefined]);
    assert.deepEqual(await controls(await browser.api("/optional/x")), ["no-store", undefined, undefined]);
    for (const path of ["/public/x", "/optional/x"]) assert.deepEqual(await controls(await get(path)), ["public, s-maxage=60", "max-age=60", "max-age=60"]);
    const planted = (_, response) => response.writeHead(200, { "cache-control": "s-maxage=60", "set-cookie": ["a=1", "edge-session=evil"] }).end();
    for (const [path, expected] of [["/optional/cookie", "no-store"], ["/public/cookie", "s-maxage=60"]]) {
      world.upstream.answer(path, planted);
      const answer = await get(path);
      assert.deepEqual([answer.headers["cache-control"], answer.setCookies], [expected, ["a=1"]], path);
    }
  });

  test("a service binding is an application like any other", async () => {
    const seen = await seenBy("/service/x?y=1");
    assert.equal(seen.url, `${world.gateway.origin}/service/x?y=1`);
    assert.match(valuesOf(seen.headers, "authorization")[0], /^Bearer /);
    assert.ok(!seen.headers.join("\n").includes(browser.session.value));
    const posted = await browser.api("/service/x", { method: "POST", body: "hello" });
    assert.equal(posted.json().body, "hello");
    const redirect = await browser.api("/service/redirect");
    assert.deepEqual([redirect.status, redirect.headers.location], [302, "https://elsewhere.example/"]);
  });

  test("a binding that is not there, and every other wrong field, is named on healthz by index and field", async (t) => {
    const gateway = await startGateway({
      provider: world.provider,
      vars: { ROUTES: JSON.stringify([{ match: "/*", upstream: "binding:MISSING" }, { match: "/*" }, { match: "x", upstream: "https://a.example", session: "yes" }, { match: "/*", upstream: "binding:SESSIONS" }]) },
    });
    t.after(() => gateway.close());
    const answer = await gateway.request("/auth/healthz");
    assert.equal(answer.status, 500);
    const variables = answer.json().problems.map(({ variable }) => variable);
    assert.deepEqual(variables.toSorted(), ["ROUTES[0].upstream", "ROUTES[1].upstream", "ROUTES[2].match", "ROUTES[2].session", "ROUTES[3].upstream"]);
    assert.match(answer.text, /MISSING/);
    assert.match(answer.text, /SESSIONS/, "a Durable Object namespace takes no requests");
  });

  test("conformance 22, 23: cross_site serves other sites' requests as if without our cookies; csrf_header must be there", async (t) => {
    const sites = await createWorld(t, {
      hostile: true,
      routes: [
        { match: "/hook/*", session: "optional", cross_site: true },
        { match: "/strict/*", csrf_header: "X-CSRF" },
        { match: "/hook-required/*", cross_site: true },
        { match: "/public/*", session: "none" },
      ],
    });
    const user = await sites.login();
    const post = (path, headers) => user.api(path, { method: "POST", headers });
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }]) {
      const answer = await post("/hook/x", headers);
      assert.equal(answer.status, 200);
      assert.deepEqual(valuesOf(answer.json().headers, "authorization"), []);
      assert.ok(!answer.text.includes(user.session.value));
      assert.equal((await post("/hook-required/x", headers)).status, 401);
      assert.equal((await post("/public/x", headers)).status, 403);
    }
    assert.match(valuesOf((await post("/hook/x", {})).json().headers, "authorization")[0], /^Bearer /);

    const refused = (await post("/strict/x", {})).json();
    assert.equal(refused.code, "csrf_rejected");
    assert.match(refused.detail, /lacks the header x-csrf\b/i, "it says which");
    assert.equal((await post("/strict/x", { "x-csrf": "1" })).status, 200);
    assert.equal((await post("/strict/x", { "x-csrf": "1", "sec-fetch-site": "cross-site" })).status, 403);
    assert.equal((await user.api("/strict/x")).status, 200, "a GET needs none");
  });

  test("a session moves with its user on routes that require it, whatever goes upstream, and on no other", async (t) => {
    const moving = await createWorld(t, {
      hostile: true,
      routes: [{ match: "/optional", session: "optional" }, { match: "/public", session: "none" }, { match: "/*", identity_headers: true }],
    });
    const user = travel(moving.browser(), FRANKFURT);
    await user.login();
    travel(user, SYDNEY);
    for (const path of ["/optional", "/public"]) assert.equal((await user.navigate(path)).url.pathname, path);
    assert.equal(cookieOf(user).region, "weur");
    assert.match(valuesOf((await user.navigate("/optional")).json().headers, "authorization")[0], /^Bearer /);
    const page = await user.navigate("/page");
    assert.deepEqual(valuesOf(page.json().headers, "x-forwarded-user"), ["ada"]);
    assert.equal(cookieOf(user).region, "oc");
  });

  test("a CORS preflight passes without a session on session = none and optional routes alone, else its answer leaks nothing", async () => {
    const preflight = (target) =>
      world.gateway.request(target, { method: "OPTIONS", headers: { origin: "https://other.example", "access-control-request-method": "PUT", "sec-fetch-site": "cross-site" } });
    for (const path of ["/public/cors", "/optional/cors", "/app/cors"]) {
      world.upstream.answer(path, (_, response) => response.writeHead(204, { "access-control-allow-origin": "https://other.example" }).end());
    }
    for (const path of ["/public/cors", "/optional/cors"]) {
      const answer = await preflight(path);
      assert.equal(answer.status, 204);
      assert.equal(answer.headers["access-control-allow-origin"], "https://other.example");
    }
    const seen = world.upstream.requests.length;
    for (const path of ["/app/cors", "/app/nothing", "/staff/x", "/bosses/x"]) {
      const answer = await preflight(path);
      assert.equal(answer.status, 401, path);
      assert.ok(!Object.keys(answer.headers).some((name) => name.startsWith("access-control")));
    }
    assert.equal(world.upstream.requests.length, seen);
  });

  test("a token that the application refuses is refreshed once, and a request without a body is sent again", async (t) => {
    const { provider, upstream, login } = await createWorld(t, { hostile: true });
    const user = await login();
    let refused;
    const picky = (request, response, seen) => {
      const [token] = valuesOf(seen.headers, "authorization");
      refused ??= token;
      if (token !== refused) return response.writeHead(200).end(token);
      // A parameter may be a quoted string or a token (RFC 9110 section 11.2).
      const error = request.method === "POST" ? "invalid_token" : '"invalid_token"';
      response.writeHead(401, { "www-authenticate": `Bearer realm="api", error=${error}` }).end("refused");
    };
    upstream.answer("/picky", picky);
    const answer = await user.api("/picky");
    assert.equal(answer.status, 200, answer.text);
    assert.notEqual(answer.text, refused);
    assert.equal(provider.refreshes.length, 1);

    upstream.answer("/never", (_, response) => response.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' }).end("never"));
    const before = upstream.requests.length;
    const never = await user.api("/never");
    assert.deepEqual([never.status, never.text], [401, "never"]);
    assert.equal(upstream.requests.length, before + 1, "the token is new: nothing more to be had");
    assert.equal(provider.refreshes.length, 1);

    const second = await login();
    refused = undefined;
    const posted = await second.api("/picky", { method: "POST", body: "x" });
    assert.equal(posted.status, 401, "its body is gone");
    assert.equal(provider.refreshes.length, 2);
    assert.equal((await second.api("/picky")).status, 200);

    upstream.answer("/other-401", (_, response) => response.writeHead(401, { "www-authenticate": "Bearer" }).end());
    const third = await login();
    assert.equal((await third.api("/other-401")).status, 401);
    assert.equal(provider.refreshes.length, 2, "nothing was said of the token");
  });
});
