// The provider's discovery document: when it is believed, when it is fetched, and what comes of one that can't be had.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DROP, flood, HANG } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

/** The headings of the pages about a provider. */
const TITLES = { provider_rejected: /<h1>Login provider refused</, provider_unavailable: /<h1>Login provider unavailable</ };

describe("discovery", () => {
  for (const [what, discovery] of Object.entries({
    "another issuer": { issuer: "https://other.example" },
    "an issuer with a slash more": (issuer) => ({ issuer: `${issuer}/` }),
    "no issuer": { issuer: undefined },
    "no authorization endpoint": { authorization_endpoint: undefined },
    "no keys": { jwks_uri: undefined },
    "a token endpoint on plain http elsewhere": { token_endpoint: "http://op.example/token" },
    "keys on plain http elsewhere": { jwks_uri: "http://op.example/jwks" },
    "an authorization endpoint that is a script": { authorization_endpoint: "javascript:alert(1)" },
  })) {
    test(`[discovery-issuer-mismatch]: a discovery document with ${what} fails closed`, async (t) => {
      const { provider, gateway, upstream } = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
      provider.discovery = typeof discovery === "function" ? discovery(provider.issuer) : discovery;
      const answer = await gateway.visit("/auth/login");
      assert.equal(answer.status, 502);
      assert.match(answer.text, TITLES.provider_rejected);
      assert.equal(answer.setCookies.length, 0);
      assert.equal(upstream.requests.length, 0);
      provider.discovery = {};
      await setClockAhead(gateway, 6);
      assert.equal((await gateway.visit("/auth/login")).status, 302, "nothing of it was kept");
    });
  }

  for (const [what, answer, status, code] of [
    ["answers 404", { status: 404, body: "" }, 502, "provider_rejected"],
    ["answers a redirect", { status: 302, headers: { location: "/elsewhere" } }, 502, "provider_rejected"],
    ["answers no JSON", { body: "<h1>hello</h1>" }, 502, "provider_rejected"],
    ["answers 500", { status: 500, body: "" }, 503, "provider_unavailable"],
    ["drops the connection", DROP, 503, "provider_unavailable"],
  ]) {
    test(`a provider whose discovery ${what} is ${code}, with a GET repeated at most once`, async (t) => {
      const { provider, gateway } = await createWorld(t, { hostile: true });
      provider.answers.discovery = () => answer;
      const problem = await gateway.visit("/auth/login");
      assert.equal(problem.status, status);
      assert.match(problem.text, TITLES[code]);
      assert.ok(provider.calls.discovery.length <= 2, `${provider.calls.discovery.length} calls`);
      if (status === 503) assert.ok(Number(problem.headers["retry-after"]) > 0);
      else assert.match(problem.text, /OIDC_ISSUER/);
    });
  }

  test("the log names OIDC_ISSUER where the provider cannot be reached, and visitors are told nothing of it", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true });
    await provider.close();
    const problem = await gateway.visit("/auth/login");
    assert.equal(problem.status, 503);
    assert.doesNotMatch(problem.text, /OIDC_ISSUER/);
    await until("the log says why", () => /could not be reached.*OIDC_ISSUER/.test(gateway.log));
  });

  test("a discovery document of 50 MB is not read to the end", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true });
    const floods = [];
    provider.answers.discovery = () => {
      floods.push(flood(50 << 20));
      return { body: floods.at(-1).body };
    };
    const problem = await gateway.visit("/auth/login");
    assert.ok([502, 503].includes(problem.status), `${problem.status}`);
    for (const { sent } of floods) assert.ok(sent() < 20 << 20);
  });

  test("a provider that never answers is given up after 10 s, twice for a GET", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true });
    provider.answers.discovery = () => HANG;
    const began = Date.now();
    const problem = await gateway.visit("/auth/login");
    assert.equal(problem.status, 503);
    assert.match(problem.text, TITLES.provider_unavailable);
    const seconds = (Date.now() - began) / 1000;
    assert.ok(seconds > 9 && seconds < 23, `${seconds} s`);
  });

  test("the discovery document serves for an hour while it cannot be fetched again", async (t) => {
    const { provider, gateway } = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    assert.equal((await gateway.visit("/auth/login")).status, 302);
    provider.answers.discovery = () => DROP;
    await setClockAhead(gateway, 1800);
    assert.equal((await gateway.visit("/auth/login")).status, 302);
    await setClockAhead(gateway, 3700);
    assert.equal((await gateway.visit("/auth/login")).status, 503);
  });

  for (const [what, answer] of Object.entries({
    "hangs": HANG,
    "drops the connection": DROP,
    "answers 500": { status: 500, body: "" },
    "answers nonsense": { body: "<h1>hello</h1>" },
    "names another issuer": { json: { issuer: "https://other.example" } },
  })) {
    test(`conformance 51: a stale document serves at once, logins, refreshes and logouts, while discovery ${what}, with one call at a time`, async (t) => {
      const { provider, gateway, login, browser: open } = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
      const browsers = [await login(), await login()];
      provider.answers.discovery = () => answer;
      provider.forgetCalls();
      await setClockAhead(gateway, 1800);
      provider.idToken = { claims: (claims) => ({ ...claims, iat: claims.iat + 1800, exp: claims.exp + 1800 }) };
      const timed = async (work) => {
        const began = Date.now();
        const result = await work();
        assert.ok(Date.now() - began < 2500, `${Date.now() - began} ms`);
        return result;
      };
      const logins = Array.from({ length: 10 }, () => timed(() => open().navigate("/auth/login?return_to=/")));
      for (const page of await Promise.all(logins)) assert.equal(page.status, 200, page.text);
      assert.equal((await timed(() => browsers[0].api("/api"))).status, 200);
      const logout = await timed(() => browsers[1].api("/auth/logout", { method: "POST" }));
      assert.ok(logout.headers.location.startsWith(`${provider.issuer}/logout`), logout.headers.location);
      assert.ok([1, 2].includes(provider.calls.discovery.length), `${provider.calls.discovery.length} calls`);
    });
  }

  for (const [what, answer, seconds] of [
    ["drops every connection", DROP, 4],
    ["answers 500", { status: 500, body: "" }, 4],
    ["answers nonsense", { body: "<h1>hello</h1>" }, 4],
    ["hangs", HANG, 23],
  ]) {
    test(`conformance 51: while discovery ${what} and there is no document, 20 strangers cause one call and its repeat, and none for 5 s after it`, { timeout: 60_000 }, async (t) => {
      const { provider, gateway, browser: open } = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
      provider.answers.discovery = () => answer;
      const began = Date.now();
      const pages = await Promise.all(Array.from({ length: 20 }, () => open().navigate("/auth/login", { limit: 40_000 })));
      for (const { status } of pages) assert.ok([502, 503].includes(status), `${status}`);
      assert.ok(Date.now() - began < seconds * 1000, `${Date.now() - began} ms`);
      assert.ok(provider.calls.discovery.length <= 2, `${provider.calls.discovery.length} calls`);
      const asked = provider.calls.discovery.length;
      for (let i = 0; i < 5; i += 1) assert.ok([502, 503].includes((await open().navigate("/auth/login")).status));
      assert.equal(provider.calls.discovery.length, asked);
      provider.answers.discovery = undefined;
      await setClockAhead(gateway, 6);
      await open().login();
    });
  }

  test("conformance 51: sessions without a token to use, however many, cause one call while the provider is down, and are 503", async (t) => {
    const { provider, gateway, login } = await createWorld(t, { hostile: { accessTokenSeconds: 60 }, entry: INSTRUMENTS });
    const browsers = await Promise.all(Array.from({ length: 8 }, () => login()));
    for (const endpoint of Object.keys(provider.calls)) provider.answers[endpoint] = () => ({ status: 502, body: "" });
    await setClockAhead(gateway, 61);
    provider.forgetCalls();
    const answers = await Promise.all(browsers.map((browser) => browser.api("/api")));
    for (const answer of answers) {
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers["retry-after"]) > 0);
    }
    assert.equal(provider.refreshes.length, 8);
    assert.ok(provider.calls.discovery.length <= 2, `${provider.calls.discovery.length} calls`);
    provider.answers = {};
    await setClockAhead(gateway, 67);
    for (const browser of browsers) assert.equal((await browser.navigate("/page")).status, 200);
  });
});
