// A real browser, Chromium, and the demo: open the page, log in, call the API, outlive the token, log out. Once
// over plain http on localhost and once over https, where the cookies have their prefix.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chromium } from "playwright-core";
import { startApplication } from "../demo/application.mjs";
import { startProvider, USERS } from "../demo/provider.mjs";
import { administer, sessionsOf } from "./parts/administration.mjs";
import { ARGUMENTS, EXECUTABLE } from "./parts/chromium.mjs";
import { startGateway } from "./parts/gateway.mjs";
import { at, FRANKFURT, SYDNEY } from "./parts/places.mjs";
import { freePort, removeFolder, sleep, temporaryFolder } from "./parts/process.mjs";

const LIFE = 6;

/** The demo behind a gateway, and a new browser in front of it. */
async function open(t, { https }) {
  assert.ok(EXECUTABLE, "Chromium is missing; set CHROMIUM to its path, or run scripts/install.sh browser");
  const port = await freePort();
  const origin = `${https ? "https" : "http"}://localhost:${port}`;
  const provider = await startProvider({ origins: [origin], accessTokenSeconds: LIFE });
  const application = await startApplication({ issuer: provider.issuer });
  const gateway = await startGateway({ provider, upstream: application, https, host: "localhost", port });
  const folder = temporaryFolder();
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: EXECUTABLE,
    headless: true,
    args: ARGUMENTS,
    ignoreHTTPSErrors: https,
  });
  t.after(async () => {
    if (t.passed === false) t.diagnostic(`the gateway printed:\n${gateway.log.slice(-3000)}`);
    await context.close();
    await Promise.all([gateway.close(), provider.close(), application.close()]);
    removeFolder(folder);
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(15_000);
  return { origin, provider, gateway, context, page };
}

/** Calls the API by the page's button: the fingerprint of the token that arrived. */
async function callApi(page) {
  await page.locator("#api-result").evaluate((element) => {
    element.dataset.token = "";
    element.textContent = "";
  });
  await page.click("#call-api");
  await page.waitForFunction(() => document.getElementById("api-result").dataset.token);
  const text = await page.textContent("#api-result");
  assert.match(text, /the provider accepts it: yes/);
  assert.match(text, /cookies that arrived: none/);
  return page.getAttribute("#api-result", "data-token");
}

test("in Chromium: logged in in Frankfurt, a page opened from Sydney goes on there, at the same URL and without a form", async (t) => {
  const { origin, context, page } = await open(t, { https: false });
  // Cloudflare would know the place of the address. Here the runtime takes it from a header of each request.
  const travel = (place) => page.setExtraHTTPHeaders(at(place));
  const region = async () => (await context.cookies(origin)).find(({ name }) => name === "edge-session").value.split(".")[0];
  await travel(FRANKFURT);
  await page.goto(`${origin}/?from=test`);
  await page.click(`#${USERS[0].id}`);
  await page.waitForURL(`${origin}/?from=test`);
  assert.equal(await region(), "weur");
  await travel(SYDNEY);
  await page.goto(`${origin}/?from=elsewhere`);
  assert.equal(page.url(), `${origin}/?from=elsewhere`);
  assert.equal(await region(), "oc");
  await page.waitForFunction((name) => document.getElementById("user").textContent === name, USERS[0].name);
  assert.ok(await callApi(page));
});

for (const https of [false, true]) {
  describe(`browser, ${https ? "https" : "http"}`, () => {
    test(`over ${https ? "https" : "http"}: open the page, log in, call the API, outlive the token, call again with a refreshed one, log out, and the cookie is dead`, async (t) => {
      const { origin, provider, gateway, context, page } = await open(t, { https });
      const [ada] = USERS;
      await page.goto(`${origin}/?from=test`);
      assert.equal(new URL(page.url()).origin, provider.issuer, "sent to log in");
      await page.click(`#${ada.id}`);
      await page.waitForURL(`${origin}/?from=test`);
      await page.waitForFunction((name) => document.getElementById("user").textContent === name, ada.name);

      const [cookie] = (await context.cookies(origin)).filter(({ name }) => name.endsWith("session"));
      assert.equal(cookie.name, https ? "__Host-Http-session" : "edge-session");
      assert.deepEqual(
        { httpOnly: cookie.httpOnly, secure: cookie.secure, sameSite: cookie.sameSite, path: cookie.path },
        { httpOnly: true, secure: https, sameSite: "Lax", path: "/" },
      );
      assert.equal(await page.evaluate(() => document.cookie), "", "no script can read it");
      assert.ok(!(await context.cookies(origin)).some(({ name }) => name.includes("login-")));

      const first = await callApi(page);
      assert.equal(await callApi(page), first);
      const { authorization_code, refresh_token = 0 } = provider.calls;
      assert.equal(authorization_code, 1);
      await sleep((LIFE + 1) * 1000);
      const second = await callApi(page);
      assert.notEqual(second, first, "the API got another token");
      assert.ok((provider.calls.refresh_token ?? 0) > refresh_token);
      assert.ok(gateway.eventsOf("refresh").every(({ outcome }) => outcome === "ok"));

      await page.click("#refresh");
      await page.waitForFunction(() => document.getElementById("log").textContent.includes("asked for a refresh"));
      assert.notEqual(await callApi(page), second);

      await page.click("#logout");
      await page.waitForURL(`${origin}/auth/logged-out**`);
      assert.match(await page.textContent("main"), /logged out/i);
      assert.deepEqual((await context.cookies(origin)).filter(({ name }) => name.endsWith("session")), []);
      const headers = { cookie: `${cookie.name}=${cookie.value}` };
      const dead = await gateway.request("/api/hello", { headers });
      assert.equal(dead.status, 401);
      assert.equal(dead.json().reason, "logout");
      await page.goto(origin);
      assert.equal(new URL(page.url()).origin, provider.issuer, "the provider asks who it is again");
    });
  });
}

describe("browser, a session that ends elsewhere", () => {
  test("the demo's page keeps nothing of it, and its link leads back to the same page, logged in", async (t) => {
    const { origin, gateway, context, page } = await open(t, { https: false });
    const [ada] = USERS;
    const greeted = () => page.waitForFunction((name) => document.getElementById("user").textContent === name, ada.name);
    await page.goto(`${origin}/?a=1`);
    await page.click(`#${ada.id}`);
    await greeted();
    await page.evaluate(() => (location.hash = "b"));
    await callApi(page);
    await page.getByText("This browser").waitFor();
    assert.match(await page.innerText("#sessions"), /not bound to a device/);
    const { value } = (await context.cookies(origin)).find(({ name }) => name === "edge-session");
    const headers = { cookie: `edge-session=${value}`, "sec-fetch-site": "same-origin" };
    assert.equal((await gateway.request("/auth/logout", { method: "POST", headers })).status, 303);
    await page.waitForSelector("#signed-out");
    const text = await page.innerText("body");
    assert.match(text, /logged out/i);
    assert.ok(!text.includes(ada.name) && !text.includes("the provider accepts it") && !text.includes("This browser"), text);
    assert.ok(await page.isDisabled("#call-api"));
    await page.click("#login");
    await greeted();
    assert.equal(page.url(), `${origin}/?a=1#b`);
    assert.ok(await page.isHidden("#signed-out"));
    await callApi(page);
  });
});

describe("browser, two tabs", () => {
  /** Both show the demo to a user who has logged in. What the second one asks from then on is in `asked`. */
  async function openTabs(t) {
    const opened = await open(t, { https: false });
    const { origin, context, page } = opened;
    await page.goto(origin);
    await page.click(`#${USERS[0].id}`);
    await page.waitForURL(`${origin}/`);
    const second = await context.newPage();
    second.setDefaultTimeout(15_000);
    const connected = second.waitForEvent("websocket");
    await second.goto(origin);
    await second.waitForFunction((name) => document.getElementById("user").textContent === name, USERS[0].name);
    await connected;
    await sleep(500);
    const asked = [];
    second.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await sleep(1000);
    assert.deepEqual(asked, [], "nothing is polled");
    return { ...opened, second, asked };
  }
  async function seesTheEnd(t, { second, asked }, reason, since) {
    await second.waitForSelector("#signed-out");
    const after = Date.now() - since;
    t.diagnostic(`after ${after} ms`);
    // Far below STREAM_CHECK_SECONDS, the fall-back. A busy machine takes a while to draw; make bench-streams measures.
    assert.ok(after < 5000, `after ${after} ms`);
    assert.match(await second.innerText("body"), reason);
    assert.deepEqual(asked, ["/auth/session"]);
  }

  test("a logout in one is seen in the other within a second, without polling", async (t) => {
    const tabs = await openTabs(t);
    const since = Date.now();
    await tabs.page.click("#logout");
    await seesTheEnd(t, tabs, /logged out/i, since);
  });

  test("an administrator's revocation is seen within a second, without polling", async (t) => {
    const tabs = await openTabs(t);
    const [{ id }] = (await sessionsOf(tabs.gateway, USERS[0].id)).filter(({ state }) => state === "active");
    const since = Date.now();
    await administer(tabs.gateway, `/sessions/${id}`, { method: "DELETE" });
    await seesTheEnd(t, tabs, /administrator|revoked|ended/i, since);
  });
});

describe("browser, another site", () => {
  test("a form, an image and a frame on another site change nothing for a user who is logged in", async (t) => {
    const { origin, provider, gateway, page, context } = await open(t, { https: false });
    await page.goto(origin);
    await page.click(`#${USERS[0].id}`);
    await page.waitForURL(`${origin}/`);
    // The provider's address is another site: its page stands for an attacker's.
    await page.goto(`${provider.issuer}/.well-known/openid-configuration`);
    await page.setContent(`<img src="${origin}/auth/logout"><iframe src="${origin}/auth/logout"></iframe>
      <form method="post" action="${origin}/auth/logout"><button id="forged">x</button></form>`);
    await sleep(500);
    await page.click("#forged");
    await page.waitForURL(`${origin}/auth/logout`);
    assert.match(await page.textContent("body"), /cross-site|does not come from this site/i);
    assert.equal(gateway.eventsOf("end").length, 0);
    await page.goto(origin);
    await page.waitForFunction((name) => document.getElementById("user").textContent === name, USERS[0].name);
    assert.ok((await context.cookies(origin)).some(({ name }) => name === "edge-session"));
  });

  test("two tabs log in at once, and both arrive where they wanted to go", async (t) => {
    const { origin, context, page } = await open(t, { https: false });
    const other = await context.newPage();
    await Promise.all([page.goto(`${origin}/?tab=1`), other.goto(`${origin}/?tab=2`)]);
    await page.click(`#${USERS[0].id}`);
    await page.waitForURL(`${origin}/?tab=1`);
    await other.click(`#${USERS[0].id}`);
    await other.waitForURL(`${origin}/?tab=2`);
    for (const tab of [page, other]) {
      await tab.waitForFunction((name) => document.getElementById("user").textContent === name, USERS[0].name);
      await callApi(tab);
    }
  });
});
