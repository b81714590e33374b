// ADMIN_ORIGIN: the console is on a host where nothing of the application answers, so that no page and no service worker
// of the application reads the administrators' token as it is typed. Conformance.md 48.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, assertProblem } from "./parts/administration.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { createWorld } from "./parts/world.mjs";

/** A service worker that answers everything it sees itself. */
const WORKER = `
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => event.respondWith(new Response("<title>taken over</title><input>", { headers: { "content-type": "text/html" } })));
`;

describe("admin-origin", () => {
  let world;
  let gateway;
  let chromium;
  before(async () => {
    world = await createWorld(undefined, { hostile: true, routes: [{ match: "/*", session: "none" }] });
    gateway = world.gateway;
    world.upstream.answer("/page", (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<title>application</title>"));
    world.upstream.answer("/sw.js", (_, response) => response.writeHead(200, { "content-type": "text/javascript" }).end(WORKER));
    chromium = await launchChromium();
  });
  after(async () => {
    await chromium.close();
    await world.close();
  });

  /** A page of the application's in a browser of its own. */
  async function application(t) {
    const context = await chromium.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(`${gateway.origin}/page`);
    return page;
  }

  /** Types the token into the console, as an administrator does. */
  async function unlock(page) {
    await page.getByLabel("Administrators’ token").fill(ADMIN_TOKEN);
    await page.getByRole("button", { name: "Unlock" }).click();
    await page.getByRole("status").filter({ hasText: "Unlocked" }).waitFor();
  }

  test("conformance 48: a page of the application that opens the console has no hold on it, and the console none on the page", async (t) => {
    const page = await application(t);
    const [console_] = await Promise.all([
      page.waitForEvent("popup"),
      page.evaluate((address) => void (window.opened = window.open(address)), `${gateway.adminOrigin}/auth/admin/`),
    ]);
    await unlock(console_);
    const seen = await page.evaluate(() => {
      const read = (what) => {
        try {
          return String(what());
        } catch (error) {
          return error.name;
        }
      };
      const { opened } = window;
      return { closed: opened.closed, frames: opened.length, document: read(() => opened.document.querySelector("input").value) };
    });
    assert.equal(seen.closed, true, "to the page it is as if the window had been closed");
    assert.equal(seen.frames, 0);
    assert.ok(!seen.document.includes(ADMIN_TOKEN), seen.document);
    assert.equal(await console_.evaluate(() => window.opener), null);
  });

  test("conformance 48: a service worker of the application never answers at the console's address, nor can it be registered there", async (t) => {
    const page = await application(t);
    await page.evaluate(async () => {
      await navigator.serviceWorker.register("/sw.js", { scope: "/" });
      await navigator.serviceWorker.ready;
      if (!navigator.serviceWorker.controller) await new Promise((resolve) => (navigator.serviceWorker.oncontrollerchange = resolve));
    });
    await page.goto(`${gateway.origin}/auth/admin/`);
    assert.equal(await page.title(), "taken over", "on its own origin it answers at every address: that is why the console isn't there");
    await page.goto(`${gateway.adminOrigin}/auth/admin/`);
    await unlock(page);
    assert.equal(await page.evaluate(() => navigator.serviceWorker.controller), null);
    await page.goto(`${gateway.origin}/page`);
    const refused = await page.evaluate(
      (script) => navigator.serviceWorker.register(script).then(() => "registered", (error) => error.name),
      `${gateway.adminOrigin}/sw.js`,
    );
    assert.equal(refused, "SecurityError");
    const script = await gateway.atConsole("/sw.js", { headers: { "service-worker": "script", "sec-fetch-dest": "serviceworker" } });
    assert.equal(script.status, 404);
  });

  test("conformance 48: a page of the application can neither frame the console nor fetch it", async (t) => {
    const page = await application(t);
    const address = `${gateway.adminOrigin}/auth/admin/`;
    assert.equal(await page.evaluate((url) => fetch(url).then(() => "read", (error) => error.name), address), "TypeError");
    await page.evaluate((url) => {
      const frame = document.createElement("iframe");
      frame.src = url;
      document.body.append(frame);
      return new Promise((resolve) => (frame.onload = resolve));
    }, address);
    const [, frame] = page.frames();
    assert.notEqual(frame.url(), address);
    assert.equal(await frame.getByLabel("Administrators’ token").count(), 0);
  });

  test("nothing but the console and its API answers on its host, however that is spelled", async () => {
    const { host, port } = new URL(gateway.adminOrigin);
    const before = world.upstream.requests.length;
    for (const path of ["/", "/page", "/sw.js", "/auth", "/auth/login", "/auth/callback", "/auth/healthz", "/auth/session", "/auth/logged-out", "/auth/adminx", "/admin/", "/auth/..", "/auth/admin/../../page"]) {
      const answer = await gateway.atConsole(path);
      assertProblem(answer, 404, "not_found", path);
    }
    assert.equal((await gateway.atConsole("/auth/login", { method: "POST", body: "" })).status, 404);
    for (const spelled of [host.toUpperCase(), `admin.localhost.:${port}`, `Admin.LocalHost:${port}`]) {
      assert.equal((await gateway.request("/auth/admin/", { headers: { host: spelled } })).status, 200, spelled);
      assert.equal((await gateway.request("/page", { headers: { host: spelled } })).status, 404, spelled);
    }
    assert.equal(world.upstream.requests.length, before, "the application saw none of it");
    const page = await gateway.atConsole("/page", { headers: { accept: "text/html" } });
    assert.equal(page.status, 404);
    assert.ok(!page.text.includes("<a "), "its pages lead nowhere that is not there");
  });

  test("on the application's own hosts the console is 404, with the token and without, and the API answers", async () => {
    for (const path of ["/", ""]) {
      for (const token of [undefined, ADMIN_TOKEN]) {
        for (const method of ["GET", "HEAD", "POST"]) {
          const answer = await administer(gateway, path, { token, method });
          assert.equal(answer.status, 404, `${method} ${path}`);
        }
      }
    }
    const page = await world.browser().navigate("/auth/admin/");
    assert.equal(page.status, 404);
    assert.ok(!page.text.includes("token"), page.text);
    assert.equal((await administer(gateway, "/users/nobody/sessions")).status, 200);
    assert.equal((await gateway.request("/auth/admin/openapi.json")).status, 200);
    const there = await gateway.atConsole("/auth/admin/users/nobody/sessions", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    assert.equal(there.status, 200);
    assertProblem(await gateway.atConsole("/auth/admin/users/nobody/sessions"), 401, "invalid_token");
  });

  test("without ADMIN_ORIGIN there is no console anywhere, and the API answers", async (t) => {
    const other = await createWorld(t, { hostile: true, vars: { ADMIN_ORIGIN: undefined } });
    for (const path of ["/", ""]) assertProblem(await administer(other.gateway, path), 404, "not_found");
    // This host is none of PUBLIC_ORIGIN then.
    assert.equal((await other.gateway.atConsole("/auth/admin/")).status, 404);
    assert.equal((await administer(other.gateway, "/users/nobody/sessions")).status, 200);
    assert.equal((await administer(other.gateway, "/openapi.json", { token: undefined })).status, 200);
  });

  test("without PUBLIC_ORIGIN the application answers on every host but the console's", async (t) => {
    const other = await createWorld(t, { hostile: true, routes: [{ match: "/*", session: "none" }], vars: { PUBLIC_ORIGIN: undefined } });
    assert.equal((await other.gateway.request("/page", { headers: { host: "anything.localhost" } })).status, 200);
    assert.equal((await other.gateway.atConsole("/page")).status, 404);
    assert.equal((await other.gateway.atConsole("/auth/admin/")).status, 200);
    assert.equal((await other.gateway.request("/auth/admin/", { headers: { host: "anything.localhost" } })).status, 404);
  });

  test("an ADMIN_ORIGIN that is one of PUBLIC_ORIGIN, or no origin, is config_invalid by its name", async (t) => {
    for (const wrong of [(origin) => origin, (origin) => `${origin}/auth`, () => "http://admin.example.com", () => "admin.example.com"]) {
      const other = await createWorld(t, { hostile: true });
      Object.assign(other.gateway.vars, { ADMIN_ORIGIN: wrong(other.gateway.origin) });
      await other.gateway.restart();
      const problem = assertProblem(await other.gateway.request("/auth/healthz"), 500, "config_invalid");
      assert.deepEqual(problem.problems.map(({ variable }) => variable), ["ADMIN_ORIGIN"]);
    }
  });

  test("every answer of the console and its API keeps its window apart", async () => {
    const token = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const answers = [
      await gateway.atConsole("/auth/admin/"),
      await gateway.atConsole("/auth/admin"),
      await gateway.atConsole("/auth/admin/nothing", { headers: token }),
      await gateway.atConsole("/elsewhere"),
      await administer(gateway, "/"),
      await administer(gateway, "/openapi.json"),
      await administer(gateway, "/users/ada/sessions"),
      await administer(gateway, "/users/ada/sessions", { token: "wrong" }),
      await administer(gateway, "/users/ada/sessions", { method: "PUT" }),
      await administer(gateway, "/users/ada/sessions", { method: "DELETE", headers: { "sec-fetch-site": "cross-site" } }),
    ];
    assert.deepEqual(answers.map(({ status }) => status), [200, 308, 404, 404, 404, 200, 200, 401, 405, 403]);
    for (const { status, headers } of answers) assert.equal(headers["cross-origin-opener-policy"], "same-origin", status);
  });

  test("a session cookie that a neighbour sets for the console's host changes nothing there", async () => {
    const user = await world.login();
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, cookie: user.sessionHeader };
    const id = actorOf(user.session);
    const refreshed = await gateway.atConsole(`/auth/admin/sessions/${id}/refresh`, { method: "POST", headers });
    assert.equal(refreshed.status, 200, refreshed.text);
    assert.deepEqual(refreshed.setCookies, []);
    assert.equal((await gateway.atConsole("/auth/session", { headers: { cookie: user.sessionHeader } })).status, 404);
  });
});
