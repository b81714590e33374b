// Where the gateway sends browsers: never to another origin because a URL said so. Conformance.md 13, 14, 15, 16.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { raw, rawGet } from "./parts/rawhttp.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

describe("redirects", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { hostile: true });
  });
  after(() => world.close());

  /** Addresses that lead elsewhere, or that some browser could take for one that does. */
  const elsewhere = () => {
    const { port } = world.gateway;
    return [
      "https://evil.example",
      "https://evil.example/",
      "//evil.example",
      "///evil.example",
      "////evil.example",
      "/\\evil.example",
      "\\\\evil.example",
      "\\/evil.example",
      "/\t/evil.example",
      "/\n/evil.example",
      "/\r//evil.example",
      "\t//evil.example",
      " //evil.example",
      "/ /../\\evil.example",
      "/%09/evil.example\u0000",
      "/.//evil.example",
      "/..//evil.example",
      "/x/..//evil.example",
      "/%2e%2e//evil.example",
      "/%2e//evil.example",
      "https:evil.example",
      "https:/evil.example",
      "http:evil.example",
      "HTTPS://evil.example",
      "javascript:alert(1)",
      "data:text/html,hello",
      "evil.example",
      "@evil.example",
      ":443/x",
      `http://127.0.0.1:${port}@evil.example/`,
      `http://127.0.0.1:${port}.evil.example/`,
      `http://127.0.0.1:${port + 1}/`,
      `http://127.0.0.1/`,
      `https://127.0.0.1:${port}/`,
      `http://user@127.0.0.1:${port}/`,
      `http://user:secret@127.0.0.1:${port}/`,
      `http://127.0.0.1:${port}\\@evil.example/`,
      `http://127.0.0.1:${port}//evil.example`,
      `//127.0.0.1:${port}/x`,
      "http://[::1]/",
      "//localhost",
      "\u2028//evil.example",
      "/\u202e//evil.example\u0007",
      `/${"x".repeat(9000)}`,
    ];
  };
  const isHere = (location) => new URL(location, world.gateway.origin).origin === world.gateway.origin;
  const encodings = [encodeURIComponent, (text) => encodeURIComponent(text).replace(/%/g, "%25")];

  test("conformance 13, 14: no return_to of a login leads to another origin, in any encoding", async () => {
    let refused = 0;
    for (const to of elsewhere()) {
      for (const encode of encodings) {
        const browser = world.browser();
        const target = `/auth/login?return_to=${encode(to)}`;
        const login = await browser.navigate(target, { follow: false });
        if (login.status === 400) {
          refused += 1;
          assert.equal(login.setCookies.length, 0, `${to}: no login begins`);
          continue;
        }
        // Accepted as a path of this site: then it has to stay here up to the end.
        assert.equal(login.status, 302, `${to}: ${login.status}`);
        const url = await callbackOf(browser, target);
        const landing = await browser.navigate(url, { follow: false });
        assert.equal(landing.status, 303, to);
        assert.ok(isHere(landing.headers.location), `${to} → ${landing.headers.location}`);
        assert.ok(!/^[/\\]{2}/.test(landing.headers.location), `${to} → ${landing.headers.location}`);
      }
    }
    assert.ok(refused >= 30, `${refused} were refused`);
  });

  test("conformance 13, 14: no return_to of a logout leads to another origin", async () => {
    for (const to of elsewhere()) {
      for (const encode of encodings) {
        const answer = await world.browser().api(`/auth/logout?return_to=${encode(to)}`, { method: "POST" });
        if (answer.status === 400) continue;
        assert.equal(answer.status, 303, `${to}: ${answer.status}`);
        assert.ok(isHere(answer.headers.location), `${to} → ${answer.headers.location}`);
        assert.ok(!/^[/\\]{2}/.test(answer.headers.location), `${to} → ${answer.headers.location}`);
      }
      const form = new URLSearchParams({ return_to: to }).toString();
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const posted = await world.browser().api("/auth/logout", { method: "POST", headers, body: form });
      assert.ok(posted.status === 400 || isHere(posted.headers.location), `${to} → ${posted.headers.location}`);
    }
  });

  test("conformance 14: a plainly foreign return_to is a 400 problem that begins no login", async () => {
    for (const to of ["https://evil.example/", "//evil.example/", "/\\evil.example", "/a\u0000b", "/a\nb"]) {
      const answer = await world.browser().api(`/auth/login?return_to=${encodeURIComponent(to)}`);
      assert.equal(answer.status, 400, to);
      assert.equal(answer.json().code, "bad_request");
    }
  });

  test("a return_to on this origin is kept with its query and fragment, absolute or not", async () => {
    const { origin } = world.gateway;
    for (const [to, expected] of [
      ["/", "/"],
      ["/a/b?c=d&e=%2F#f", "/a/b?c=d&e=%2F#f"],
      [`${origin}/a?b`, "/a?b"],
      ["/a%20b?q=//evil.example", "/a%20b?q=//evil.example"],
      ["/a/../b", "/b"],
      ["", "/"],
    ]) {
      const browser = world.browser();
      const url = await callbackOf(browser, `/auth/login?return_to=${encodeURIComponent(to)}`);
      const landing = await browser.navigate(url, { follow: false });
      assert.equal(landing.status, 303);
      assert.equal(landing.headers.location, expected, to);
    }
  });

  test("a login without return_to lands at /", async () => {
    const browser = world.browser();
    const landing = await browser.navigate(await callbackOf(browser, "/auth/login"), { follow: false });
    assert.equal(landing.headers.location, "/");
  });

  test("a navigation without a session comes back to where it wanted to go", async () => {
    const browser = world.browser();
    const page = await browser.navigate("/deep/page?a=b%26c&d=%C3%BC");
    assert.equal(page.status, 200);
    assert.equal(browser.hops[0].status, 302);
    assert.equal(page.json().url, "/deep/page?a=b%26c&d=%C3%BC");
    const odd = world.browser();
    const landed = await odd.navigate(`${world.gateway.origin}//evil.example/x`);
    assert.equal(landed.url.origin, world.gateway.origin);
  });

  test("conformance 16: parameters of the login that are the gateway's own are ignored, its hints handed on", async () => {
    const own = {
      scope: "admin",
      redirect_uri: "https://evil.example/",
      nonce: "n",
      state: "s",
      client_id: "c",
      response_type: "token",
      response_mode: "fragment",
      code_challenge: "x",
      code_challenge_method: "plain",
      request: "eyJ",
      request_uri: "https://evil.example/r",
      id_token_hint: "h",
      audience: "a",
      acr_values: "low",
      max_age: "0",
      claims: "{}",
    };
    const hints = {
      login_hint: "ada@example.com",
      screen_hint: "signup",
      organization: "org_1",
      connection: "google",
      ui_locales: "de en",
      domain_hint: "example.com",
      prompt: "login",
    };
    const browser = world.browser();
    const login = await browser.navigate(`/auth/login?${new URLSearchParams({ ...own, ...hints })}`, { follow: false });
    assert.equal(login.status, 302);
    const url = new URL(login.headers.location);
    assert.equal(url.origin, world.provider.issuer);
    const names = [...url.searchParams.keys()];
    assert.equal(new Set(names).size, names.length, `each once: ${names}`);
    const params = Object.fromEntries(url.searchParams);
    for (const [name, value] of Object.entries(own)) assert.notEqual(params[name], value, name);
    for (const [name, value] of Object.entries(hints)) assert.equal(params[name], value, name);
    assert.equal(params.client_id, world.provider.clientId);
    assert.equal(params.redirect_uri, `${world.gateway.origin}/auth/callback`);
    assert.equal(params.response_type, "code");
    assert.equal(params.code_challenge_method, "S256");
    assert.match(params.code_challenge, /^[\w-]{43}$/);
    for (const name of ["request", "request_uri", "id_token_hint", "audience", "acr_values", "max_age", "claims", "response_mode"]) {
      assert.ok(!(name in params), name);
    }
  });

  test("conformance 15: a hint that is too long is a 400 problem that names it, and begins no login; one of 512 characters goes to the provider", async () => {
    for (const name of ["prompt", "login_hint", "screen_hint", "organization", "connection", "ui_locales", "domain_hint"]) {
      const login = (value) => world.gateway.visit(`/auth/login?${new URLSearchParams({ [name]: value })}`);
      const refused = await login("é".repeat(513));
      assert.equal(refused.status, 400, refused.text);
      assert.match(refused.text, new RegExp(`\\b${name}\\b.*512`));
      assert.deepEqual(refused.setCookies, []);
      const longest = "é".repeat(512);
      assert.equal(new URL((await login(longest)).headers.location).searchParams.get(name), longest, name);
    }
  });

  test("every login has a state, a nonce and a challenge of its own, long enough not to be guessed", async () => {
    const seen = [];
    for (let i = 0; i < 5; i += 1) {
      const login = await world.browser().navigate("/auth/login", { follow: false });
      const params = new URL(login.headers.location).searchParams;
      seen.push(params.get("state"), params.get("nonce"), params.get("code_challenge"));
      assert.ok(params.get("state").length >= 43 && params.get("nonce").length >= 43);
    }
    assert.equal(new Set(seen).size, 15);
  });

  test("conformance 15: malformed requests are 4xx, never a 500 or a hang", async () => {
    const cookie = "cookie: edge-session=%; edge-login-00000000=; edge-login-xxxxxxxx=1; =; ;;; \u0001";
    for (const target of [
      "/auth/login?return_to=%",
      "/auth/login?return_to=%ff%fe",
      "/auth/login?%00=%00",
      "/auth/callback",
      "/auth/callback?",
      "/auth/callback?state",
      "/auth/callback?code=%&state=%",
      "/auth/callback?state=.&code=.",
      `/auth/callback?state=${"0".repeat(8)}.x&code=x`,
      "/auth/logged-out?state=%00",
      "/auth/logged-out?state=x.y",
      `/auth/logged-out?state=${"0".repeat(64)}.${"a".repeat(43)}`,
      "/%",
      "/%ff",
      "/%00",
      "/%5c",
      "/..%2f..%2f",
      "/;/%2e%2e;/",
      "//",
      "/?%",
    ]) {
      for (const headers of [[cookie], [cookie, "accept: text/html"]]) {
        const answer = await rawGet(world.gateway.origin, target, headers);
        assert.ok(answer.status < 500, `${target}: ${answer.status} ${answer.text.slice(0, 200)}`);
      }
    }
  });

  test("conformance 15: a request with two hosts is a 400 problem, with a reference like any other", async () => {
    const { host } = new URL(world.gateway.origin);
    const answer = await raw(world.gateway.origin, ["GET /auth/session HTTP/1.1", `host: ${host}`, `host: ${host}`]);
    assert.equal(answer.status, 400);
    assert.equal(answer.json().code, "bad_request");
    assert.match(answer.json().ray, /^[\w-]{16,}$/);
  });

  test("a request for another host is 404 where PUBLIC_ORIGIN names ours", async () => {
    const { origin, port } = world.gateway;
    for (const host of ["evil.example", `localhost:${port}`, `127.0.0.1:${port + 1}`, "127.0.0.1"]) {
      const answer = await raw(origin, ["GET /auth/login HTTP/1.1", `host: ${host}`]);
      assert.equal(answer.status, 404, host);
      assert.equal(answer.json().code, "not_found");
    }
  });

  test("neither Forwarded nor X-Forwarded-Host nor -Proto changes the redirect URI", async () => {
    const headers = { "x-forwarded-host": "evil.example", "x-forwarded-proto": "https", forwarded: "host=evil.example;proto=https" };
    const answer = await world.gateway.visit("/auth/login", { headers });
    const url = new URL(answer.headers.location);
    assert.equal(url.searchParams.get("redirect_uri"), `${world.gateway.origin}/auth/callback`);
  });
});
