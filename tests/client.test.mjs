// packages/client in Chromium, in a page behind the gateway: who is logged in, a login, a logout, a 401 that becomes a login.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { startProvider, USERS } from "../demo/provider.mjs";
import { json, serve } from "../examples/serve.mjs";
import { compile, types } from "../scripts/client.mjs";
import { administer, sessionsOf } from "./parts/administration.mjs";
import { ARGUMENTS, EXECUTABLE } from "./parts/chromium.mjs";
import { startGateway } from "./parts/gateway.mjs";
import { freePort, removeFolder, ROOT, sleep, temporaryFolder, until } from "./parts/process.mjs";

const PAGE = `<!doctype html><title>client</title><p id="who">?</p><p id="changes"></p>
<script type="module">
  import { Client, GatewayError } from "/client/index.js";
  const client = new Client();
  const who = (session) => session?.subject ?? "nobody";
  client.onChange((session) => { document.getElementById("changes").textContent = who(session); });
  Object.assign(window, { client, GatewayError });
  document.getElementById("who").textContent = who(await client.session());
</script>`;

/** The application: the page, the client, and an API whose own 401 is none of the gateway's. */
const application = (folder) =>
  serve((request, response) => {
    const { pathname } = new URL(request.url, "http://app");
    if (pathname.startsWith("/client/")) {
      return response.writeHead(200, { "content-type": "text/javascript" }).end(readFileSync(path.join(folder, path.basename(pathname))));
    }
    if (pathname === "/api/own-problem") {
      const problem = { code: "login_required", login: new URL(request.url, "http://app").searchParams.get("named") };
      return response.writeHead(401, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
    }
    if (pathname === "/api/own-401") return json(response, 401, { code: "login_required" });
    if (pathname.startsWith("/api/")) return json(response, 200, { authorization: Boolean(request.headers.authorization) });
    response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  });

describe("client", () => {
  let [folder, provider, upstream, gateway, browser] = [];
  before(async () => {
    folder = temporaryFolder();
    compile(folder);
    const port = await freePort();
    provider = await startProvider({ origins: [`http://localhost:${port}`], accessTokenSeconds: 300 });
    upstream = await application(folder);
    const ROUTES = JSON.stringify([
      { match: "/api/fresh/*", upstream: upstream.origin, max_age: 5 },
      { match: "/api/*", upstream: upstream.origin },
      { match: "/*", upstream: upstream.origin, session: "optional" },
    ]);
    gateway = await startGateway({ provider, vars: { ROUTES, UPSTREAM: undefined }, host: "localhost", port });
    browser = await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: ARGUMENTS });
  });
  after(async () => {
    await browser.close();
    await Promise.all([gateway.close(), provider.close(), upstream.close()]);
    removeFolder(folder);
  });

  const [ada, grace] = USERS;
  /** A page of a browser of its own, or of one that is open. */
  async function open(context, target = "/") {
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(gateway.origin + target);
    await shows(page, "who");
    return page;
  }
  const shows = (page, id, text) =>
    page.waitForFunction(([id, text]) => {
      const seen = document.getElementById(id)?.textContent;
      return text === undefined ? !["", "?", undefined].includes(seen) : seen === text;
    }, [id, text]);
  async function logIn(page, user = ada) {
    const { pathname, search, hash } = new URL(page.url());
    await page.evaluate(() => window.client.login());
    await page.click(`#${user.id}`);
    await page.waitForURL(gateway.origin + pathname + search + hash);
    await shows(page, "who", user.id);
  }

  test("its types are those of the OpenAPI document", async () => {
    assert.equal(readFileSync(path.join(ROOT, "packages/client/src/openapi.ts"), "utf8"), await types(), "run `make client`");
  });

  test("nobody is logged in, a login leads back to the place, a logout ends it", async () => {
    const context = await browser.newContext();
    const page = await open(context, "/here?a=1");
    assert.equal(await page.textContent("#who"), "nobody");
    await logIn(page);
    const session = await page.evaluate(() => window.client.session());
    assert.deepEqual([session.subject, session.claims.name], [ada.id, ada.name]);
    await page.evaluate(() => window.client.logout({ returnTo: "/bye" }));
    await page.waitForURL(`${gateway.origin}/bye`);
    await shows(page, "who", "nobody");
    await context.close();
  });

  test("fetch passes answers on, and turns a 401 of the gateway into a login that comes back", async () => {
    const context = await browser.newContext();
    const page = await open(context, "/orders?page=2#last");
    await page.evaluate(() => void window.client.fetch("/api/orders"));
    await page.click(`#${ada.id}`);
    await page.waitForURL(`${gateway.origin}/orders?page=2#last`);
    await shows(page, "who", ada.id);
    const read = (target) => page.evaluate(async (target) => (await window.client.fetch(target)).status, target);
    assert.equal(await read("/api/orders"), 200);
    assert.equal(await read("/api/own-401"), 401, "the application's own 401 is the application's");
    await context.close();
  });

  test("a 401 of an API that wants a more recent login becomes such a login, and comes back; nobody is logged out meanwhile", async () => {
    const context = await browser.newContext();
    const page = await open(context, "/orders");
    await logIn(page);
    await sleep(6500);
    const changes = await page.textContent("#changes");
    await page.evaluate(() => void window.client.fetch("/api/fresh/data"));
    await page.waitForSelector(`#${ada.id}`);
    await page.goBack();
    await shows(page, "who", ada.id);
    assert.equal(await page.textContent("#changes"), changes);
    await page.evaluate(() => void window.client.fetch("/api/fresh/data"));
    await page.click(`#${ada.id}`);
    await page.waitForURL(`${gateway.origin}/orders`);
    await shows(page, "who", ada.id);
    assert.equal(await page.evaluate(async () => (await window.client.fetch("/api/fresh/data")).status), 200);
    await context.close();
  });

  test("the login that an answer names leads to no other site", async () => {
    const context = await browser.newContext();
    const page = await open(context, "/orders");
    await logIn(page);
    for (const named of ["https://other.example/auth/login?step_up=AAAA&prompt=login", "javascript:alert(1)//?step_up=AAAA"]) {
      const away = page.waitForRequest((request) => request.isNavigationRequest());
      await page.evaluate((named) => void window.client.fetch(`/api/own-problem?${new URLSearchParams({ named })}`), named);
      assert.equal((await away).url(), `${gateway.origin}/auth/login?return_to=%2Forders&step_up=AAAA`, named);
      await shows(page, "who", ada.id);
      await page.waitForURL(`${gateway.origin}/orders`);
    }
    await context.close();
  });

  test("another tab hears of a logout, and of a login of somebody else", async () => {
    const context = await browser.newContext();
    const first = await open(context, "/first");
    await logIn(first);
    const second = await open(context, "/second");
    await first.evaluate(() => window.client.logout({ returnTo: "/bye" }));
    await first.waitForURL(`${gateway.origin}/bye`);
    await shows(second, "changes", "nobody");
    await logIn(first, grace);
    await shows(second, "changes", grace.id);
    await context.close();
  });

  /** Two tabs of a user who has logged in, without a channel between them; `asked` holds what the second one asks from now on. */
  async function openTabs() {
    const context = await browser.newContext();
    await context.addInitScript(() => delete window.BroadcastChannel);
    const first = await open(context, "/first");
    await logIn(first);
    const second = await context.newPage();
    const connected = second.waitForEvent("websocket");
    await second.goto(`${gateway.origin}/second`);
    await shows(second, "who", ada.id);
    const socket = await connected;
    assert.equal(new URL(socket.url()).pathname, "/auth/events");
    await sleep(300);
    const asked = [];
    second.on("request", (request) => asked.push(new URL(request.url()).pathname));
    return { context, first, second, asked };
  }

  test("a logout in one tab is seen in the other within a second, which asks nothing until then", async (t) => {
    const { context, first, second, asked } = await openTabs();
    await sleep(1500);
    assert.deepEqual(asked, []);
    const since = Date.now();
    await first.evaluate(() => window.client.logout({ returnTo: "/bye" }));
    await shows(second, "changes", "nobody");
    t.diagnostic(`after ${Date.now() - since} ms`);
    assert.ok(Date.now() - since < 5000, `after ${Date.now() - since} ms`);
    assert.deepEqual(asked, ["/auth/session"]);
    await context.close();
  });

  test("an administrator's revocation is seen within a second, without a question until then", async (t) => {
    const { context, second, asked } = await openTabs();
    const live = (await sessionsOf(gateway, ada.id)).filter(({ state }) => state === "active");
    const since = Date.now();
    await Promise.all(live.map(({ id }) => administer(gateway, `/sessions/${id}`, { method: "DELETE" })));
    await shows(second, "changes", "nobody");
    t.diagnostic(`after ${Date.now() - since} ms`);
    assert.ok(Date.now() - since < 5000, `after ${Date.now() - since} ms`);
    assert.deepEqual(asked, ["/auth/session"]);
    await context.close();
  });

  /** A page of a user who has logged in, whose connections `answer` closes or keeps; `at` has the time of each. */
  async function openWith(answer) {
    const context = await browser.newContext();
    const page = await open(context);
    await logIn(page);
    const at = [];
    await page.routeWebSocket("**/auth/events", (socket) => answer(socket, at.push(Date.now())));
    await page.reload();
    await shows(page, "who", ada.id);
    return { context, page, at };
  }

  test("a lost connection comes back after growing pauses, a moved one at once, and one that was replaced not at all", async () => {
    const codes = [1012, 1013, 4003];
    const { context, at } = await openWith((socket, nth) => void socket.close({ code: codes[nth - 1] }));
    await until("it has tried three times", () => at.length === 3, 8000);
    const [first, second] = [at[1] - at[0], at[2] - at[1]];
    assert.ok(first >= 450 && second >= 950, `after ${first} and ${second} ms`);
    await sleep(5000);
    assert.equal(at.length, 3, "4003 is final");
    await context.close();

    const moved = await openWith((socket, nth) => nth === 1 && void socket.close({ code: 4002 }));
    await until("it has connected again", () => moved.at.length === 2);
    assert.ok(moved.at[1] - moved.at[0] < 450, `after ${moved.at[1] - moved.at[0]} ms`);
    await moved.context.close();
  });

  test("a release of the gateway logs no page out, and a page hears the end that comes after it", async () => {
    const { context, second, asked } = await openTabs();
    const connected = second.waitForEvent("websocket");
    await gateway.restart();
    await connected;
    await until("it listens again", () => asked.includes("/auth/session"));
    await sleep(500);
    assert.equal(await second.textContent("#changes"), "");
    const live = (await sessionsOf(gateway, ada.id)).filter(({ state }) => state === "active");
    const since = Date.now();
    await Promise.all(live.map(({ id }) => administer(gateway, `/sessions/${id}`, { method: "DELETE" })));
    await shows(second, "changes", "nobody");
    assert.ok(Date.now() - since < 5000, `after ${Date.now() - since} ms`);
    await context.close();
  });

  test("where WebSockets fail the page stays logged in, and looks when it comes to the front", async () => {
    const { context, page, at } = await openWith((socket) => void socket.close({ code: 1006 }));
    await until("it has tried", () => at.length > 1);
    assert.equal(await page.textContent("#changes"), "");
    await context.clearCookies();
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await shows(page, "changes", "nobody");
    const tries = at.length;
    await sleep(5000);
    assert.equal(at.length, tries, "without a session there is nothing to listen to");
    await context.close();
  });

  test("a page without a listener has no connection", async () => {
    const { context, page, at } = await openWith(() => undefined);
    assert.equal(at.length, 1);
    await page.evaluate(async () => {
      const { Client } = await import("/client/index.js");
      await new Client().session();
    });
    await sleep(500);
    assert.equal(at.length, 1);
    await context.close();
  });

  const UNPROVEN = { status: 401, contentType: "application/problem+json", body: JSON.stringify({ status: 401, code: "device_proof_required" }) };

  test("fetch sends a request once more where the proof of the device is missing, and logs in where it still is", async () => {
    const context = await browser.newContext();
    const page = await open(context, "/here");
    let asked = 0;
    await context.route("**/api/orders", (route) => (asked++, route.fulfill(UNPROVEN)));
    await page.evaluate(() => void window.client.fetch("/api/orders"));
    await page.click(`#${ada.id}`);
    await page.waitForURL(`${gateway.origin}/here`);
    assert.equal(asked, 2);
    await context.close();
  });

  test("a request that is sent once more has its method, headers and body, and session() asks once more, too", async () => {
    const context = await browser.newContext();
    const page = await open(context);
    await logIn(page);
    const asked = [];
    await context.route(/\/(api\/orders|auth\/session)$/, (route) => {
      const request = route.request();
      asked.push([request.method(), request.headers()["x-own"], request.postData()]);
      return asked.length % 2 === 1 ? route.fulfill(UNPROVEN) : route.fulfill({ status: 200, json: { subject: "ada" } });
    });
    const init = { method: "POST", headers: { "x-own": "1" }, body: "a=1" };
    const fetched = (made) => page.evaluate(async ([init, made]) => (await window.client.fetch(...(made ? [new Request("/api/orders", init)] : ["/api/orders", init]))).status, [init, made]);
    for (const made of [false, true]) {
      assert.equal(await fetched(made), 200);
      assert.deepEqual(asked.splice(0), [["POST", "1", "a=1"], ["POST", "1", "a=1"]], String(made));
    }
    assert.equal((await page.evaluate(() => window.client.session())).subject, "ada");
    assert.equal(asked.length, 2);
    await context.close();
  });

  test("a gateway that cannot tell is an error, not a logout", async () => {
    const context = await browser.newContext();
    const page = await open(context);
    await context.route("**/auth/session", (route) =>
      route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ status: 503, code: "store_unavailable", detail: "later" }) }),
    );
    const failed = () =>
      page.evaluate(() => window.client.session().then(() => "no error", (error) => [error instanceof window.GatewayError, error.status, error.code]));
    assert.deepEqual(await failed(), [true, 503, "store_unavailable"]);
    await context.unroute("**/auth/session");
    await context.route("**/auth/session", (route) => route.abort());
    assert.deepEqual(await failed(), [true, 0, undefined]);
    await context.close();
  });
});
