// What a person reads who did not get what they asked for: the words, and where the page's link leads.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertProblem } from "./parts/administration.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

/** The links of a page: `{ href, words }`. */
const linksOf = (page) =>
  [...page.text.matchAll(/<a href="([^"]*)">([^<]*)</g)].map(([, href, words]) => ({ href: href.replaceAll("&amp;", "&"), words }));

/** Where to put pictures of the branded pages; none are made without it. */
const PICTURES = process.env.CONSOLE_PICTURES;
const SVG = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'><circle cx='20' cy='20' r='18' fill='#7a1fa2'/><path d='M12 28 20 10l8 18' fill='none' stroke='#fff' stroke-width='4'/></svg>";
const BRAND = { name: "Acme & Söhne", logo: `data:image/svg+xml,${encodeURIComponent(SVG)}`, colour: "#7a1fa2", language: "de" };

describe("pages", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { hostile: true });
  });
  after(() => world.close());
  beforeEach(() => {
    world.provider.answers = {};
  });

  /** A login to /deep?a=1&b=2 that comes back with `change` made to its callback. */
  const comeBack = async (browser, change) => {
    const url = await callbackOf(browser, `/auth/login?return_to=${encodeURIComponent("/deep?a=1&b=2")}`);
    change(url.searchParams);
    return browser.navigate(url);
  };
  const refusedWith = (error) => (params) => {
    params.delete("code");
    params.set("error", error);
  };

  test("after a failed login, \"Log in again\" leads to where the user wanted to go", async () => {
    const browser = world.browser();
    const page = await comeBack(browser, refusedWith("access_denied"));
    assert.equal(page.status, 400);
    const [link] = linksOf(page);
    assert.equal(link.words, "Log in again");
    const landed = await browser.navigate(link.href);
    assert.equal(landed.status, 200, landed.text);
    assert.equal(landed.json().url, "/deep?a=1&b=2");
  });

  test("it does so where the code is refused, the client is, or the provider does not answer", async () => {
    for (const [answer, status] of [
      [{ status: 400, json: { error: "invalid_grant" } }, 400],
      [{ status: 401, json: { error: "invalid_client" } }, 502],
      [{ status: 503, body: "" }, 503],
    ]) {
      world.provider.answers.token = () => answer;
      const browser = world.browser();
      const page = await comeBack(browser, () => {});
      assert.equal(page.status, status);
      assert.deepEqual(linksOf(page), [{ href: "/auth/login?return_to=%2Fdeep%3Fa%3D1%26b%3D2", words: "Log in again" }]);
      assert.ok(!browser.jar().header(new URL(browser.origin))?.includes("login-"), "the attempt's cookie is gone");
    }
  });

  test("a cancelled login is told in a user's words, beside the provider's own one", async () => {
    const page = await comeBack(world.browser(), refusedWith("access_denied"));
    assert.match(page.text, /The login was cancelled, or your account may not use this application. \(access_denied\)/);
    assert.doesNotMatch(page.text, /callback/);
  });

  test("a callback in another browser says so, and offers a login", async () => {
    const url = await callbackOf(world.browser());
    const page = await world.browser().navigate(url);
    assert.match(page.text, /it began in another browser, or too long ago/);
    assert.deepEqual(linksOf(page), [{ href: "/auth/login?return_to=%2F", words: "Log in again" }]);
  });

  test("a failed login beside a living session leads back to the page that it was for", async () => {
    const browser = await world.login();
    const page = await comeBack(browser, refusedWith("access_denied"));
    assert.match(page.text, /still logged in/);
    assert.deepEqual(linksOf(page), [{ href: "/deep?a=1&b=2", words: "Back to the application" }]);
  });

  test("the pages of 400, 404 and 405 lead back to the application", async () => {
    for (const [target, status] of [["/auth/nothing", 404], ["/auth/refresh", 405], ["/a%2fb", 400], ["/auth/login?return_to=//evil.example", 400]]) {
      const page = await world.browser().navigate(target);
      assert.equal(page.status, status, target);
      assert.deepEqual(linksOf(page), [{ href: "/", words: "Back to the application" }], target);
    }
  });

  /** A world where /staff/* is for those whom the provider knows as staff, which grace is and ada is not. */
  const createStaff = (t, { hostile, vars } = {}) =>
    createWorld(t, {
      hostile: { idToken: { claims: (claims) => ({ ...claims, groups: claims.sub === "grace" ? ["staff"] : [] }) }, ...hostile },
      routes: [{ match: "/staff/*", require: { groups: "staff" } }, { match: "/*" }],
      vars,
    });
  const DEEP = "/staff/page?a=1&b=2";

  test("the page of 403 forbidden offers to log in with another account, and that login comes back to the same address", async (t) => {
    const { provider, login, gateway } = await createStaff(t);
    const browser = await login();
    const refused = await browser.navigate(DEEP);
    assert.equal(refused.status, 403);
    const [another, home, ...rest] = linksOf(refused);
    assert.deepEqual(another, { href: `/auth/login?return_to=${encodeURIComponent(DEEP)}&prompt=select_account`, words: "Log in with another account" });
    assert.deepEqual([home, rest], [{ href: "/", words: "Back to the application" }, []]);
    provider.subject = "grace";
    const page = await browser.navigate(another.href);
    assert.deepEqual([page.status, page.json().url], [200, DEEP]);
    assert.equal(provider.calls.authorization.at(-1).params.prompt, "select_account");
    // A program gets a document without any of it, and a form does not come back to where it was sent to.
    const document = await login().then((user) => user.api("/staff/page"));
    assert.equal(document.status, 200, "grace is still who logs in");
    provider.subject = "ada";
    const user = await login();
    assert.ok(!(await user.api("/staff/page")).text.includes("select_account"));
    const form = await user.navigate("/staff/form", { method: "POST", form: { a: "1" }, from: gateway.origin });
    assert.equal(form.status, 403);
    assert.equal(linksOf(form)[0].href, "/auth/login?return_to=%2F&prompt=select_account");
  });

  test("the offer adds to a configured prompt, and a visitor's own prompt still does not", async (t) => {
    const { provider, login, gateway } = await createStaff(t, { vars: { OIDC_AUTHORIZATION_PARAMS: '{"prompt":"consent"}' } });
    const browser = await login();
    const [{ href }] = linksOf(await browser.navigate(DEEP));
    await browser.navigate(href);
    assert.equal(provider.calls.authorization.at(-1).params.prompt, "consent select_account");
    for (const prompt of ["select_account", "login", "none", "consent login"]) {
      const { headers } = await gateway.visit(`/auth/login?${new URLSearchParams({ prompt })}`);
      assert.deepEqual(new URL(headers.location).searchParams.getAll("prompt"), ["consent"], prompt);
    }
  });

  test("a provider that says it knows no select_account is asked for the password again", async (t) => {
    const { gateway } = await createStaff(t, { hostile: { discovery: { prompt_values_supported: ["none", "login", "consent"] } } });
    for (const [prompt, sent] of [["select_account", "login"], ["consent select_account", "consent login"], ["login select_account", "login"], ["none", "none"]]) {
      const { headers } = await gateway.visit(`/auth/login?${new URLSearchParams({ prompt })}`);
      assert.deepEqual(new URL(headers.location).searchParams.getAll("prompt"), [sent], prompt);
    }
  });

  test("with AUTH_PREFIX=/app1/auth the pages lead back to /app1/", async (t) => {
    const { browser: open } = await createStaff(t, { vars: { AUTH_PREFIX: "/app1/auth" } });
    const page = await open().navigate("/app1/auth/nothing");
    assert.deepEqual(linksOf(page), [{ href: "/app1/", words: "Back to the application" }]);
    const late = await open().navigate("/app1/auth/callback?state=x&code=y");
    assert.deepEqual(linksOf(late), [{ href: "/app1/auth/login?return_to=%2Fapp1%2F", words: "Log in again" }]);
  });

  test("a request without the route's csrf_header, and a path that is refused, say what it is", async (t) => {
    const strict = await createWorld(t, { hostile: true, routes: [{ match: "/api/*", csrf_header: "X-Requested-With" }, { match: "/*", session: "none" }] });
    const browser = await strict.login();
    const form = await browser.navigate("/api/form", { method: "POST", form: { a: "1" }, from: strict.gateway.origin });
    assert.equal(form.status, 403);
    assert.match(form.text, /x-requested-with/i);
    const path = await browser.navigate("/API/x");
    assert.equal(path.status, 400);
    assert.match(path.text, /case differs/);
  });

  test("the pages of 502 and 503 offer the same address again", async (t) => {
    const { provider, gateway, upstream, browser: open } = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    const again = [{ href: "/auth/login?return_to=/x&prompt=login", words: "Try again" }];
    let ahead = 0;
    for (const [answered, status] of [[404, 502], [500, 503]]) {
      provider.answers.discovery = () => ({ status: answered, body: "" });
      const page = await open().navigate(again[0].href);
      assert.equal(page.status, status);
      assert.deepEqual(linksOf(page), again);
      // The provider is not asked again for five seconds.
      await setClockAhead(gateway, (ahead += 6));
    }
    provider.answers = {};
    const browser = open();
    await browser.login();
    await upstream.close();
    const gone = await browser.navigate("/orders?id=1");
    assert.equal(gone.status, 502);
    assert.deepEqual(linksOf(gone), [{ href: "/orders?id=1", words: "Try again" }]);
  });

  test("a form that is sent without a session gets a page that offers a login", async () => {
    const page = await world.browser().navigate("/orders", { method: "POST", form: { item: "1" }, from: world.gateway.origin });
    assert.equal(page.status, 401);
    assert.match(page.text, /Your data was not saved/);
    assert.deepEqual(linksOf(page), [{ href: "/auth/login?return_to=%2F", words: "Log in" }]);
  });

  test("a request for a host that is not the gateway's says which variable names the hosts", async () => {
    const page = await world.gateway.request("/", { headers: { host: "elsewhere.example", accept: "text/html" } });
    assert.equal(page.status, 404);
    assert.match(page.text, /PUBLIC_ORIGIN/);
    assert.deepEqual(linksOf(page), []);
  });

  test("the question whether to log out speaks of a session only where there is one", async () => {
    const stranger = await world.browser().navigate("/auth/logout", { from: "http://evil.example" });
    assert.equal(stranger.status, 200);
    assert.match(stranger.text, /do not seem to be logged in/);
    assert.deepEqual(linksOf(stranger), [{ href: "/", words: "Back to the application" }]);
    assert.match(stranger.text, /<form method="post" action="\/auth\/logout">/, "a strict cookie may only have stayed away");
    const browser = await world.login();
    const user = await browser.navigate("/auth/logout", { from: "http://evil.example" });
    assert.match(user.text, /You are still logged in/);
    assert.deepEqual(linksOf(user), [{ href: "/", words: "Stay logged in" }]);
  });

  /** A world with these pages, each with its address, and how to get to it. */
  const createBranded = (t, brand, vars = {}) =>
    createWorld(t, {
      hostile: true,
      routes: [{ match: "/checked/*", session: "none", captcha: "always" }, { match: "/staff/*", require: { groups: "staff" } }, { match: "/*" }],
      vars: { BRAND: JSON.stringify(brand), CAPTCHA_SITE_KEY: "site", CAPTCHA_SECRET: "secret", COOKIE_SAME_SITE: "strict", ...vars },
    });
  /** Each kind of page that the gateway has, as a browser of that world gets it. */
  async function pagesOf(world) {
    const [browser, stranger] = [await world.login(), world.browser()];
    const elsewhere = { from: "http://evil.example" };
    return {
      404: await browser.navigate("/auth/nothing"),
      405: await browser.navigate("/auth/refresh"),
      400: await browser.navigate("/a%2fb"),
      403: await browser.navigate("/staff/page"),
      callback: await stranger.navigate("/auth/callback?state=x&code=y"),
      form: await stranger.navigate("/orders", { method: "POST", form: { item: "1" }, from: world.gateway.origin }),
      "log out?": await browser.navigate("/auth/logout", elsewhere),
      "log out? stranger": await stranger.navigate("/auth/logout", elsewhere),
      "logged out": await stranger.navigate("/auth/logged-out"),
      captcha: await stranger.navigate("/checked/page"),
      "one moment": await stranger.navigate("/page", { ...elsewhere, until: () => true }),
    };
  }

  test("with BRAND every page has name, logo, colour and language; what programs read stays English", async (t) => {
    const branded = await createBranded(t, BRAND);
    for (const [what, page] of Object.entries(await pagesOf(branded))) {
      assert.match(page.text, /<html lang="de">/, what);
      assert.match(page.text, /<title>[^<]+ – Acme &amp; Söhne<\/title>/, what);
      assert.match(page.text, /<p class="brand"><img src="data:image\/svg\+xml,[^"]+" alt="" referrerpolicy="no-referrer">Acme &amp; Söhne<\/p><h1>/, what);
      assert.ok(page.text.includes("--fill:#7a1fa2;--on-fill:#ffffff;"), what);
      assert.match(page.headers["content-security-policy"], /; img-src data:; /, what);
      const words = page.text.replace(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/g, " ");
      assert.doesNotMatch(words, /\b(the|you|your|log|page|this|again|please|is|not|and)\b/i, what);
    }
    assertProblem(await branded.gateway.request("/auth/nothing"), 404, "not_found");
    assert.equal((await branded.gateway.request("/auth/nothing")).json().title, "Not found");
    const console_ = await branded.gateway.atConsole("/auth/admin/");
    assert.match(console_.text, /<html lang="en">[\s\S]*Acme &amp; Söhne<\/p>/);
    assert.ok(console_.text.includes("--fill:#7a1fa2"));
  });

  test("a logo of another origin is let in from there alone, and a page without BRAND is as it was", async (t) => {
    const branded = await createBranded(t, { logo: "https://cdn.acme.example/logo.svg" });
    const page = await branded.browser().navigate("/auth/nothing");
    assert.match(page.headers["content-security-policy"], /; img-src https:\/\/cdn\.acme\.example; /);
    assert.match(page.text, /<img src="https:\/\/cdn\.acme\.example\/logo\.svg" alt="Logo" referrerpolicy="no-referrer">/);
    assert.match(page.text, /<html lang="en">/);
    assert.match((await branded.gateway.atConsole("/auth/admin/")).headers["content-security-policy"], /img-src https:\/\/cdn\.acme\.example; /);
    const plain = await world.browser().navigate("/auth/nothing");
    assert.match(plain.headers["content-security-policy"], /; img-src data:; /);
    assert.doesNotMatch(plain.text, /<p class="brand">|<img/);
    assert.match(plain.text, /<title>Not found<\/title>/);
  });

  test("a wrong field of BRAND is named by /healthz", async (t) => {
    const wrong = await createBranded(t, { colour: "purple", color: "#ffffff", language: "fr" });
    const { problems } = assertProblem(await wrong.gateway.request("/auth/healthz"), 500, "config_invalid");
    assert.deepEqual(problems.map(({ variable }) => variable), ["BRAND.color", "BRAND.colour", "BRAND.language"]);
  });

  test("axe finds nothing on a branded page, light and dark, on a desktop and a phone", async (t) => {
    const branded = await createBranded(t, BRAND, { CAPTCHA_SITE_KEY: undefined, CAPTCHA_SECRET: undefined, ROUTES: undefined, UPSTREAM: world.upstream.origin });
    const chromium = await launchChromium();
    t.after(() => chromium.close());
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const colorScheme of ["light", "dark"]) {
      for (const [size, viewport] of [["desktop", { width: 1280, height: 800 }], ["phone", { width: 390, height: 844 }]]) {
        const context = await chromium.newContext({ colorScheme, viewport });
        const page = await context.newPage();
        const complaints = [];
        page.on("console", (message) => message.type() === "error" && !/Failed to load resource/.test(message.text()) && complaints.push(message.text()));
        for (const [name, address] of [["error", "/auth/callback?state=x&code=y"], ["log-out", "/auth/logout"], ["console", `${branded.gateway.adminOrigin}/auth/admin/`]]) {
          await page.goto(new URL(address, branded.gateway.origin).href);
          if (name === "log-out") await page.goto(`${branded.gateway.origin}/auth/logged-out`);
          assert.equal(await page.locator(".brand img").evaluate((image) => image.naturalWidth > 0), true, "the logo is shown");
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() => window.axe.run());
          assert.deepEqual(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]), [], name);
          if (PICTURES) {
            mkdirSync(PICTURES, { recursive: true });
            await page.screenshot({ path: path.join(PICTURES, `brand-${name}-${size}-${colorScheme}.png`) });
          }
        }
        assert.deepEqual(complaints, []);
        await context.close();
      }
    }
  });
});
