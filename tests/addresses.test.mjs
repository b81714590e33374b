// Addresses on both sides of the gateway: what an application behind it sees as Origin and Referer, and what becomes of its own
// address in redirects, refreshes and cookies.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rawGet } from "./parts/rawhttp.mjs";
import { startUpstream, valuesOf } from "./parts/upstream.mjs";
import { echoWebSockets, openWebSocket } from "./parts/websocket.mjs";
import { createWorld } from "./parts/world.mjs";

/** A Worker that redirects to wherever it is told, for what a binding's application says. */
const SERVICE = `export default { fetch: (request) => new Response(null, { status: 302, headers: { location: new URL(request.url).searchParams.get("to") } }) };`;

describe("addresses on both sides", () => {
  let world;
  let based;
  let browser;
  before(async () => {
    based = await startUpstream();
    world = await createWorld(undefined, {
      hostile: true,
      services: { APP: SERVICE },
      routes: [
        { match: "/upstream/*", origin: "upstream" },
        { match: "/hook/*", origin: "upstream", cross_site: true, session: "none" },
        { match: "/based/*", upstream: `${based.origin}/base`, origin: "upstream" },
        { match: "/as-it-is/*", upstream: `${based.origin}/base`, rewrite_redirects: false },
        { match: "/service/*", upstream: "binding:APP" },
        { match: "/open/*", session: "none" },
        { match: "/*", identity_headers: true },
      ],
    });
    browser = await world.login();
  });
  after(async () => {
    await world.close();
    await based.close();
  });

  const sent = async (path, headers, method = "POST") => {
    const answer = await browser.api(path, { method, headers: { "sec-fetch-site": "same-origin", ...headers } });
    assert.equal(answer.status, 200, answer.text);
    return answer.json().headers;
  };

  test('origin = "upstream": an Origin and a Referer of the gateway\'s own become the application\'s, as Host is', async () => {
    const { origin } = world.gateway;
    const headers = await sent("/upstream/form", { origin, referer: `${origin}/upstream/page?a=b` });
    const host = new URL(world.upstream.origin).host;
    assert.deepEqual(valuesOf(headers, "host"), [host]);
    assert.deepEqual(valuesOf(headers, "origin"), [`http://${host}`]);
    assert.deepEqual(valuesOf(headers, "referer"), [`http://${host}/upstream/page?a=b`]);
    const [alone] = valuesOf(await sent("/upstream/x", { referer: origin }, "GET"), "referer");
    assert.equal(alone, `http://${host}`);
    const within = await sent("/based/form", { origin, referer: `${origin}/based/page` });
    assert.deepEqual(valuesOf(within, "origin"), [based.origin]);
    assert.deepEqual(valuesOf(within, "referer"), [`${based.origin}/base/based/page`]);
    const none = await sent("/upstream/x", {}, "GET");
    assert.deepEqual([...valuesOf(none, "origin"), ...valuesOf(none, "referer")], []);
  });

  test("an Origin or Referer of anybody else goes through as it came, so that the application can refuse it", async () => {
    const { origin, port } = world.gateway;
    for (const [foreign, referer] of [
      ["https://evil.example", "https://evil.example/"],
      ["null", `${origin}.evil.example/`],
      [`http://127.0.0.1:${port}1`, `${origin}@evil.example/`],
      [`${origin}.evil.example`, `https://evil.example/${origin}/`],
      [origin.toUpperCase(), origin.toUpperCase()],
    ]) {
      const answer = await world.gateway.request("/hook/x", { method: "POST", headers: { origin: foreign, referer } });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(valuesOf(answer.json().headers, "origin"), [foreign]);
      assert.deepEqual(valuesOf(answer.json().headers, "referer"), [referer]);
    }
  });

  test("the gateway's own check of the Origin stands: another site's request goes nowhere", async () => {
    const seen = world.upstream.requests.length;
    for (const headers of [{ origin: "https://evil.example" }, { origin: world.upstream.origin }, { origin: world.gateway.origin, "sec-fetch-site": "cross-site" }]) {
      const answer = await world.gateway.request("/upstream/x", { method: "POST", headers: { cookie: browser.sessionHeader, ...headers } });
      assert.equal(answer.status, 403);
    }
    assert.equal(world.upstream.requests.length, seen);
  });

  test("without it both arrive as the browser sent them", async () => {
    const { origin } = world.gateway;
    const headers = await sent("/x", { origin, referer: `${origin}/page` });
    assert.deepEqual([valuesOf(headers, "origin"), valuesOf(headers, "referer")], [[origin], [`${origin}/page`]]);
  });

  test("a WebSocket's Origin becomes the application's, too, and another site opens none", async () => {
    const { upstream, gateway } = world;
    const seen = echoWebSockets(upstream);
    const opened = await openWebSocket(gateway.origin, "/upstream/ws", [`cookie: ${browser.sessionHeader}`, `origin: ${gateway.origin}`]);
    assert.equal(await opened.say("hello"), "hello");
    assert.deepEqual(valuesOf(seen[0].headers, "origin"), [upstream.origin]);
    for (const origin of ["https://evil.example", upstream.origin]) {
      const { status } = await openWebSocket(gateway.origin, "/upstream/ws", [`cookie: ${browser.sessionHeader}`, `origin: ${origin}`]);
      assert.equal(status, 403, origin);
    }
    assert.equal(seen.length, 1);
    opened.socket.destroy();
  });

  /** What the browser gets of this header for what an application says. */
  const rewritten = async (application, path, name, value, status = 302) => {
    const at = application === based ? `/base${path}` : path;
    application.answer(at, (_, response) => response.writeHead(status, { [name]: value }).end());
    const answer = await browser.api(path);
    assert.equal(answer.status, status, answer.text);
    return answer.headers[name];
  };

  test("a redirect to the application's own address leads to the public one, whatever its status is", async () => {
    const { gateway, upstream } = world;
    for (const status of [201, 301, 302, 303, 307, 308]) {
      assert.equal(await rewritten(upstream, "/dir", "location", `${upstream.origin}/dir/?a=b#c`, status), `${gateway.origin}/dir/?a=b#c`);
    }
    assert.equal(await rewritten(upstream, "/dir", "location", `//127.0.0.1:${upstream.port}/dir/`), `${gateway.origin}/dir/`);
    assert.equal(await rewritten(upstream, "/dir", "content-location", `${upstream.origin}/dir.en`, 200), `${gateway.origin}/dir.en`);
    assert.equal(await rewritten(upstream, "/dir", "refresh", `5; url=${upstream.origin}/next`, 200), `5; url=${gateway.origin}/next`);
    assert.equal(await rewritten(upstream, "/open/dir", "location", `${upstream.origin}/open/dir/`), `${gateway.origin}/open/dir/`);
  });

  test("a redirect to anywhere else is passed on as it is", async () => {
    const { upstream } = world;
    for (const value of [
      "/dir/",
      "dir/",
      "?a",
      "https://evil.example/",
      `https://evil.example/${upstream.origin}/`,
      `http://127.0.0.1:${upstream.port}1/`,
      `https://127.0.0.1:${upstream.port}/`,
      `http://127.0.0.1:${upstream.port}@evil.example/`,
      `http://user@127.0.0.1:${upstream.port}/`,
      `http://localhost:${upstream.port}/`,
    ]) {
      assert.equal(await rewritten(upstream, "/dir", "location", value), value);
    }
  });

  test("a path prefix of the application's is taken off, in an address and in a path alone", async () => {
    const { origin } = world.gateway;
    const location = (value) => rewritten(based, "/based/x", "location", value);
    assert.equal(await location(`${based.origin}/base/based/y`), `${origin}/based/y`);
    assert.equal(await location("/base/based/y?a"), "/based/y?a");
    assert.equal(await location("/base"), "/");
    assert.equal(await location(`${based.origin}/base`), `${origin}/`);
    for (const value of ["/basement", "/other", "/base/../other", `${based.origin}/other`, "base/y"]) assert.equal(await location(value), value);
    // As a path alone these would lead to another host.
    assert.equal(await location("/base//evil.example/"), `${origin}//evil.example/`);
    assert.equal(await location("/base/\\evil.example/"), `${origin}//evil.example/`);
    assert.equal(await rewritten(based, "/based/x", "refresh", "0; URL='/base/based/y'", 200), "0; URL='/based/y'");
  });

  test("a cookie for the application's host loses its Domain, any other one keeps it", async () => {
    world.upstream.answer("/cookies", (_, response) => {
      const lines = ["a=1; Domain=127.0.0.1; Path=/", "b=2; path=/; DOMAIN=.127.0.0.1; HttpOnly", "c=3; Domain=example.com", "d=4", "edge-session=evil; Domain=127.0.0.1"];
      response.writeHead(200, { "set-cookie": lines }).end();
    });
    assert.deepEqual((await browser.api("/cookies")).setCookies, ["a=1; Path=/", "b=2; path=/; HttpOnly", "c=3; Domain=example.com", "d=4"]);
  });

  test("a response that sets a cookie of the gateway's, redirects to itself and misleads a cache loses the first, and the rest is put right", async () => {
    const { gateway, upstream } = world;
    upstream.answer("/all", (_, response) => {
      response.writeHead(303, {
        location: `${upstream.origin}/all/done`,
        refresh: `0; url=${upstream.origin}/all/done`,
        "set-cookie": ["edge-session=evil", "a=1; Domain=127.0.0.1", "b=2"],
        "cache-control": "public",
        "cdn-cache-control": "max-age=60",
      });
      response.end();
    });
    const { status, headers, setCookies } = await browser.api("/all");
    assert.deepEqual([status, headers.location, headers.refresh], [303, `${gateway.origin}/all/done`, `0; url=${gateway.origin}/all/done`]);
    assert.deepEqual([setCookies, headers["cache-control"], headers["cdn-cache-control"]], [["a=1", "b=2"], "no-store", undefined]);
  });

  test("rewrite_redirects = false leaves all of it as it is", async () => {
    const url = `${based.origin}/base/as-it-is/y`;
    assert.equal(await rewritten(based, "/as-it-is/x", "location", url), url);
    assert.equal(await rewritten(based, "/as-it-is/x", "location", "/base/y"), "/base/y");
    assert.equal(await rewritten(based, "/as-it-is/x", "refresh", `1; url=${url}`, 200), `1; url=${url}`);
    based.answer("/base/as-it-is/x", (_, response) => response.writeHead(200, { "set-cookie": "a=1; Domain=127.0.0.1" }).end());
    assert.deepEqual((await browser.api("/as-it-is/x")).setCookies, ["a=1; Domain=127.0.0.1"]);
  });

  test("a binding has the gateway's own address: its redirects are passed on as they are", async () => {
    const { gateway, upstream } = world;
    for (const to of [`${gateway.origin}/service/y`, `${upstream.origin}/y`, "/y"]) {
      const answer = await rawGet(gateway.origin, `/service/x?to=${encodeURIComponent(to)}`, [`cookie: ${browser.sessionHeader}`]);
      assert.deepEqual([answer.status, answer.headers.location], [302, to]);
    }
  });

  test("a response that waits for a new token is rewritten like any other", async () => {
    const { gateway, upstream } = world;
    let times = 0;
    upstream.answer("/renewed", (_, response) => {
      if (times++ === 0) return response.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' }).end();
      response.writeHead(302, { location: `${upstream.origin}/after` }).end();
    });
    const answer = await browser.api("/renewed");
    assert.deepEqual([answer.status, answer.headers.location, times], [302, `${gateway.origin}/after`, 2]);
  });
});
