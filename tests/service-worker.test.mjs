// An installable web application in Chromium, whose service worker passes every request on as it is (`fetch(event.request)`): a
// navigation then arrives with `Sec-Fetch-Dest: empty`, and is one all the same.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launchChromium } from "./parts/chromium.mjs";
import { createWorld } from "./parts/world.mjs";

const WORKER = `
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  addEventListener("fetch", (event) => event.respondWith(fetch(event.request)));`;
const PAGE = `<!doctype html><title>The application</title><link rel="manifest" href="/manifest.json"><h1>The application</h1>
  <script>navigator.serviceWorker.register("/sw.js")</script>`;
const MANIFEST = JSON.stringify({ name: "The application", start_url: "/", display: "standalone" });
const typed = (type, body) => (_, response) => response.writeHead(200, { "content-type": type }).end(body);

describe("a service worker that passes navigations on", () => {
  let world;
  let chromium;
  before(async () => {
    chromium = await launchChromium();
    world = await createWorld(undefined, { hostile: true, routes: [{ match: "/staff/*", require: { groups: "staff" } }, { match: "/*" }] });
    world.upstream.answer("/sw.js", typed("text/javascript", WORKER));
    world.upstream.answer("/manifest.json", typed("application/json", MANIFEST));
    for (const path of ["/", "/deep", "/after"]) world.upstream.answer(path, typed("text/html", PAGE));
    world.upstream.answer("/attack", (request, response) => {
      const target = new URL(request.url, "http://x").searchParams.get("to");
      response.writeHead(200, { "content-type": "text/html" }).end(`<form method="post" action="${target}"><button>x</button></form><a href="${target}">x</a>`);
    });
  });
  after(async () => {
    await chromium.close();
    await world.close();
  });

  /** A page of the application, logged in, whose requests go through its service worker. */
  const installed = async (t) => {
    const context = await chromium.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(`${world.gateway.origin}/`);
    await page.waitForFunction(() => navigator.serviceWorker.controller);
    return { context, page };
  };
  const lastRequest = (url) => {
    const { headers, method } = world.upstream.requests.findLast((request) => request.url === url) ?? { headers: [] };
    const value = (name) => headers[headers.findIndex((known) => known.toLowerCase() === name) + 1];
    return { method, mode: value("sec-fetch-mode"), dest: value("sec-fetch-dest") };
  };

  test("a page that is opened through it arrives as a navigation without a destination", async (t) => {
    const { page } = await installed(t);
    await page.goto(`${world.gateway.origin}/deep?x=1`);
    assert.equal(await page.textContent("h1"), "The application");
    assert.deepEqual(lastRequest("/deep?x=1"), { method: "GET", mode: "navigate", dest: "empty" });
  });

  test("without a session the page leads through the login and back to the same address, and shows no raw JSON", async (t) => {
    const { context, page } = await installed(t);
    await context.clearCookies();
    const logins = world.provider.calls.authorization.length;
    await page.goto(`${world.gateway.origin}/deep?x=2`);
    assert.equal(page.url(), `${world.gateway.origin}/deep?x=2`);
    assert.equal(await page.textContent("h1"), "The application");
    assert.equal(world.provider.calls.authorization.length, logins + 1);
    assert.ok((await context.cookies()).some(({ name }) => name === "edge-session"));
  });

  test("a page that is refused is a page, and a script's call gets its problem document", async (t) => {
    const { context, page } = await installed(t);
    await page.goto(`${world.gateway.origin}/staff/x`);
    assert.equal(await page.textContent("h1"), "Not allowed");
    assert.equal(await page.textContent(".do > :first-child"), "Log in with another account");
    await page.goto(`${world.gateway.origin}/`);
    await context.clearCookies();
    const answer = await page.evaluate(() => fetch("/api").then(async (response) => [response.status, (await response.json()).code]));
    assert.deepEqual(answer, [401, "login_required"]);
  });

  test("/auth/login opened through it begins a login", async (t) => {
    const { page } = await installed(t);
    const logins = world.provider.calls.authorization.length;
    await page.goto(`${world.gateway.origin}/auth/login?return_to=/after`);
    assert.equal(page.url(), `${world.gateway.origin}/after`);
    assert.equal(world.provider.calls.authorization.length, logins + 1);
  });

  test("another site's form and its link to the logout stay another site's, though the worker sends them", async (t) => {
    const { page } = await installed(t);
    const { gateway, upstream } = world;
    const ends = gateway.eventsOf("end").length;
    const evil = `http://localhost:${upstream.port}/attack?to=`;
    await page.goto(`${evil}${encodeURIComponent(`${gateway.origin}/transfer`)}`);
    await page.click("button");
    await page.waitForURL(`${gateway.origin}/transfer`);
    assert.match(await page.textContent("main"), /does not come from this site/);
    assert.deepEqual(upstream.requests.filter(({ url }) => url === "/transfer"), []);
    await page.goto(`${evil}${encodeURIComponent(`${gateway.origin}/auth/logout`)}`);
    await page.click("a");
    await page.waitForURL(`${gateway.origin}/auth/logout`);
    assert.match(await page.textContent("main"), /still logged in/);
    assert.equal(gateway.eventsOf("end").length, ends);
  });

  test("a frame that is sent through it shows no page of the gateway's, and begins no login", async (t) => {
    const { context, page } = await installed(t);
    const logins = world.provider.calls.authorization.length;
    await context.clearCookies();
    const framed = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const frame = document.createElement("iframe");
          frame.onload = () => {
            let text = "";
            try {
              text = frame.contentDocument?.body?.innerText ?? "";
            } catch {
              // Of another origin, or refused.
            }
            resolve(text);
          };
          frame.src = "/auth/session";
          document.body.append(frame);
        }),
    );
    assert.doesNotMatch(framed, /Log in first/);
    assert.equal(world.provider.calls.authorization.length, logins);
  });
});
