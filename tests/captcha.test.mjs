// The captcha: who is asked, what a pass is worth, and what does not pass. Conformance.md 42. Turnstile's siteverify is
// a stand-in.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launchChromium } from "./parts/chromium.mjs";
import { HANG } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { solved, startSiteverifyStandIn } from "./parts/siteverify.mjs";
import { valuesOf } from "./parts/upstream.mjs";
import { cf, CF_HEADER } from "./parts/workerd.mjs";
import { createWorld } from "./parts/world.mjs";

const ROUTES = [
  { match: "/always/*", captcha: "always", session: "none" },
  { match: "/bots/*", captcha: "bots", bot_score_min: 30, session: "none" },
  { match: "/min/*", bot_score_min: 30, session: "none" },
  { match: "/both/*", captcha: "always", bot_score_min: 30, session: "none" },
  { match: "/account/*", captcha: "always" },
  { match: "/hook/*", captcha: "always", session: "none", cross_site: true },
  { match: "/*", session: "none" },
];
const score = (value) => ({ [CF_HEADER]: cf({ asn: 64496, ...(value !== undefined && { botManagement: { score: value, verifiedBot: false } }) }) });

/** A world with a captcha. */
async function createCaptcha(t, options = {}) {
  const verifier = await startSiteverifyStandIn();
  const world = await createWorld(t, {
    hostile: true,
    routes: ROUTES,
    ...options,
    vars: { CAPTCHA_SITE_KEY: "the-site-key", CAPTCHA_SECRET: verifier.secret, CAPTCHA_VERIFY_URL: verifier.url, ...options.vars },
  });
  t?.after(() => verifier.close());
  /** Posts a solved challenge, as the page's form does. */
  const pass = (browser, token, returnTo = "/always/x") =>
    browser.navigate("/auth/captcha", { from: world.gateway.origin, method: "POST", form: { "cf-turnstile-response": token, return_to: returnTo }, follow: false });
  return { ...world, verifier, pass };
}

describe("captcha", () => {
  let world;
  before(async () => {
    world = await createCaptcha();
  });
  after(async () => {
    await world.close();
    await world.verifier.close();
  });

  const visitor = (more) => world.browser({ headers: score(50), ...more });
  const clearance = (browser) => browser.jar().get(world.gateway.cookie.clearance);
  const asked = (answer) => {
    assert.equal(answer.status, 403);
    assert.equal(answer.headers["cf-challenge"], "captcha");
  };

  test("a navigation gets the challenge page, everything else 403 captcha_required with cf-challenge", async () => {
    const seen = world.upstream.requests.length;
    const browser = visitor();
    const page = await browser.navigate("/always/x?y=%22%3E");
    asked(page);
    assert.match(page.text, /data-sitekey="the-site-key" data-action="gateway"/);
    assert.match(page.text, /name="return_to" value="\/always\/x\?y=%22%3E"/);
    const nonce = /script-src 'nonce-([\w-]+)'/.exec(page.headers["content-security-policy"])[1];
    assert.ok(page.text.includes(`nonce="${nonce}"`));
    assert.match(page.text, /If you do not see a check here, allow challenges\.cloudflare\.com/, "the widget may be blocked");
    assert.match(page.headers["content-security-policy"], /default-src 'none'/);
    const again = await browser.navigate("/always/x");
    assert.ok(!again.text.includes(nonce), "another nonce each time");
    for (const [method, headers] of [["GET", {}], ["POST", {}], ["OPTIONS", {}]]) {
      const answer = await browser.api("/always/x", { method, headers });
      asked(answer);
      assert.equal(answer.json().code, "captcha_required");
    }
    assert.equal(world.upstream.requests.length, seen);
  });

  test("a pass is verified at siteverify, remembered in a cookie, and goes back to where the visitor wanted to go", async () => {
    const browser = visitor();
    const answer = await world.pass(browser, solved(), "/always/page?a=b");
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.location, "/always/page?a=b");
    assert.match(answer.setCookies[0], /^edge-clearance=[^;]+; HttpOnly; SameSite=Lax; Path=\/; Max-Age=1800$/);
    assert.deepEqual(Object.keys(world.verifier.calls.at(-1)).toSorted(), ["response", "secret"]);
    const { headers } = (await browser.api("/always/page")).json();
    const [passedAt] = valuesOf(headers, "x-captcha-passed-at");
    assert.ok(Math.abs(Date.parse(passedAt) - Date.now()) < 60_000, passedAt);
    assert.deepEqual(valuesOf(headers, "cookie"), []);
    // Every proxied request has them, whatever its route says.
    assert.equal(valuesOf((await browser.api("/plain")).json().headers, "x-captcha-passed-at").length, 1);
    assert.equal(valuesOf((await visitor().api("/plain")).json().headers, "x-captcha-passed-at").length, 0);
  });

  test("on a route that needs a session the captcha comes first and the login after it", async () => {
    const browser = visitor();
    asked(await browser.navigate("/account/x", { follow: false }));
    await world.pass(browser, solved(), "/account/x");
    const login = await browser.navigate("/account/x", { follow: false });
    assert.deepEqual([login.status, login.headers.location], [302, "/auth/login?return_to=%2Faccount%2Fx"]);
  });

  for (const [what, token] of Object.entries({
    "that was used before": undefined,
    "of another host": solved({ hostname: "evil.example" }),
    "without a host": solved({ hostname: undefined, success: true, hostnam: "" }),
    "of another action": solved({ action: "signup" }),
    "older than 5 minutes": solved({ challenge_ts: new Date(Date.now() - 301_000).toISOString() }),
    "of an unknown time": solved({ challenge_ts: "now" }),
    "that the verifier refuses": solved({ success: false, "error-codes": ["timeout-or-duplicate"] }),
    "of 2,049 characters": solved({ padding: "x".repeat(2049) }),
    "that is empty": "",
    "that is nonsense": "nonsense",
  })) {
    test(`conformance 42: a token ${what} does not pass`, async () => {
      const browser = visitor();
      let used = token;
      if (used === undefined) {
        used = solved();
        assert.equal((await world.pass(visitor(), used)).status, 303);
      }
      if (what === "without a host") world.verifier.answer = (valid) => ({ ...valid, hostname: undefined });
      const calls = world.verifier.calls.length;
      const answer = await world.pass(browser, used);
      world.verifier.answer = undefined;
      asked(answer);
      assert.match(answer.text, /The check failed/);
      assert.match(answer.text, /value="\/always\/x"/, "the page asks again");
      assert.equal(clearance(browser), undefined);
      asked(await browser.navigate("/always/x"));
      if (used.length > 2048 || used === "") assert.equal(world.verifier.calls.length, calls, "nobody is asked");
    });
  }

  test("conformance 42: a verifier that does not answer, or answers nonsense, lets nobody through", { timeout: 60_000 }, async () => {
    for (const answer of ["<html>", "[]", "{}", '{"success":"true"}', HANG]) {
      world.verifier.answer = async () => answer;
      const browser = visitor();
      asked(await browser.navigate("/auth/captcha", { from: world.gateway.origin, method: "POST", form: { "cf-turnstile-response": solved(), return_to: "/" }, follow: false, limit: 30_000 }));
      assert.equal(clearance(browser), undefined);
    }
    world.verifier.answer = undefined;
  });

  test("a pass is not posted by another site, and leads to no other site", async () => {
    const browser = visitor();
    const form = { "cf-turnstile-response": solved(), return_to: "/" };
    const foreign = await browser.navigate("/auth/captcha", { from: "https://evil.example", method: "POST", form, follow: false });
    assert.equal(foreign.status, 403);
    assert.equal(foreign.headers["cf-challenge"], undefined);
    for (const to of ["//evil.example", "https://evil.example/", "/\\evil.example"]) {
      assert.equal((await world.pass(browser, solved(), to)).status, 400, to);
    }
    assert.equal((await browser.api("/auth/captcha")).status, 405);
  });

  test("a clearance is worth nothing with another user agent, network, host or a bit changed, or twice", async () => {
    const browser = visitor();
    await world.pass(browser, solved());
    const { name, value } = clearance(browser);
    const get = (headers) => world.gateway.request("/always/x", { headers: { "user-agent": browser.userAgent, ...score(50), cookie: `${name}=${value}`, ...headers } });
    assert.equal((await get({})).status, 200);
    const flipped = value.slice(0, -2) + (value.at(-2) === "A" ? "B" : "A") + value.at(-1);
    for (const [what, headers] of Object.entries({
      "user agent": { "user-agent": "curl" },
      network: { [CF_HEADER]: cf({ asn: 64497 }) },
      "no network": { [CF_HEADER]: cf({}) },
      bit: { cookie: `${name}=${flipped}` },
      twice: { cookie: `${name}=${value}; ${name}=${value}` },
      later: { cookie: `${name}=${value.replace(/^\d+/, (seconds) => Number(seconds) + 1)}` },
    })) {
      asked(await get(headers));
      assert.ok(what);
    }
  });

  test("conformance 22: a request of another site that the route serves comes without its clearance, too", async () => {
    const browser = visitor();
    await world.pass(browser, solved());
    const post = (site) => browser.api("/hook/x", { method: "POST", headers: { "sec-fetch-site": site } });
    assert.equal((await post("same-origin")).status, 200);
    for (const site of ["same-site", "cross-site"]) asked(await post(site));
  });

  test("a clearance ends after half an hour", async (t) => {
    const { gateway, browser, pass } = await createCaptcha(t, { entry: INSTRUMENTS });
    const patient = browser({ headers: score(50) });
    await pass(patient, solved());
    await setClockAhead(gateway, 1790);
    assert.equal((await patient.api("/always/x")).status, 200);
    await setClockAhead(gateway, 1801);
    asked(await patient.api("/always/x"));
  });

  test("captcha = bots asks those below bot_score_min, a missing score counting as 0; without it they get 403", async () => {
    const get = (path, value) => world.gateway.request(path, { headers: score(value) });
    for (const value of [0, 1, 29, undefined]) {
      asked(await get("/bots/x", value));
      for (const path of ["/min/x", "/both/x"]) {
        const answer = await get(path, value);
        assert.deepEqual([answer.status, answer.json().code], [403, "bot_score_too_low"]);
      }
    }
    for (const value of [30, 99]) {
      assert.equal((await get("/bots/x", value)).status, 200);
      assert.equal((await get("/min/x", value)).status, 200);
      asked(await get("/both/x", value));
    }
    const bot = world.browser({ headers: score(1) });
    await world.pass(bot, solved());
    assert.equal((await bot.api("/bots/x")).status, 200, "a pass is a pass");
  });

  test("an application asks by cf-challenge: captcha, and a visitor who has passed within a minute gets its answer through", async (t) => {
    const { gateway, browser, pass, upstream } = await createCaptcha(t, { entry: INSTRUMENTS });
    upstream.answer("/asks", (_, response) => response.writeHead(403, { "cf-challenge": "captcha", "x-own": "1" }).end("the application's words"));
    const person = browser({ headers: score(50) });
    const page = await person.navigate("/asks");
    asked(page);
    assert.match(page.text, /cf-turnstile/);
    assert.equal((await person.api("/asks")).json().code, "captcha_required");
    await pass(person, solved(), "/asks");
    const through = await person.api("/asks");
    assert.deepEqual([through.status, through.text, through.headers["x-own"]], [403, "the application's words", "1"]);
    await setClockAhead(gateway, 61);
    assert.equal((await person.api("/asks")).json().code, "captcha_required");
  });

  test("without a captcha of ours the application's cf-challenge is its own affair, and /captcha is 404", async (t) => {
    const { gateway, upstream } = await createWorld(t, { hostile: true, routes: [{ match: "/*", session: "none" }] });
    upstream.answer("/asks", (_, response) => response.writeHead(403, { "cf-challenge": "captcha" }).end("own"));
    assert.equal((await gateway.request("/asks")).text, "own");
    assert.equal((await gateway.request("/auth/captcha", { method: "POST" })).status, 404);
  });

  test("the captcha's secret is in no page, header or log", async () => {
    const page = await visitor().navigate("/always/x");
    assert.ok(!page.text.includes(world.verifier.secret) && !JSON.stringify(page.headers).includes(world.verifier.secret));
    assert.ok(!world.gateway.log.includes(world.verifier.secret));
  });

  test("in Chromium the page runs the widget under its content security policy, and goes on by itself", async (t) => {
    const chrome = await launchChromium();
    t.after(() => chrome.close());
    const context = await chrome.newContext({ extraHTTPHeaders: score(50) });
    const page = await context.newPage();
    const complaints = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    // A stand-in for Turnstile's script, which cannot be reached here: it does what the widget does for an honest visitor.
    await context.route("https://challenges.cloudflare.com/**", (route) =>
      route.fulfill({
        contentType: "text/javascript",
        body: `for (const element of document.querySelectorAll(".cf-turnstile")) {
          const input = Object.assign(document.createElement("input"), { type: "hidden", name: "cf-turnstile-response", value: ${JSON.stringify(solved())} });
          element.append(input, "Verifying …");
          setTimeout(() => window[element.dataset.callback](input.value), Number(new URLSearchParams(location.search).get("wait") ?? 300));
        }`,
      }),
    );
    await page.goto(`${world.gateway.origin}/always/x?y=1&wait=400`);
    assert.equal(await page.title(), "One quick check");
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/captcha.png` });
    await page.waitForFunction(() => document.body.innerText.includes('"url":"/always/x?y=1'));
    assert.deepEqual(complaints.filter((text) => /Content Security Policy/.test(text)), []);
  });
});
