// The examples behind the bundle that would be deployed, and in front of it Chromium with the demo provider. One list for all of them says
// how a user goes about in each.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { startProvider, USERS } from "../../demo/provider.mjs";
import { launchChromium } from "./chromium.mjs";
import { ADMIN_TOKEN, startGateway } from "./gateway.mjs";
import { request } from "./http.mjs";
import { BIN, freePort, ROOT, start as run, stop, until } from "./process.mjs";

export const EXAMPLES = path.join(ROOT, "examples");
const MINUTES = 60_000;
const [ada] = USERS;

/** Fills in the one field, and waits until the text is in the list. */
const say = (button) => async (page, text) => {
  await page.fill("input:not([type=hidden])", text);
  await page.click(`button:text-is("${button}")`);
  await page.waitForSelector(`li:has-text("${text}")`);
};
const press = (button) => async (page) => {
  await page.fill("input:not([type=hidden])", "milk");
  await page.click(`button:text-is("${button}")`);
};
const follow = (link) => (page) => page.click(`a:text-is("${link}")`);
const nobody = (page) => page.waitForSelector("text=Nobody is logged in.");
const gone = (page) => page.waitForSelector("main:has-text('logged out')");

/** For those whose framework navigates in the browser: another page of it, without a new document. */
const framework = {
  name: "Hello, ada.",
  isPublic: true,
  goTo: { link: "Orders", path: "/orders" },
  call: say("Order"),
  ended: [
    { what: "a navigation of the framework", from: "/", meet: follow("Orders"), at: "/orders" },
    { what: "a call of the API", from: "/orders", meet: press("Order"), at: "/orders" },
  ],
  out: nobody,
  sees: nobody,
};
const page = { name: "Hello, ada.", isPublic: true, call: say("Order"), ended: [{ what: "a call of the API", from: "/", meet: press("Order"), at: "/" }], out: nobody, sees: nobody };

/**
 * What a user does in each.
 *
 * - `name`: what shows who is logged in; `isPublic`: the first page is for everybody
 * - `goTo`: a page that the framework opens in the browser
 * - `call`: calls the API and sees what it has said; `out`: what a logged out user sees; `sees`: what another tab shows then by itself
 * - `ended`: what meets the end of the session, `from` where, and `at` which page the user is after the login
 */
export const JOURNEYS = {
  spa: { ...page, name: "Hello, Ada Lovelace." },
  classic: {
    name: "You are ada",
    call: say("Keep"),
    ended: [{ what: "a link", from: "/", meet: follow("For staff"), at: "/staff" }],
    out: gone,
  },
  chat: {
    name: "ada: is here",
    call: say("Say"),
    ended: [{ what: "the closed WebSocket", from: "/", meet: (page) => page.waitForSelector("text=You are logged out.").then(() => follow("Log in")(page)), at: "/" }],
    out: gone,
    sees: (page) => page.waitForSelector("text=You are logged out."),
  },
  hono: page,
  nextjs: framework,
  "react-router": framework,
  sveltekit: framework,
};

/** The example behind a gateway, with `startProvider`'s users. */
async function open(t, name) {
  const { start } = await import(path.join(EXAMPLES, name, "start.mjs"));
  const port = await freePort();
  const [example, provider] = await Promise.all([start(), startProvider({ origins: [`http://localhost:${port}`], accessTokenSeconds: 300 })]);
  const gateway = await startGateway({ provider, vars: { ROUTES: example.routes, STREAM_CHECK_SECONDS: "1" }, host: "localhost", port });
  const browser = await launchChromium();
  t.after(async () => {
    await browser.close();
    await gateway.close();
    await Promise.all([provider.close(), example.close()]);
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  // This page does not hear that its session has ended: the example has to find out by what it does next.
  await page.routeWebSocket("**/auth/events", () => undefined);
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  return { gateway, provider, context, page, errors };
}

/** Tests that a user gets about in the example `name`. */
export function journey(name, { timeout } = {}) {
  const { name: shown, isPublic, goTo, call, ended, out, sees } = JOURNEYS[name];
  test(`${name} in Chromium: a login, the name, a call of the API, a logout; a session that has ended leads to a login and back`, { timeout }, async (t) => {
    const { gateway, provider, context, page, errors } = await open(t, name);
    const isThere = async (target) => {
      await page.waitForURL(gateway.origin + target);
      await page.waitForSelector(`:text("${shown}")`);
    };
    const settled = () => page.waitForLoadState("networkidle");

    await page.goto(gateway.origin);
    if (isPublic) {
      await nobody(page);
      await settled();
      await page.click("text=Log in");
    }
    await page.click(`#${ada.id}`);
    await isThere("/");
    await settled();

    if (goTo) {
      await page.evaluate(() => (window.sameDocument = true));
      await follow(goTo.link)(page);
      await isThere(goTo.path);
      assert.equal(await page.evaluate(() => window.sameDocument), true, "the framework navigates in the browser");
    }
    await call(page, "tea");

    for (const { what, from, meet, at } of ended) {
      await page.goto(gateway.origin + from);
      await isThere(from);
      await settled();
      const logins = provider.calls.authorization_code;
      const revoked = await gateway.request(`/auth/admin/users/${ada.id}/sessions`, { method: "DELETE", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
      assert.equal(revoked.json().revoked, 1, revoked.text);
      await meet(page);
      await until(`${what} leads to a login`, () => provider.calls.authorization_code === logins + 1, 15_000);
      await isThere(at);
      await settled();
    }

    // Another tab, which hears it.
    const tab = await context.newPage();
    tab.setDefaultTimeout(15_000);
    await tab.goto(gateway.origin);
    await tab.waitForSelector(`:text("${shown}")`);
    await tab.waitForLoadState("networkidle");
    await page.click("text=Log out");
    await out(page);
    if (sees) await sees(tab);
    assert.deepEqual((await page.context().cookies(gateway.origin)).filter(({ name }) => name.endsWith("session")), []);
    assert.deepEqual(errors, [], "no script has failed");
  });
}

/** Starts `make dev EXAMPLE=name`, looks at its page, and stops it. */
export async function develop(t, name) {
  const port = await freePort();
  const env = { EXAMPLE: name, PORT: String(port), PATH: `${BIN}:${process.env.PATH}` };
  const child = run(path.join(BIN, "node"), [path.join(ROOT, "demo/run.mjs")], { env, group: true });
  t.after(() => stop(child));
  const open = `http://localhost:${port}`;
  const isUp = () => {
    if (child.exitCode !== null) throw new Error(`it ended:\n${child.output}`);
    return child.output.includes(`Open        ${open}/`);
  };
  await until(`${name} is up`, isUp, 3 * MINUTES);
  const page = await request(`http://127.0.0.1:${port}/`, { headers: { host: `localhost:${port}`, accept: "text/html" } });
  assert.ok([200, 302].includes(page.status), `${name}: ${page.status}`);
  await stop(child);
}
