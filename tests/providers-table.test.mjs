// Several providers (PROVIDERS): which one a login goes to, and that nothing of one is ever taken for another's.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, assertProblem, inspect, migration } from "./parts/administration.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { jwt } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { logoutToken, post, reasonOf } from "./parts/logout-token.mjs";
import { cookieOf, FRANKFURT, SYDNEY, travel } from "./parts/places.mjs";
import { until } from "./parts/process.mjs";
import { createTable } from "./parts/providers.mjs";

/** Where pictures of the pages go, if anywhere. */
const PICTURES = process.env.CONSOLE_PICTURES;
const REJECTED = /<h1>Login failed/;

/** Where a login of this browser goes, which is not followed. */
const begin = (browser, query) => browser.navigate(`/auth/login?${new URLSearchParams({ return_to: "/", ...query })}`, { follow: false });

/** Whose authorization endpoint an answer leads to. */
function assertGoesTo(world, answer, name, what) {
  assert.equal(answer.status, 302, `${what ?? ""} ${answer.text.slice(0, 300)}`);
  const url = new URL(answer.headers.location);
  assert.equal(url.origin, new URL(world.providers[name].issuer).origin, what);
  assert.match(url.searchParams.get("redirect_uri"), new RegExp(`/auth/callback/${name}$`), what);
  return url;
}

/** The links of a page: `[words, URL]`. */
const links = (page) => [...page.text.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].map(([, url, words]) => [words, url.replaceAll("&amp;", "&")]);

/** Up to the provider's answer: the callback's URL, which the browser has not opened yet. */
async function callbackOf(browser, query) {
  const isCallback = (url) => url.origin === browser.origin && url.pathname.startsWith("/auth/callback");
  const answer = await browser.navigate(`/auth/login?${new URLSearchParams({ return_to: "/", ...query })}`, { until: isCallback });
  assert.ok([302, 303].includes(answer.status), answer.text.slice(0, 500));
  return new URL(answer.headers.location);
}

/** Opens the callback, which is refused, and no session comes of it. */
async function assertRejected(browser, callback, what) {
  const page = await browser.navigate(callback.href, { from: "http://127.0.0.1:1", follow: false });
  assert.equal(page.status, 400, `${what} ${page.text.slice(0, 300)}`);
  assert.match(page.text, REJECTED, what);
  assert.equal(browser.session, undefined, what);
}

describe("several providers", () => {
  test("a session is its provider's, in all that is told of it, through refresh and logout at the certified provider", async (t) => {
    const world = await createTable(t, {
      providers: { corp: { provider: { accessTokenSeconds: 300 }, label: "Corp" }, club: { provider: {}, label: "The Club" } },
    });
    const { gateway, providers } = world;
    const [ada, bob] = [await world.login("corp", { user: "ada" }), await world.login("club", { user: "bob" })];
    assert.ok(await providers.corp.knows(await world.token(ada)));
    assert.ok(await providers.club.knows(await world.token(bob)));
    for (const [browser, name, subject] of [[ada, "corp", "ada"], [bob, "club", "bob"]]) {
      const { issuer } = providers[name];
      const session = (await browser.api("/auth/session")).json();
      assert.deepEqual([session.provider, session.issuer, session.subject], [name, issuer, subject]);
      assert.deepEqual((await browser.api("/auth/sessions")).json().sessions.map(({ provider }) => provider), [name]);
      const detail = await inspect(gateway, actorOf(browser.session));
      assert.deepEqual([detail.provider, detail.issuer], [name, issuer]);
      const complete = detail.ledger.find(({ event }) => event === "complete");
      assert.match(complete.detail, new RegExp(`^the user logged in at ${name}`));
      const listed = await administer(gateway, `/users/${subject}/sessions?issuer=${encodeURIComponent(issuer)}`);
      assert.deepEqual(listed.json().sessions.map(({ provider }) => provider), [name]);
      assert.equal((await browser.api("/auth/refresh", { method: "POST" })).json().provider, name);
      assert.equal(providers[name].refreshes.length, 1, "its own provider renews it");
      const lines = gateway.events.filter(({ actor }) => actor === actorOf(browser.session));
      assert.ok(lines.length > 1 && lines.every(({ provider }) => provider === name), JSON.stringify(lines));
    }
    assertProblem(await administer(gateway, "/users/ada/sessions"), 400, "bad_request");
    const away = await ada.navigate("/auth/logout?return_to=/", { from: ada.origin, follow: false });
    assert.equal(new URL(away.headers.location).origin, new URL(providers.corp.issuer).origin);
    assert.equal((await bob.api("/auth/session")).status, 200, "the other provider's session lives");
    await until("the token is revoked", () => providers.corp.calls.revocation.length === 1);
    assert.equal(providers.club.calls.revocation.length, 0);
  });

  test("a login goes to the provider that the address names, the host's, that of the e-mail domain, or the session's; else the user chooses", async (t) => {
    const world = await createTable(t, {
      hosts: ["club"],
      providers: {
        corp: { hostile: true, label: "Corp & Co", domains: ["corp.example"] },
        club: { hostile: true, hosts: ["club.localhost"], domains: ["club.example"] },
        third: { hostile: true },
      },
    });
    for (const [query, host, name] of [
      [{ provider: "third" }, undefined, "third"],
      [{ provider: "third", login_hint: "ada@corp.example" }, undefined, "third"],
      [{ provider: "third" }, "club", "third"],
      [{}, "club", "club"],
      [{ login_hint: "ada@corp.example" }, "club", "club"],
      [{ login_hint: "Ada@CORP.example" }, undefined, "corp"],
      [{ login_hint: "bob@club.example" }, undefined, "club"],
    ]) {
      const what = `${JSON.stringify(query)} at ${host}`;
      const url = assertGoesTo(world, await begin(world.browser(host), query), name, what);
      assert.equal(new URL(url.searchParams.get("redirect_uri")).origin, world.originOf(host), what);
      assert.equal(url.searchParams.get("provider"), null, "that is the gateway's own");
    }
    for (const provider of ["other", "CORP", "corp/x", "corp "]) {
      const answer = await begin(world.browser(), { provider });
      assert.equal(answer.status, 400, provider);
      assert.deepEqual(answer.setCookies, [], provider);
    }
    const page = await begin(world.browser(), { return_to: "/deep?a=1&b=2", login_hint: "ada@other.example", ui_locales: "de" });
    assert.equal(page.status, 200);
    assert.deepEqual(page.setCookies, [], "nothing has begun");
    assert.deepEqual(links(page).map(([words]) => words), ["Corp &amp; Co", "club", "third"]);
    const [, first] = links(page)[0];
    const chosen = world.browser();
    const url = assertGoesTo(world, await chosen.navigate(first, { from: chosen.origin, follow: false }), "corp");
    assert.deepEqual([url.searchParams.get("login_hint"), url.searchParams.get("ui_locales")], ["ada@other.example", "de"]);
    const landed = await chosen.navigate(first, { from: chosen.origin });
    assert.equal(`${landed.url.pathname}${landed.url.search}`, "/deep?a=1&b=2");
    // Who has a session logs in where it is from.
    assertGoesTo(world, await begin(chosen, { prompt: "login" }), "corp");
    assertGoesTo(world, await begin(chosen, { provider: "third" }), "third", "the address comes first");
  });

  test("conformance 53: a code or an ID token of one provider never makes a session of another (mix-up, RFC 9700 section 4.4)", async (t) => {
    const shared = signingKey("RS256", "shared");
    const world = await createTable(t, {
      providers: { honest: { hostile: { key: shared } }, evil: { hostile: { subject: "mallory" } }, other: { hostile: true } },
    });
    const { honest, evil } = world.providers;
    const asked = (provider) => provider.calls.token.length;

    // The user begins at the evil provider, which sends them on to the honest one with the state of that login.
    const victim = world.browser();
    const toEvil = assertGoesTo(world, await begin(victim, { provider: "evil" }), "evil");
    const atHonest = new URL(`${honest.issuer}/authorize`);
    atHonest.search = toEvil.search;
    atHonest.searchParams.set("redirect_uri", `${victim.origin}/auth/callback/honest`);
    const answer = await victim.navigate(atHonest.href, { from: evil.issuer, follow: false });
    const back = new URL(answer.headers.location);
    assert.equal(back.pathname, "/auth/callback/honest");
    await assertRejected(victim, back, "the honest code at the honest callback, for a login at the evil one");
    assert.equal(asked(evil) + asked(honest), 0, "no token endpoint has seen the code");

    // The honest code at the evil provider's callback, with and without its issuer.
    for (const iss of [honest.issuer, evil.issuer, undefined]) {
      const browser = world.browser();
      const callback = await callbackOf(browser, { provider: "honest" });
      callback.pathname = "/auth/callback/evil";
      if (iss) callback.searchParams.set("iss", iss);
      else callback.searchParams.delete("iss");
      await assertRejected(browser, callback, `the honest code at the evil callback, iss ${iss}`);
    }
    // And the reverse: the evil provider's own code for a login at the honest one.
    for (const iss of [honest.issuer, evil.issuer]) {
      const browser = world.browser();
      const callback = await callbackOf(browser, { provider: "evil" });
      callback.pathname = "/auth/callback/honest";
      callback.searchParams.set("iss", iss);
      await assertRejected(browser, callback, `the evil code at the honest callback, iss ${iss}`);
    }
    // At no provider's callback, and at one that there is not, there is nothing.
    for (const pathname of ["/auth/callback", "/auth/callback/gone", "/auth/callback/honest/x"]) {
      const browser = world.browser();
      const callback = await callbackOf(browser, { provider: "honest" });
      callback.pathname = pathname;
      assert.equal((await browser.navigate(callback.href, { from: honest.issuer, follow: false })).status, 404, pathname);
    }
    // `iss` is checked where it comes, and has to come where discovery says so.
    for (const iss of [evil.issuer, `${honest.issuer}/`, "", undefined]) {
      const browser = world.browser();
      const callback = await callbackOf(browser, { provider: "honest" });
      if (iss === undefined) callback.searchParams.delete("iss");
      else callback.searchParams.set("iss", iss);
      await assertRejected(browser, callback, `iss ${iss}`);
    }
    assert.equal(asked(evil) + asked(honest), 0, "no token endpoint has seen a code");

    // The evil provider has an ID token of the honest one's: the same user is somebody else's.
    const stolen = (claims) => jwt({ alg: shared.alg, kid: shared.kid }, claims, shared);
    for (const [what, idToken] of Object.entries({
      "the honest issuer, the evil key": { claims: (claims) => ({ ...claims, iss: honest.issuer, sub: "ada" }) },
      "the honest provider's own token": { claims: (claims) => ({ ...claims, iss: honest.issuer, sub: "ada" }), sign: (_, claims) => stolen(claims) },
      "the evil issuer, the honest key": { sign: (_, claims) => stolen(claims) },
      "another client": { claims: (claims) => ({ ...claims, aud: "another" }) },
    })) {
      evil.idToken = idToken;
      const browser = world.browser();
      const page = await browser.navigate("/auth/login?return_to=/&provider=evil");
      assert.equal(page.status, 400, what);
      assert.match(page.text, REJECTED, what);
      assert.equal(browser.session, undefined, what);
    }
    evil.idToken = {};
    assert.equal((await (await world.login("evil")).api("/auth/session")).json().issuer, evil.issuer);
    // A login that fails offers another try where it began.
    honest.answers.token = () => ({ status: 400, json: { error: "invalid_grant" } });
    const page = await world.browser().navigate("/auth/login?return_to=/&provider=honest");
    assert.deepEqual(links(page).map(([, url]) => url), ["/auth/login?return_to=%2F&provider=honest"]);
  });

  test("a provider that is down affects its own users alone", async (t) => {
    const world = await createTable(t, {
      entry: INSTRUMENTS,
      providers: { up: { hostile: { accessTokenSeconds: 60 } }, down: { hostile: { accessTokenSeconds: 60 } }, broken: { hostile: true }, away: { hostile: true } },
    });
    const [ada, bob] = [await world.login("up"), await world.login("down")];
    await Promise.all([world.providers.down.close(), world.providers.away.close()]);
    world.providers.broken.answers.discovery = () => ({ json: { issuer: "https://elsewhere.example" } });
    await setClockAhead(world.gateway, 61);
    const [served, waiting] = await Promise.all([ada.api("/api"), bob.api("/api")]);
    assert.deepEqual([served.status, waiting.status], [200, 503], waiting.text);
    assert.equal((await begin(world.browser(), { provider: "up" })).status, 302);
    assert.equal((await begin(world.browser(), { provider: "away" })).status, 503);
    const broken = await begin(world.browser(), { provider: "broken" });
    assert.equal(broken.status, 502);
    assert.match(broken.text, /PROVIDERS\[2\]\.issuer/);
    assert.equal((await begin(world.browser(), {})).status, 200, "the page to choose asks no provider");
    assert.equal((await world.gateway.request("/auth/healthz")).status, 200);
    await world.providers.down.comeBack();
    await setClockAhead(world.gateway, 61 + 45);
    assert.equal((await bob.navigate("/page")).status, 200, "it comes back, and so do its users, without a form");
  });

  test("a session whose provider is no longer in the table ends at its next refresh", async (t) => {
    const world = await createTable(t, {
      entry: INSTRUMENTS,
      providers: { stays: { hostile: { accessTokenSeconds: 60 } }, goes: { hostile: { accessTokenSeconds: 60 } } },
    });
    const { gateway } = world;
    const [ada, bob, carol] = [await world.login("stays"), await world.login("goes"), await world.login("goes")];
    const id = actorOf(bob.session);
    const callback = await callbackOf(world.browser(), { provider: "goes" });
    gateway.vars.PROVIDERS = world.table.slice(0, 1);
    await gateway.restart();
    assert.equal((await bob.api("/api")).status, 200, "its token is good until it expires");
    assert.equal((await bob.api("/auth/session")).json().provider, "goes");
    await setClockAhead(gateway, 61);
    assert.equal((await ada.api("/api")).status, 200);
    const over = await bob.api("/api");
    assert.equal(assertProblem(over, 401, "session_ended").reason, "provider_removed");
    const ended = await inspect(gateway, id);
    assert.deepEqual([ended.state, ended.provider], ["ended", "goes"]);
    assert.deepEqual(ended.ledger.filter(({ event }) => event === "end").map(({ outcome }) => outcome), ["provider_removed"]);
    // A page goes to log in, without a circle, and where there is one provider left it goes there.
    const page = await carol.navigate("/page");
    assert.equal(page.status, 200);
    assert.equal((await carol.api("/auth/session")).json().provider, "stays");
    const gone = await world.browser().navigate(callback.href, { from: "http://127.0.0.1:1", follow: false });
    assert.equal(gone.status, 404);
    assert.equal((await begin(world.browser(), { provider: "goes" })).status, 400);
    assert.equal(world.providers.goes.refreshes.length, 0, "nobody is asked who is not in the table");
  });

  test("a silent login goes through the session's own provider, whatever else is said", async (t) => {
    const world = await createTable(t, {
      entry: INSTRUMENTS,
      hosts: ["club"],
      providers: {
        corp: { hostile: { accessTokenSeconds: 60 }, domains: ["corp.example"] },
        club: { hostile: { accessTokenSeconds: 60 }, hosts: ["club.localhost"] },
      },
    });
    world.providers.corp.answers.token = async (valid, { params }) => {
      const answer = await valid();
      if (params.grant_type === "authorization_code") delete answer.json.refresh_token;
      return answer;
    };
    const staff = await world.login("corp", { host: "club" });
    await setClockAhead(world.gateway, 61);
    const before = world.providers.corp.calls.authorization.length;
    assert.equal((await staff.navigate("/page")).status, 200);
    const { params } = world.providers.corp.calls.authorization.at(-1);
    assert.deepEqual([world.providers.corp.calls.authorization.length - before, params.prompt], [1, "none"]);
    assert.equal(world.providers.club.calls.authorization.length, 0, "the host's own provider is not asked");
    assert.equal((await staff.api("/auth/session")).json().provider, "corp");
    // Somebody who asks for another provider sees its form.
    await setClockAhead(world.gateway, 122);
    const asked = assertGoesTo(world, await begin(staff, { provider: "club" }), "club");
    assert.equal(asked.searchParams.get("prompt"), null);
  });

  test("whose session has run out logs in again where it was, and who has logged out chooses", async (t) => {
    const world = await createTable(t, {
      entry: INSTRUMENTS,
      providers: { corp: { hostile: { accessTokenSeconds: 7200 } }, club: { hostile: true } },
      vars: { SESSION_IDLE_SECONDS: "60" },
    });
    const browser = await world.login("club");
    const before = browser.sessionHeader;
    await setClockAhead(world.gateway, 61);
    const away = await browser.navigate("/page", { follow: false });
    assert.equal(away.status, 302);
    const page = await browser.navigate("/page");
    assert.deepEqual([page.status, page.url.pathname], [200, "/page"]);
    assert.equal((await browser.api("/auth/session")).json().provider, "club");
    assert.notEqual(browser.sessionHeader, before);
    assert.equal(world.providers.corp.calls.authorization.length, 0);
    const ended = await world.gateway.request("/api", { headers: { cookie: before } });
    assert.equal(assertProblem(ended, 401, "session_ended").reason, "idle");
    assert.match(ended.setCookies.join(), /^edge-session=;/, "what is no page loses the cookie");
    await browser.navigate("/auth/logout", { from: browser.origin });
    const choice = await browser.navigate("/page");
    assert.deepEqual(links(choice).map(([words]) => words), ["corp", "club"]);
  });

  test("a session that moves stays its provider's, with a trip to the provider and without", async (t) => {
    const world = await createTable(t, {
      hosts: ["club"],
      providers: { corp: { hostile: true, label: "Corp" }, club: { hostile: true, hosts: ["club.localhost"] } },
    });
    const { gateway, providers } = world;
    const browser = travel(world.browser("club"), FRANKFURT);
    await world.login("corp", { made: browser });
    travel(browser, SYDNEY);
    assert.equal((await browser.navigate("/page")).status, 200);
    assert.equal(cookieOf(browser).region, "oc");
    assert.deepEqual(providers.corp.calls.authorization.map(({ params }) => params.prompt), [undefined, "none"]);
    assert.equal(providers.club.calls.authorization.length, 0);
    const moved = await administer(gateway, `/sessions/${cookieOf(browser).actor}/migrate`, migration("weur"));
    assert.deepEqual([moved.status, moved.json().provider], [200, "corp"], moved.text);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).json().provider, "corp");
    assert.equal(providers.corp.refreshes.length, 1);
    const away = await browser.navigate("/auth/logout", { from: browser.origin, follow: false });
    assert.equal(new URL(away.headers.location).origin, providers.corp.issuer);
    const { sessions } = (await administer(gateway, `/users/ada/sessions?issuer=${encodeURIComponent(providers.corp.issuer)}`)).json();
    assert.deepEqual([...new Set(sessions.map(({ provider }) => provider))], ["corp"], "ended and moved ones, too");
  });

  test("a provider with an empty label is not on the page to choose, and with one left nobody has to choose", async (t) => {
    const world = await createTable(t, {
      hosts: ["a"],
      providers: {
        acme: { hostile: true, label: "", hosts: ["a.localhost"], domains: ["acme.example"] },
        beta: { hostile: true, label: "" },
        staff: { hostile: true, label: "Staff" },
      },
    });
    assertGoesTo(world, await begin(world.browser(), {}), "staff");
    assertGoesTo(world, await begin(world.browser("a"), {}), "acme");
    assertGoesTo(world, await begin(world.browser(), { login_hint: "ada@acme.example" }), "acme");
    assertGoesTo(world, await begin(world.browser(), { provider: "beta" }), "beta");
    const none = await createTable(t, { providers: { acme: { hostile: true, label: "" }, beta: { hostile: true, label: "" } } });
    const answer = await begin(none.browser(), {});
    assert.equal(answer.status, 400);
    assert.doesNotMatch(answer.text, /acme|beta/);
  });

  test("the page to choose needs no script, speaks German, and axe finds nothing on it", async (t) => {
    const brand = { name: "Acme", colour: "#7a1fa2", language: "de" };
    const long = Array.from({ length: 12 }, (_, n) => [`p-${n}`, { hostile: true, label: `Anbieter <${n}> & Söhne` }]);
    const world = await createTable(t, { providers: Object.fromEntries(long), vars: { BRAND: JSON.stringify(brand) } });
    const chromium = await launchChromium();
    t.after(() => chromium.close());
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const colorScheme of ["light", "dark"]) {
      for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 640 }]) {
        const context = await chromium.newContext({ colorScheme, viewport });
        const page = await context.newPage();
        await page.goto(`${world.gateway.origin}/auth/login?return_to=/deep`);
        assert.equal(await page.locator("html").getAttribute("lang"), "de");
        assert.equal(await page.locator("h1").innerText(), "Anmelden");
        assert.deepEqual(await page.locator("a").allInnerTexts(), long.map(([, { label }]) => label), "labels are what the operator wrote");
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, "nothing sticks out");
        if (PICTURES) {
          mkdirSync(PICTURES, { recursive: true });
          await page.screenshot({ path: path.join(PICTURES, `choose-${viewport.width}-${colorScheme}.png`) });
        }
        await context.close();
      }
    }
    const context = await chromium.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${world.gateway.origin}/deep?x=1`);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${world.gateway.origin}/deep?x=1`);
    assert.equal(world.providers["p-1"].calls.token.length, 1, "the second link, by keyboard");
    await context.close();
  });

  test("conformance 53: a logout that a provider tells ends that provider's sessions alone", async (t) => {
    const world = await createTable(t, {
      providers: { one: { hostile: { clientId: "client-1" } }, two: { hostile: { clientId: "client-2" } } },
    });
    const { gateway, providers } = world;
    const sid = (provider, id) => {
      provider.idToken = { claims: (claims) => ({ ...claims, sid: id }) };
    };
    for (const provider of Object.values(providers)) sid(provider, "s-1");
    const both = async () => [await world.login("one"), await world.login("two")];
    let [first, second] = await both();
    const keys = () => Object.values(providers).map(({ calls }) => calls.jwks.length);
    for (const [what, token] of Object.entries({
      "another audience": logoutToken(providers.one, { aud: "client-2" }),
      "the other's key": logoutToken(providers.one, { key: providers.two.key }),
      "the other's issuer": logoutToken(providers.one, { iss: providers.two.issuer, aud: "client-2" }),
      "an unknown issuer": logoutToken(providers.one, { iss: "https://evil.example" }),
      "no JWT": "x.y",
    })) {
      assertProblem(await post(gateway, token), 400, "bad_request", what);
    }
    assert.ok(keys().every((count) => count <= 2), `${keys()}: a token that nobody can have signed fetches nothing`);
    assert.deepEqual([await reasonOf(gateway, first.sessionHeader), await reasonOf(gateway, second.sessionHeader)], ["live", "live"]);
    assert.equal((await post(gateway, logoutToken(providers.two))).status, 200);
    assert.deepEqual([await reasonOf(gateway, first.sessionHeader), await reasonOf(gateway, second.sessionHeader)], ["live", "backchannel"]);
    assert.equal((await post(gateway, logoutToken(providers.one, { aud: ["client-1"] }))).status, 200);
    assert.equal(await reasonOf(gateway, first.sessionHeader), "backchannel");

    // In a frame: the issuer says whose; where it is not said, it may be any one's.
    const frame = (query) => gateway.request(`/auth/frontchannel-logout?${new URLSearchParams(query)}`);
    [first, second] = await both();
    assert.equal((await frame({ sid: "s-1", iss: "https://evil.example" })).status, 200);
    const framed = await frame({ sid: "s-1", iss: providers.two.issuer });
    assert.match(framed.headers["content-security-policy"], new RegExp(`frame-ancestors ${providers.two.issuer}$`));
    assert.deepEqual([await reasonOf(gateway, first.sessionHeader), await reasonOf(gateway, second.sessionHeader)], ["live", "logout"]);
    const any = await frame({ sid: "s-1" });
    assert.match(any.headers["content-security-policy"], new RegExp(`frame-ancestors ${providers.one.issuer} ${providers.two.issuer}$`));
    assert.equal(await reasonOf(gateway, first.sessionHeader), "logout");
  });

  test("conformance 53: no tenant's session is another's, the same user at both hosts or not, on a wildcard's hosts too", async (t) => {
    const world = await createTable(t, {
      hosts: ["a", "b"],
      origins: (port) => [`http://*.localhost:${port}`, `http://127.0.0.1:${port}`],
      providers: {
        one: { hostile: true, hosts: ["a.localhost"] },
        two: { hostile: true, hosts: ["b.localhost"] },
        staff: { hostile: true },
      },
    });
    const { gateway } = world;
    const [atA, atB] = [await world.login(undefined, { host: "a" }), await world.login(undefined, { host: "b" })];
    assert.equal((await atA.api("/auth/session")).json().provider, "one");
    assert.equal((await atB.api("/auth/session")).json().provider, "two");
    assert.equal(new URL(world.providers.one.calls.authorization[0].params.redirect_uri).href, `${world.originOf("a")}/auth/callback/one`);
    for (const line of [...atA.hops, ...atB.hops].flatMap(({ setCookies }) => setCookies)) assert.doesNotMatch(line, /domain=/i, "cookies are their host's alone");
    // The same user, and somebody carries the cookie to the other host.
    const carry = (target, from, host, headers) => gateway.request(target, { headers: { host: new URL(world.originOf(host)).host, cookie: from.sessionHeader, ...headers } });
    for (const target of ["/api", "/auth/session", "/auth/sessions"]) {
      assertProblem(await carry(target, atA, "b"), 401, "login_required", target);
      assertProblem(await carry(target, atB, "a"), 401, "login_required", target);
      assert.equal((await carry(target, atA, "a")).status, 200, target);
    }
    const refresh = await gateway.request("/auth/refresh", { method: "POST", headers: { host: new URL(world.originOf("b")).host, cookie: atA.sessionHeader, "sec-fetch-site": "same-origin" } });
    assertProblem(refresh, 401, "login_required");
    assert.equal(world.providers.one.refreshes.length, 0);
    const denied = (await inspect(gateway, actorOf(atA.session))).ledger.find(({ event }) => event === "get_denied");
    assert.equal(denied.outcome, "other_provider");
    // A login there neither renews nor ends the session of the other host.
    const visit = await carry("/auth/login?return_to=/", atA, "b", { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" });
    assertGoesTo(world, visit, "two");
    assert.equal((await atA.api("/api")).status, 200);
    // Nobody logs in at a tenant's host with another tenant's provider. One without hosts serves everywhere.
    assert.equal((await begin(world.browser("a"), { provider: "two" })).status, 400);
    const staff = await world.login("staff", { host: "a" });
    assert.equal((await staff.api("/api")).status, 200);
    assert.equal((await carry("/api", staff, "b")).status, 200);
    const other = await begin(world.browser("a"), { login_hint: "ada@two.example" });
    assertGoesTo(world, other, "one");
    // Hosts of the domain are served, others are not.
    assert.equal((await begin(world.browser("new-tenant"), {})).status, 200, "the user chooses");
    for (const host of ["x.y.localhost", "localhost", "a.localhost.evil.example", "*.localhost"]) {
      assert.equal((await gateway.request("/api", { headers: { host: `${host}:${gateway.port}` } })).status, 404, host);
    }
    const callback = await callbackOf(world.browser("a"), {});
    callback.host = new URL(world.originOf("b")).host;
    await assertRejected(world.browser("b"), callback, "a login of another host");
  });

  test("conformance 53: a callback ends no session of another host's, whose cookie somebody brought there", async (t) => {
    const world = await createTable(t, {
      hosts: ["a", "b"],
      providers: { one: { hostile: true, hosts: ["a.localhost"] }, two: { hostile: true, hosts: ["b.localhost"] }, staff: { hostile: true } },
    });
    const bring = (session, browser) => browser.jar().store(new URL(browser.origin), `${session.sessionHeader}; Path=/; HttpOnly; SameSite=Lax`);
    const [atA, staff] = [await world.login(undefined, { host: "a" }), await world.login("staff", { host: "a" })];
    for (const [foreign, status] of [[atA, 200], [staff, 401]]) {
      const browser = world.browser("b");
      const callback = await callbackOf(browser, {});
      bring(foreign, browser);
      const landed = await browser.navigate(callback.href, { from: "http://127.0.0.1:1" });
      assert.equal(landed.status, 200);
      assert.equal((await browser.api("/auth/session")).json().provider, "two");
      assert.equal((await foreign.api("/api")).status, status, "a session that serves at the host is replaced there");
    }
  });

  test("an actor's id tells nobody the provider of its session", async (t) => {
    const world = await createTable(t, { entry: INSTRUMENTS, providers: { corp: { hostile: true }, club: { hostile: true } }, vars: { SESSION_IDLE_SECONDS: "60" } });
    const browser = await world.login("club");
    const thief = world.browser();
    const { name, value } = browser.session;
    const [region, actor] = value.split(".");
    thief.jar().store(new URL(thief.origin), `${name}=${region}.${actor}.${"A".repeat(43)}; Path=/; HttpOnly; SameSite=Lax`);
    const choices = async () => links(await begin(thief, {})).map(([words]) => words);
    assert.deepEqual(await choices(), ["corp", "club"]);
    await setClockAhead(world.gateway, 61);
    assert.deepEqual(await choices(), ["corp", "club"], "nor that of one that has ended");
    assertGoesTo(world, await begin(browser, {}), "club", "its own user logs in where they did");
  });

  test("a login for a form goes to the providers of the route that takes forms alone", async (t) => {
    const world = await createTable(t, {
      providers: { corp: { hostile: true }, club: { hostile: true } },
      routes: [{ match: "/pay", methods: ["POST"], providers: ["club"] }, { match: "/*" }],
    });
    assertGoesTo(world, await begin(world.browser(), { return_to: "/pay", form: "1" }), "club");
    assert.equal((await begin(world.browser(), { return_to: "/pay" })).status, 200, "a page there is another route's");
  });

  test("a route lets the sessions of its providers in alone, and says where to log in", async (t) => {
    const world = await createTable(t, {
      providers: { corp: { hostile: true, label: "Corp" }, club: { hostile: true, label: "The Club" }, third: { hostile: true } },
      routes: [{ match: "/corp/*", providers: ["corp"] }, { match: "/both/*", providers: ["club", "corp"], identity_headers: true }, { match: "/*" }],
    });
    const [ada, bob, carol] = [await world.login("corp"), await world.login("club"), await world.login("third")];
    const statuses = async (browser) => [(await browser.api("/corp/x")).status, (await browser.api("/both/x")).status, (await browser.api("/x")).status];
    assert.deepEqual(await statuses(ada), [200, 200, 200]);
    assert.deepEqual(await statuses(bob), [403, 200, 200]);
    assert.deepEqual(await statuses(carol), [403, 403, 200]);
    assertProblem(await bob.api("/corp/x"), 403, "forbidden");
    const page = await bob.navigate("/corp/x?a=1");
    assert.equal(page.status, 403);
    const [[words, url]] = links(page);
    assert.deepEqual([words, url], ["Corp", "/auth/login?return_to=%2Fcorp%2Fx%3Fa%3D1&provider=corp"]);
    const both = await carol.navigate("/both/x");
    assert.deepEqual(links(both).map(([name]) => name).slice(0, 2), ["The Club", "Corp"]);
    const before = bob.sessionHeader;
    const landed = await bob.navigate(url, { from: bob.origin });
    assert.deepEqual([landed.status, `${landed.url.pathname}${landed.url.search}`], [200, "/corp/x?a=1"]);
    assert.equal(await reasonOf(world.gateway, before), "superseded", "the former session has ended");
    // Without a session the route decides where the login goes.
    const stranger = world.browser();
    assert.equal((await stranger.navigate("/corp/y")).status, 200);
    assert.equal((await stranger.api("/auth/session")).json().provider, "corp");
    const choice = await world.browser().navigate("/both/y", { until: () => false });
    assert.deepEqual(links(choice).map(([name]) => name), ["Corp", "The Club"], "and where it takes several, the user chooses among these");
    assert.equal((await begin(world.browser(), { return_to: "/corp/x", provider: "club" })).status, 302, "the address comes first");
    // A WebSocket handshake is held to the same.
    const handshake = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
    const refused = await world.gateway.request("/corp/x", { headers: { ...handshake, origin: carol.origin, cookie: carol.sessionHeader } });
    assert.equal(refused.status, 403);
  });

  test("each is of its own kind: what Auth0 does differently, its neighbour does not", async (t) => {
    const world = await createTable(t, {
      providers: {
        tenant: { hostile: { slash: true }, kind: "auth0", issuer: undefined, auth0_domain: ({ origin }) => origin, auth0_logout_federated: true },
        plain: { hostile: true, scopes: ["openid", "email"], authorization_params: { acr_values: "mfa" }, audience: "https://api.example" },
      },
      vars: { BRAND: undefined },
    });
    const { providers } = world;
    const [ada, bob] = [await world.login("tenant"), await world.login("plain")];
    assert.equal((await ada.api("/auth/session")).json().issuer, providers.tenant.issuer);
    const asked = ({ calls }) => calls.authorization[0].params;
    assert.deepEqual([asked(providers.plain).scope, asked(providers.plain).acr_values, asked(providers.plain).audience], ["openid email", "mfa", "https://api.example"]);
    assert.deepEqual([asked(providers.tenant).acr_values, asked(providers.tenant).audience], [undefined, undefined]);
    const out = async (browser) => new URL((await browser.navigate("/auth/logout?return_to=/", { from: browser.origin, follow: false })).headers.location);
    const [there, here] = [await out(ada), await out(bob)];
    assert.equal(there.searchParams.has("federated"), true);
    assert.deepEqual([here.origin, here.searchParams.has("federated")], [providers.plain.origin, false]);
    // Who asks for another account is asked as each provider understands it.
    const another = await begin(await world.login("tenant"), { account: "another" });
    assert.equal(assertGoesTo(world, another, "tenant").searchParams.get("prompt"), "login");
    const other = await begin(await world.login("plain"), { account: "another" });
    assert.equal(assertGoesTo(world, other, "plain").searchParams.get("prompt"), "select_account");
  });

  test("the public keys of all providers' clients are published", async (t) => {
    const [one, two] = [signingKey("ES256", "k1"), signingKey("ES256", "k2")];
    const world = await createTable(t, {
      providers: {
        one: { hostile: true, secret: undefined, key: "KEY_1" },
        two: { hostile: true, secret: undefined, key: "KEY_2" },
        three: { hostile: true, secret: undefined, key: "KEY_1" },
        four: { hostile: true },
      },
      vars: { KEY_1: JSON.stringify(one.privateJwk), KEY_2: JSON.stringify(two.privateJwk) },
    });
    const { keys } = (await world.gateway.request("/auth/jwks.json")).json();
    assert.deepEqual(keys.map(({ kid, d }) => [kid, d]), [one, two].map(({ publicJwk }) => [publicJwk.kid, undefined]));
  });

  test("a table with faults serves nothing but their list, each with its place", async (t) => {
    const world = await createTable(t, {
      providers: { one: { hostile: true, hosts: ["nowhere.example"], secret: "UNSET" }, two: { hostile: true, unknown: 1, name: "one" } },
    });
    const answer = await world.gateway.request("/auth/healthz");
    const { problems } = assertProblem(answer, 500, "config_invalid");
    assert.deepEqual(
      problems.map(({ variable }) => variable).toSorted(),
      ["PROVIDERS[0].hosts", "PROVIDERS[0].secret", "PROVIDERS[1].name", "PROVIDERS[1].unknown"],
    );
  });
});

