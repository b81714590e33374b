// The administrators' console in Chromium: with the mouse, with the keyboard alone, narrow and dark, and in trouble.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, inspect } from "./parts/administration.mjs";
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
    await page.getByLabel("User, or session").fill(wanted);
    await page.getByRole("button", { name: "Find" }).click();
  }

  const said = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
  const problem = (page, text) => page.getByRole("alert").filter({ hasText: text }).waitFor();
  const openSession = (page, id) => page.getByRole("button", { name: `Session ${id.slice(0, 8)}` }).click();

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
    const items = page.getByRole("listitem");
    assert.match(await items.nth(1).innerText(), /Ended[\s\S]*Europe, west/);
    assert.match(await items.nth(0).innerText(), /Active[\s\S]*Oceania \(NZ\)[\s\S]*Laptop\/1\.0/);
    await openSession(page, id);
    await page.getByText("Why it ended: The user logged out.").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "session-title");
    const ledger = await page.locator("#ledger li > p").allInnerTexts();
    assert.equal(ledger[0], "The user logged in.");
    assert.ok(ledger.includes("The user logged out."));
    assert.equal(await page.getByRole("button", { name: "Revoke …" }).isVisible(), false, "there is nothing left to do");
    await find(page, id);
    await page.getByText("Why it ended: The user logged out.").waitFor();
    const lines = await page.locator("#ledger li").allInnerTexts();
    for (const line of lines) {
      const [words, ...rest] = line.toLowerCase().split("\n");
      assert.ok(!rest.join().includes(words.slice(0, -1)), `it is said once: ${line}`);
    }
    await find(page, "nobody-at-all");
    await page.getByText("There are none.").waitFor();
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
    await page.getByRole("button", { name: "More" }).click();
    await said(page, "3 sessions found, 3 active.");
    assert.equal(await page.getByRole("button", { name: "More" }).isVisible(), false);
  });

  test("refresh, move to a region, revoke: each says what came of it, and it is so", async (t) => {
    const browser = await world.login({ hint: "acts" });
    const first = actorOf(browser.session);
    const before = await world.token(browser);
    const page = await open(t);
    await unlock(page);
    await find(page, "acts");
    await openSession(page, first);
    await page.getByRole("button", { name: "Refresh its token" }).click();
    await said(page, "A new access token came.");
    const after = await world.token(browser);
    assert.notEqual(after, before);
    await page.getByRole("button", { name: "Refresh its token" }).click();
    await said(page, "It was refreshed less than 30 s ago: nothing was done.");
    assert.equal(await world.token(browser), after);
    const refreshes = (await inspect(gateway, first)).ledger.filter(({ event }) => event === "refresh");
    assert.equal(refreshes.length, 1, "what was not done has no line");
    await page.locator("#facts").getByText("moved 0 times").waitFor();
    const move = page.getByRole("button", { name: "Move", exact: true });
    assert.equal(await move.isDisabled(), true, "it is there already");
    await page.getByLabel("Move it to").selectOption("oc");
    await move.click();
    await said(page, "Its home is Oceania now");
    await page.locator("#facts").getByText(/moved once$/).waitFor();
    assert.equal(await move.isDisabled(), true, "it is there now");
    await page.locator("#facts").getByText("Oceania (oc)").waitFor();
    const { moved_to: second } = await inspect(gateway, first);
    await find(page, first);
    await page.getByText("It lives on under another id.").waitFor();
    await page.getByRole("button", { name: "Refresh its token" }).click();
    await said(page, "It was refreshed less than 30 s ago: nothing was done.");
    await find(page, first);
    await page.getByText("It lives on under another id.").waitFor();
    assert.equal(await move.isDisabled(), false, "it can go back to where it was");
    await page.getByRole("button", { name: `session ${second.slice(0, 8)}`, exact: true }).click();
    await page.getByRole("heading", { name: `Session ${second.slice(0, 8)}: active` }).waitFor();

    await page.getByRole("button", { name: "Revoke …" }).click();
    await page.getByRole("dialog").getByText("to lock somebody out, block the user at the provider first").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal((await browser.api("/api")).status, 200, "nothing happened");
    await page.getByRole("button", { name: "Revoke …" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await said(page, "Revoked.");
    await page.getByText("Why it ended: An administrator revoked the session.").waitFor();
    assert.equal((await browser.api("/api")).status, 401);
  });

  test("revoke all asks first, and then says how many", async (t) => {
    const theirs = [await world.login({ hint: "everywhere" }), await world.login({ hint: "everywhere" })];
    const page = await open(t);
    await unlock(page);
    await find(page, "everywhere");
    await page.getByRole("button", { name: "Revoke all …" }).click();
    const dialog = page.getByRole("dialog", { name: "Revoke all sessions of everywhere?" });
    await dialog.getByText("to lock somebody out, block the user at the provider first").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "confirm-no", "the focus is on what does no harm");
    await dialog.getByRole("button", { name: "Revoke all" }).click();
    await said(page, "2 sessions were revoked.");
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
    assert.equal(await focused(), "subject");
    await keyboard.type("keys");
    await keyboard.press("Enter");
    await said(page, "1 session found");
    await tabTo(/^Session \w{8}$/);
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
    await said(page, "Revoked.");
    assert.equal((await browser.api("/api")).status, 401);
  });

  test("every field has a label, what happens is announced, and all of it is in one order of headings", async (t) => {
    await world.login({ hint: "named" });
    const page = await open(t);
    await unlock(page);
    await find(page, "named");
    await page.getByRole("button", { name: /^Session / }).click();
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
    assert.equal(await page.getByLabel("User, or session").isVisible(), false);
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
    await page.getByRole("button", { name: /^Session / }).click();
    await page.locator("#session").waitFor();
    await find(page, "0".repeat(64));
    await problem(page, "There is no session with this id.");
    assert.equal(await page.getByRole("heading", { level: 2 }).count(), 0, "nothing that was found before is left");
    await find(page, id);
    await page.locator("#session").waitFor();
    await administer(gateway, `/sessions/${id}`, { method: "DELETE" });
    await page.getByRole("button", { name: "Refresh its token" }).click();
    await problem(page, "The session has ended: it was revoked.");
    await page.getByText("Why it ended: An administrator revoked the session.").waitFor();
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
      await page.getByRole("listitem").filter({ hasText: "not reachable now" }).waitFor();
      assert.ok(!(await page.getByRole("listitem").innerText()).includes("last used"));
    } finally {
      await setDirectory(gateway, "well");
    }
    await find(page, "silent");
    await page.getByRole("listitem").filter({ hasText: /last used \d/ }).waitFor();
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
      assert.ok(await page.evaluate(() => scrollY > innerHeight / 2), "the top of the page is out of sight");
      assert.equal(await page.evaluate(isVisible, "said"), true);
      await page.locator("#session-title").focus();
      assert.equal(await page.evaluate(isVisible, "session-title"), true, "what has the focus is not under it");
      await administer(gateway, `/sessions/${actorOf(browser.session)}`, { method: "DELETE" });
      await page.locator("#refresh").click();
      await problem(page, "The session has ended: it was revoked.");
      await page.getByText("Why it ended: An administrator revoked the session.").waitFor();
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
    await page.getByText(`Sessions of ${evil}`).waitFor();
    await page.getByRole("button", { name: /^Session / }).click();
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
      await page.getByRole("button", { name: /^Session / }).first().click();
      await page.locator("#ledger li").first().waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
      const boxes = await page.locator("#actions > button, #actions label, #actions select, #migrate button").evaluateAll((all) =>
        all.map((element) => element.getBoundingClientRect()).map(({ top, bottom }) => ({ top, bottom })).toSorted((a, b) => a.top - b.top));
      assert.equal(boxes.length, 5);
      for (const [i, { top }] of boxes.slice(1).entries()) assert.ok(top - boxes[i].bottom >= 3, "nothing touches what is above it");
      const contrasts = await page.evaluate(contrastsOf);
      for (const { text, contrast } of contrasts) assert.ok(contrast >= 4.5, `${text}: ${contrast}`);
      assert.ok(contrasts.length > 20);
      await picture(page, `phone-${colorScheme}`);
      await page.setViewportSize({ width: 960, height: 900 });
      await picture(page, `desk-${colorScheme}`);
    });
  }

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
