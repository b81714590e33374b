// The administrators' console in Chromium: with the mouse, with the keyboard alone, narrow and dark, and in trouble.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, inspect } from "./parts/administration.mjs";
import { CONSOLE_STATES, reach } from "./parts/console-states.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { BREAKABLE_DIRECTORY, setDirectory } from "./parts/directory.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { contrastsOf, isVisible } from "./parts/visibility.mjs";
import { CF_HEADER } from "./parts/workerd.mjs";
import { createWorld } from "./parts/world.mjs";

/** Where to put pictures of the page; none are made without it. */
const PICTURES = process.env.CONSOLE_PICTURES;
const PHONE = { width: 360, height: 720 };

describe("console", () => {
  let world;
  let gateway;
  let chromium;
  before(async () => {
    world = await createWorld(undefined, { provider: {}, entry: BREAKABLE_DIRECTORY });
    gateway = world.gateway;
    chromium = await launchChromium();
  });
  after(async () => {
    await chromium.close();
    await world.close();
  });

  /** The console in a page of its own; what the browser complains of fails the test. */
  async function open(t, { address = `${gateway.adminOrigin}/auth/admin/`, ...options } = {}) {
    const context = await chromium.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.complaints = [];
    page.refused = [];
    page.on("response", (answer) => answer.ok() || page.refused.push(`${answer.status()} ${answer.url()}`));
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    page.on("console", (message) => {
      // The browser logs each answer of 4xx or 5xx. That is no error of the page.
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) page.complaints.push(message.text());
    });
    t.after(async () => {
      assert.deepEqual(page.complaints, []);
      await context.close();
    });
    await page.goto(address);
    return page;
  }

  async function unlock(page, token = ADMIN_TOKEN) {
    await page.getByLabel("Administrators’ token").fill(token);
    await page.getByRole("button", { name: "Unlock" }).click();
  }

  async function find(page, wanted) {
    await page.getByLabel("User or session").fill(wanted);
    await page.getByRole("button", { name: "Find" }).click();
  }

  const said = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
  const problem = (page, text) => page.getByRole("alert").filter({ hasText: text }).waitFor();
  const linkTo = (page, id) => page.locator(id ? `#sessions a[href$="${id}"]` : "#sessions a");
  const openSession = async (page, id) => {
    await linkTo(page, id).click();
    await page.locator("#session").waitFor();
  };
  /** What says why the session that is shown ended. */
  const verdict = (page, text) => page.locator("#verdict").filter({ hasText: text }).waitFor();

  test("the page needs no token, holds no data, and lets nothing but itself run, speak or frame it", async () => {
    const answer = await gateway.atConsole("/auth/admin/");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
    assert.equal(answer.headers["cache-control"], "no-store");
    const policy = Object.fromEntries(answer.headers["content-security-policy"].split(";").map((part) => {
      const [name, ...values] = part.trim().split(/\s+/);
      return [name, values.join(" ")];
    }));
    assert.equal(policy["default-src"], "'none'");
    assert.equal(policy["connect-src"], "'self'");
    assert.equal(policy["frame-ancestors"], "'none'");
    assert.equal(policy["base-uri"], "'none'");
    assert.match(policy["script-src"], /^'sha256-[\w+/=]+'$/);
    assert.match(policy["style-src"], /^'sha256-[\w+/=]+'$/);
    assert.ok(!/\son[a-z]+=|javascript:|style="/.test(answer.text), "no inline handlers or styles");
    for (const secret of [ADMIN_TOKEN, gateway.vars.OIDC_CLIENT_ID, world.provider.issuer]) assert.ok(!answer.text.includes(secret));
    const bare = await gateway.atConsole("/auth/admin");
    assert.deepEqual([bare.status, bare.headers.location], [308, "/auth/admin/"]);
  });

  test("find a user, see where they are, read why a session ended", async (t) => {
    const here = world.browser({ userAgent: "Laptop/1.0", headers: { [CF_HEADER]: '{"continent":"OC","country":"NZ"}' } });
    await here.login({ hint: "reads" });
    const gone = await world.login({ hint: "reads" });
    const id = actorOf(gone.session);
    await gone.api("/auth/logout", { method: "POST" });
    const page = await open(t);
    await unlock(page);
    await said(page, "Unlocked");
    await find(page, "reads");
    await said(page, "2 sessions found, 1 active.");
    assert.equal(await page.evaluate(() => document.activeElement.id), "user-title", "the focus is on what was found");
    const items = page.locator("#sessions li");
    assert.match(await items.nth(1).innerText(), /Ended[\s\S]*Europe, west/);
    assert.match(await items.nth(0).innerText(), /Laptop\/1\.0[\s\S]*Active[\s\S]*Oceania \(NZ\)/);
    await openSession(page, id);
    await verdict(page, /^Ended just now: The user logged out\.$/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "session-title");
    assert.equal(await linkTo(page, id).getAttribute("aria-current"), "true", "the list stays, and says which one is open");
    const ledger = await page.locator("#ledger li > p").allInnerTexts();
    assert.equal(ledger.at(-1), "The user logged in.");
    assert.ok(ledger.includes("The user logged out."));
    assert.equal(await page.getByRole("button", { name: "Revoke …" }).isVisible(), false, "there is nothing left to do");
    await find(page, id);
    await verdict(page, "The user logged out.");
    const lines = await page.locator("#ledger li").allInnerTexts();
    for (const line of lines) {
      const [words, ...rest] = line.toLowerCase().split("\n");
      assert.ok(!rest.join().includes(words.slice(0, -1)), `it is said once: ${line}`);
    }
    await find(page, "nobody-at-all");
    await page.getByText("No sessions found.").waitFor();
    assert.equal(await page.locator("#session").isVisible(), false, "what was found before is gone");
    assert.deepEqual(page.refused, [], "nothing that was asked for in vain stands in the browser's console");
  });

  test("of more sessions than a page holds a button brings the next ones", async (t) => {
    for (let i = 0; i < 3; i += 1) await world.login({ hint: "many" });
    const page = await open(t);
    // The first page of a hundred is one of two here.
    await page.route(/\/users\/many\/sessions/, (route) => {
      const url = new URL(route.request().url());
      url.searchParams.set("limit", "2");
      return route.continue({ url: url.href });
    });
    await unlock(page);
    await said(page, "Unlocked");
    await find(page, "many");
    await said(page, "2 sessions found, 2 active, and there are more.");
    await page.getByRole("button", { name: "Show more" }).click();
    await said(page, "3 sessions found, 3 active.");
    assert.equal(await page.getByRole("button", { name: "Show more" }).isVisible(), false);
  });

  test("refresh, move to a region, revoke: each says what came of it, and it is so", async (t) => {
    const browser = await world.login({ hint: "acts" });
    const first = actorOf(browser.session);
    const before = await world.token(browser);
    const page = await open(t);
    await unlock(page);
    await find(page, "acts");
    await openSession(page, first);
    await page.getByRole("button", { name: "Refresh the token" }).click();
    await said(page, "A new access token came.");
    const after = await world.token(browser);
    assert.notEqual(after, before);
    await page.getByRole("button", { name: "Refresh the token" }).click();
    await said(page, "Nothing was done: the token was refreshed less than 30 seconds ago.");
    assert.equal(await world.token(browser), after);
    const refreshes = (await inspect(gateway, first)).ledger.filter(({ event }) => event === "refresh");
    assert.equal(refreshes.length, 1, "what was not done has no line");
    await page.locator("#facts").getByText("moved 0 times").waitFor();
    const move = page.getByRole("button", { name: "Move", exact: true });
    assert.equal(await move.isDisabled(), true, "it is there already");
    await page.getByLabel("Move to").selectOption("oc");
    await move.click();
    await said(page, "The session lives in Oceania now");
    await page.locator("#facts").getByText(/moved once$/).waitFor();
    assert.equal(await move.isDisabled(), true, "it is there now");
    await page.locator("#facts").getByText("Oceania (oc)").waitFor();
    const { moved_to: second } = await inspect(gateway, first);
    await find(page, first);
    await page.getByText("It lives on in another region, under another id.").waitFor();
    await page.getByRole("button", { name: "Refresh the token" }).click();
    await said(page, "Nothing was done: the token was refreshed less than 30 seconds ago.");
    await page.locator("#session-id").filter({ hasText: second }).waitFor();
    await find(page, first);
    await page.getByText("It lives on in another region, under another id.").waitFor();
    assert.equal(await move.isDisabled(), false, "it can go back to where it was");
    await page.getByRole("link", { name: `session ${second.slice(0, 8)}`, exact: true }).click();
    await page.locator("#session-id").filter({ hasText: second }).waitFor();

    await page.getByRole("button", { name: "Revoke …" }).click();
    await page.getByRole("dialog").getByText("To lock a user out, block them at the provider first").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal((await browser.api("/api")).status, 200, "nothing happened");
    await page.getByRole("button", { name: "Revoke …" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await said(page, "The session is revoked.");
    await verdict(page, "An administrator revoked the session.");
    assert.equal((await browser.api("/api")).status, 401);
  });

  test("revoke all asks first, and then says how many", async (t) => {
    const theirs = [await world.login({ hint: "everywhere" }), await world.login({ hint: "everywhere" })];
    const page = await open(t);
    await unlock(page);
    await find(page, "everywhere");
    await page.getByRole("button", { name: "Revoke all …" }).click();
    const dialog = page.getByRole("dialog", { name: "Revoke all sessions of everywhere?" });
    await dialog.getByText("To lock a user out, block them at the provider first").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "confirm-no", "the focus is on what does no harm");
    await dialog.getByRole("button", { name: "Revoke all" }).click();
    await said(page, "2 sessions revoked.");
    for (const browser of theirs) assert.equal((await browser.api("/api")).status, 401);
    assert.equal(await page.getByRole("button", { name: "Revoke all …" }).isVisible(), false);
  });

  test("works with the keyboard alone", async (t) => {
    const browser = await world.login({ hint: "keys" });
    const page = await open(t);
    const { keyboard } = page;
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.innerText);
    const tabTo = async (what) => {
      for (let i = 0; i < 20 && !what.test(await focused()); i += 1) await keyboard.press("Tab");
      assert.match(await focused(), what, "it can be reached");
    };
    assert.equal(await focused(), "token");
    await keyboard.type(ADMIN_TOKEN);
    await keyboard.press("Enter");
    await said(page, "Unlocked");
    assert.equal(await focused(), "wanted");
    await keyboard.type("keys");
    await keyboard.press("Enter");
    await said(page, "1 session found");
    await tabTo(/logged in just now/);
    await keyboard.press("Enter");
    await page.locator("#session").waitFor();
    await tabTo(/^revoke$/);
    await tabTo(/^refresh$/);
    await tabTo(/^revoke$/);
    await keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await keyboard.press("Escape");
    assert.equal(await focused(), "revoke", "the focus is back");
    await keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    await said(page, "The session is revoked.");
    assert.equal((await browser.api("/api")).status, 401);
  });

  test("every field has a label, what happens is announced, and all of it is in one order of headings", async (t) => {
    await world.login({ hint: "named" });
    const page = await open(t);
    await unlock(page);
    await find(page, "named");
    await linkTo(page).click();
    await page.locator("#session").waitFor();
    const unnamed = await page.evaluate(() =>
      [...document.querySelectorAll("input, select, button")]
        .filter((element) => !element.labels?.length && !element.textContent.trim() && element.id !== "confirm-yes")
        .map((element) => element.outerHTML),
    );
    assert.deepEqual(unnamed, []);
    const headings = await page.getByRole("heading").evaluateAll((all) => all.map(({ tagName }) => tagName));
    assert.deepEqual(headings, ["H1", "H2", "H2", "H3"]);
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    assert.equal(await page.getByRole("main").count(), 1);
    for (const role of ["status", "alert"]) assert.equal(await page.locator(`[role=${role}]`).count(), 1);
  });

  test("the token is in memory alone: not in storage, cookies, the address or the page, and gone with a reload", async (t) => {
    const page = await open(t);
    const urls = [];
    page.on("request", (request) => urls.push(request.url()));
    await unlock(page);
    await find(page, "nobody");
    await said(page, "0 sessions found");
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, document.documentElement.outerHTML, [...document.querySelectorAll("input")].map(({ value }) => value)]),
    );
    assert.ok(!kept.includes(ADMIN_TOKEN));
    assert.ok(urls.length > 1 && !urls.join().includes(ADMIN_TOKEN));
    assert.deepEqual(await page.context().cookies(), []);
    await page.reload();
    assert.equal(await page.getByLabel("Administrators’ token").inputValue(), "");
    await unlock(page);
    await page.getByRole("button", { name: "Forget the token" }).click();
    await said(page, "The token is forgotten.");
    assert.equal(await page.getByLabel("User or session").isVisible(), false);
    assert.equal(new URL(page.url()).hash, "", "the address names nobody any more");
  });

  test("a wrong token, an unknown session, one that has ended, a directory that is down, no network: each in words", async (t) => {
    const browser = await world.login({ hint: "trouble" });
    const id = actorOf(browser.session);
    const page = await open(t);
    for (const wrong of ["wrong", "with\u2014a dash", `${ADMIN_TOKEN}x`]) {
      await unlock(page, wrong);
      await problem(page, "This token is not the administrators’ token.");
      assert.equal(await page.evaluate(() => document.activeElement.id), "token");
    }
    await unlock(page);
    await said(page, "Unlocked");
    assert.equal(await page.getByRole("alert").innerText().catch(() => ""), "");
    await find(page, "trouble");
    await linkTo(page).click();
    await page.locator("#session").waitFor();
    await find(page, "0".repeat(64));
    await problem(page, "There is no session with this id.");
    assert.equal(await page.locator("#columns h2:visible").count(), 0, "nothing that was found before is left");
    await find(page, id);
    await page.locator("#session").waitFor();
    await administer(gateway, `/sessions/${id}`, { method: "DELETE" });
    await page.getByRole("button", { name: "Refresh the token" }).click();
    await problem(page, "The session has ended: it was revoked.");
    await verdict(page, "An administrator revoked the session.");
    await setDirectory(gateway, "down");
    await find(page, "trouble");
    await problem(page, /Sessions cannot be read at the moment\. Try again in \d+ seconds/);
    await setDirectory(gateway, "well");
    await setDirectory(gateway, "down");
    await page.getByRole("button", { name: "Forget the token" }).click();
    await unlock(page);
    await said(page, "Unlocked");
    await setDirectory(gateway, "well");
    await page.context().setOffline(true);
    await find(page, "trouble");
    await problem(page, "The gateway cannot be reached.");
    await page.context().setOffline(false);
    await find(page, "trouble");
    await said(page, "1 session found");
  });

  test("a session that does not answer is listed as not reachable, and as used again when it does", async (t) => {
    await world.login({ hint: "silent" });
    const page = await open(t);
    await unlock(page);
    await setDirectory(gateway, "alone");
    try {
      await find(page, "silent");
      await page.locator("#sessions li").filter({ hasText: "not reachable now" }).waitFor();
      assert.ok(!(await page.locator("#sessions li").innerText()).includes("last used"));
    } finally {
      await setDirectory(gateway, "well");
    }
    await find(page, "silent");
    await page.locator("#sessions li").filter({ hasText: "last used just now" }).waitFor();
  });

  for (const [colorScheme, viewport] of [["light", { width: 1280, height: 720 }], ["dark", { width: 375, height: 667 }]]) {
    test(`what came of it is in sight where the button is, ${colorScheme}, ${viewport.width} px wide`, async (t) => {
      const hint = `many-${colorScheme}`;
      let browser;
      for (let i = 0; i < 7; i += 1) browser = await world.login({ hint });
      const page = await open(t, { colorScheme, viewport });
      await unlock(page);
      await find(page, hint);
      await openSession(page, actorOf(browser.session));
      await page.locator("#session").waitFor();
      await page.locator("#refresh").click();
      await said(page, "A new access token came.");
      assert.equal(await page.evaluate(isVisible, "said"), true);
      await page.locator("#session-title").focus();
      assert.equal(await page.evaluate(isVisible, "session-title"), true, "what has the focus is not under it");
      await administer(gateway, `/sessions/${actorOf(browser.session)}`, { method: "DELETE" });
      await page.locator("#refresh").click();
      await problem(page, "The session has ended: it was revoked.");
      await verdict(page, "An administrator revoked the session.");
      assert.equal(await page.evaluate(isVisible, "problem"), true);
      await picture(page, `in-sight-${colorScheme}`, false);
    });
  }

  test("names that look like HTML are text", async (t) => {
    const evil = `<img src=x onerror="document.title='owned'">`;
    const browser = world.browser({ userAgent: `${evil}/1.0` });
    await browser.login({ hint: evil });
    const page = await open(t);
    await unlock(page);
    await find(page, evil);
    await page.locator("#user-title").filter({ hasText: evil }).waitFor();
    await linkTo(page).click();
    await page.locator("#facts").getByText(`${evil}/1.0`).waitFor();
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.title(), "Sessions");
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`nothing sticks out and everything can be read on a phone, ${colorScheme}`, async (t) => {
      const ada = world.browser({ userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", headers: { [CF_HEADER]: '{"continent":"EU","country":"DE"}' } });
      const subject = `ada-${colorScheme}@${"a-long-name.".repeat(6)}example`;
      await ada.login({ hint: subject });
      await world.login({ hint: subject });
      const page = await open(t, { colorScheme, viewport: PHONE });
      await unlock(page);
      await find(page, subject);
      await linkTo(page).first().waitFor();
      const { y: top, height } = await linkTo(page).first().boundingBox();
      assert.ok(top + height < PHONE.height, `the first session is in sight without scrolling: ${top}`);
      await linkTo(page).first().click();
      await page.locator("#ledger li").first().waitFor();
      assert.equal(await linkTo(page).first().isVisible(), false, "one after the other");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
      const boxes = await page.locator("#actions > *").evaluateAll((all) =>
        all.map((element) => element.getBoundingClientRect()).map(({ top, bottom }) => ({ top, bottom })).toSorted((a, b) => a.top - b.top));
      assert.equal(boxes.length, 3);
      for (const [i, { top }] of boxes.slice(1).entries()) assert.ok(top - boxes[i].bottom >= 3, "nothing touches what is above it");
      const contrasts = await page.evaluate(contrastsOf);
      for (const { text, contrast } of contrasts) assert.ok(contrast >= 4.5, `${text}: ${contrast}`);
      assert.ok(contrasts.length > 20);
      await picture(page, `phone-${colorScheme}`);
      await page.setViewportSize({ width: 960, height: 900 });
      await picture(page, `desk-${colorScheme}`);
    });
  }

  /** What is sent from now on, as one text. */
  function sentBy(page) {
    const sent = [];
    page.on("request", (request) => sent.push(request.url(), request.postData() ?? ""));
    return () => sent.join("\n");
  }

  test("of a session cookie that is pasted or typed, with its name or without, the secret is neither shown nor sent", async (t) => {
    const browser = await world.login({ hint: "pastes" });
    const { name, value } = browser.session;
    const [, id, secret] = value.split(".");
    const page = await open(t);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await unlock(page);
    const sent = sentBy(page);
    const wanted = page.getByLabel("User or session");
    for (const text of [value, `${name}=${value}`, `a=b; ${name}=${value}; c=d`, `${id}.${secret}`, `WEUR.${id.toUpperCase()}.${secret}`, value.replaceAll(".", "%2E")]) {
      await wanted.fill("");
      await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
      await wanted.press("ControlOrMeta+V");
      assert.equal(await wanted.inputValue(), id, "pasted");
      await wanted.fill(text);
      assert.equal(await wanted.inputValue(), id, "typed");
    }
    await page.getByRole("button", { name: "Find" }).click();
    await page.locator("#session-id").filter({ hasText: id }).waitFor();
    for (const half of [`${name}=weur.${id.slice(1)}.${secret}`, `__Host-session-bound=1764550000.${secret}.${secret}`, `1764550000.${secret}.${secret}`, `edge-login-0123abcd=${secret}`]) {
      await find(page, half);
      await problem(page, "Nothing was sent.");
      assert.equal(await wanted.inputValue(), "");
    }
    assert.ok(sent().includes(id) && !sent().includes(secret));
    assert.ok(!(await page.evaluate(() => document.documentElement.outerHTML + location.href)).includes(secret));
  });

  test("the beginning of an id filters the list, and opens the session if it is the only one", async (t) => {
    const ids = [];
    for (let i = 0; i < 3; i += 1) ids.push(actorOf((await world.login({ hint: "begins" })).session));
    const page = await open(t);
    await unlock(page);
    await find(page, "begins");
    await said(page, "3 sessions found");
    await page.getByLabel("User or session").fill(ids[1].slice(0, 8));
    await page.getByText(`1 of 3 begins with ${ids[1].slice(0, 8)}.`).waitFor();
    assert.equal(await page.locator("#sessions li:visible").count(), 1);
    await page.getByLabel("User or session").press("Enter");
    await page.locator("#session-id").filter({ hasText: ids[1] }).waitFor();
    await page.getByLabel("User or session").fill("");
    assert.equal(await page.locator("#sessions li:visible").count(), 3);
  });

  test("what is shown has an address of its own, without the token; the way back leads to the list", async (t) => {
    const browser = await world.login({ hint: "a user/with?signs" });
    const id = actorOf(browser.session);
    const address = `${gateway.adminOrigin}/auth/admin/#/sessions/${id}`;
    const page = await open(t, { address });
    await unlock(page);
    await page.locator("#session-id").filter({ hasText: id }).waitFor();
    await linkTo(page, id).waitFor();
    assert.equal(page.url(), address);
    await find(page, "a user/with?signs");
    await said(page, "1 session found");
    assert.equal(new URL(page.url()).hash, "#/users/a%20user%2Fwith%3Fsigns");
    // The list beside the session said the same words before.
    await page.locator("#session").waitFor({ state: "hidden" });
    await openSession(page, id);
    assert.equal(page.url(), address);
    await page.goBack();
    await page.locator("#session").waitFor({ state: "hidden" });
    assert.equal(await linkTo(page, id).evaluate((link) => link === document.activeElement), true, "the focus is where it was");
    for (const fragment of ["#/users/%ff", "#/sessions/x", "#/users/", "#else"]) {
      await page.goto(`${gateway.adminOrigin}/auth/admin/${fragment}`);
      await page.locator("#session").waitFor({ state: "hidden" });
    }
  });

  test("when the token no longer counts the form comes back, and then what was shown", async (t) => {
    const browser = await world.login({ hint: "rotates" });
    const id = actorOf(browser.session);
    const page = await open(t);
    await unlock(page);
    await find(page, "rotates");
    await linkTo(page, id).waitFor();
    const refuse = (route) => route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" });
    await page.route(/\/admin\/sessions\//, refuse);
    await linkTo(page, id).click();
    await problem(page, "This token is not the administrators’ token.");
    assert.equal(await page.locator("#columns section:visible").count(), 0);
    await page.unroute(/\/admin\/sessions\//, refuse);
    await unlock(page);
    await page.locator("#session-id").filter({ hasText: id }).waitFor();
  });

  test("times are relative, with the exact one on hover; a message goes away", async (t) => {
    const page = await openState(t, "refreshed", { prepare: (fresh) => fresh.clock.install() });
    const used = page.locator("#sessions time").first();
    assert.match(await used.innerText(), /^\d+ minutes ago$/);
    assert.match(await used.getAttribute("title"), /^\d+ \w+ 20\d\d, \d\d:\d\d:\d\d$/);
    assert.match(await used.getAttribute("datetime"), /^20\d\d-\d\d-\d\dT/);
    const message = () => page.locator("#said").textContent();
    assert.equal(await message(), "A new access token came.");
    await page.clock.fastForward(7000);
    assert.equal(await message(), "A new access token came.");
    const before = await used.innerText();
    await page.clock.fastForward("01:00:00");
    assert.equal(await message(), "");
    assert.notEqual(await used.innerText(), before, "it goes on");
  });

  test("a device is named by browser and system", async (t) => {
    const page = await open(t);
    for (const [userAgent, name] of [
      ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
      ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"],
      ["Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"],
      ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15", "Safari on macOS"],
      ["Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iPad"],
      ["curl/8.14.1", "curl/8.14.1"],
      [null, "Unknown device"],
    ]) assert.equal(await page.evaluate((text) => device(text), userAgent), name);
  });

  test("who did it, the bound device, the provider and the regions are shown where the API says them", async (t) => {
    const page = await openState(t, "detail-ended");
    await page.locator("#ledger").getByText("by access:grace@example.com").waitFor();
    await page.locator("#facts").getByText("corp (https://login.example.com/)").waitFor();
    assert.deepEqual(await page.locator("#places li").allInnerTexts(), ["North America, east: 1", "Oceania: 1"]);
    await page.getByText(/bound to a device since \d+ \w+ 20\d\d/).waitFor();
    await verdict(page, /^Ended 4 minutes ago: An administrator revoked the session\.$/);
  });

  /** A page in a prepared state. */
  async function openState(t, name, { prepare = async () => {}, ...options } = {}) {
    const page = await open(t, { address: "about:blank", ...options });
    await prepare(page);
    await reach(page, name, `${gateway.adminOrigin}/auth/admin/`);
    return page;
  }

  const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const LOOKS = [["light", "desktop"], ["dark", "phone"], ...(PICTURES ? [["dark", "desktop"], ["light", "phone"]] : [])];
  for (const [colorScheme, size] of LOOKS) {
    test(`axe finds nothing in any state, and nothing sticks out: ${colorScheme}, ${size}`, async (t) => {
      const viewport = size === "phone" ? { width: 390, height: 844 } : { width: 1280, height: 800 };
      for (const name of Object.keys(CONSOLE_STATES)) {
        const page = await openState(t, name, { colorScheme, viewport });
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]), [], name);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width, name);
        await picture(page, `${name}-${size}-${colorScheme}`, false);
        await page.close();
      }
    });
  }

  test("where Cloudflare Access lets administrators in, no token is asked for, and calls carry the browser's cookies", async (t) => {
    const page = await open(t, { address: "about:blank" });
    const address = `${gateway.adminOrigin}/auth/admin/`;
    const { text, headers } = await gateway.atConsole("/auth/admin/");
    const body = text.replace("<html", "<html data-access");
    await page.route(address, (route) => route.fulfill({ body, contentType: "text/html", headers: { "content-security-policy": headers["content-security-policy"] } }));
    const asked = [];
    await page.route(/\/admin\/users\//, async (route) => {
      asked.push(await route.request().allHeaders());
      await route.fulfill({ json: { subject: "x", issuer: "i", sessions: [] } });
    });
    await page.context().addCookies([{ name: "CF_Authorization", value: "jwt", url: gateway.adminOrigin }]);
    await page.goto(address);
    await page.getByLabel("User or session").waitFor();
    assert.equal(await page.locator("#unlock:visible, #lock:visible").count(), 0);
    assert.deepEqual(asked.map(({ authorization, cookie }) => [authorization, cookie]), [[undefined, "CF_Authorization=jwt"]]);
    await page.unroute(/\/admin\/users\//);
    await page.reload();
    await problem(page, "Cloudflare Access did not let you in as an administrator.");
    await unlock(page);
    await said(page, "Unlocked");
  });

  test("works under another prefix", async (t) => {
    const other = await createWorld(t, { vars: { AUTH_PREFIX: "/gate/way" } });
    const page = await open(t, { address: `${other.gateway.adminOrigin}/gate/way/admin` });
    await unlock(page);
    await said(page, "Unlocked");
    await find(page, "nobody");
    await said(page, "0 sessions found");
  });

  async function picture(page, name, fullPage = true) {
    if (!PICTURES) return;
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage });
  }
});
