// Device Bound Session Credentials in Chromium: an application without a line of code for them is protected. The end of a proof is
// simulated: its cookie is deleted, as the browser does it after ten minutes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import { test } from "node:test";
import { compile } from "../scripts/client.mjs";
import { administer, assertProblem, inspect, migration } from "./parts/administration.mjs";
import { openChromium } from "./parts/dbsc.mjs";
import { BOUND } from "./parts/device.mjs";
import { at, FRANKFURT, SYDNEY } from "./parts/places.mjs";
import { freePort, removeFolder, ROOT, sleep, temporaryFolder, until } from "./parts/process.mjs";
import { echoWebSockets } from "./parts/websocket.mjs";
import { createWorld } from "./parts/world.mjs";

const SESSION = "__Host-Http-session";
const PAGE = `<!doctype html><title>The application</title><link rel="icon" href="data:,"><h1>The application</h1>`;
const html = (body) => (_, response) => response.writeHead(200, { "content-type": "text/html" }).end(body);

/** A world over https with a page at `/`, and Chromium logged in there, its session bound unless it does not know how. */
async function open(t, { vars, supported, proxied, ...more } = {}) {
  const given = { https: true, host: "localhost", hostile: true, vars: { DEVICE_GRACE_SECONDS: "1", ...vars }, ...more };
  const world = await createWorld(t, given);
  for (const path of ["/", "/deep", "/vault/"]) world.upstream.answer(path, html(PAGE));
  echoWebSockets(world.upstream);
  const front = proxied && (await proxied(t, world));
  const browser = await openChromium(t, front ?? world, { supported });
  await browser.page.goto(`${browser.origin}/`);
  assert.equal(await browser.page.textContent("h1"), "The application");
  if (supported !== false) {
    await browser.bound();
    await sleep(1200); // the grace
  }
  return { world, browser, page: browser.page };
}

const call = (page, path = "/api", init = {}) => page.evaluate(async ([path, init]) => (await fetch(path, init)).status, [path, init]);
const idOf = async (browser) => (await browser.cookie(SESSION)).value.split(".")[1];
const outcomes = async ({ world, browser }) => {
  const id = await idOf(browser);
  return world.gateway.eventsOf("device").flatMap(({ actor, outcome }) => (actor === id ? [outcome] : []));
};
const logins = (world) => world.provider.calls.authorization.length;

test("in Chromium: the login binds the session, and a proof that has ended is renewed before the next request", async (t) => {
  const opened = await open(t);
  const { browser, page } = opened;
  assert.deepEqual(await outcomes(opened), ["bound"]);
  const first = (await browser.cookie(BOUND)).value;
  await browser.expire();
  assert.equal(await call(page), 200);
  assert.notEqual((await browser.cookie(BOUND)).value, first);
  assert.deepEqual(await outcomes(opened), ["bound", "renewed"]);
});

test("conformance 55: in Chromium the stolen session cookie is refused elsewhere on the first request, and the owner goes on", async (t) => {
  const { world, browser, page } = await open(t);
  const stolen = await browser.cookie(SESSION);
  const replay = await world.gateway.request("/api", { headers: { cookie: `${SESSION}=${stolen.value}`, ...at(SYDNEY) } });
  assertProblem(replay, 401, "device_proof_required");
  assert.equal(await call(page), 200);
  const { ledger } = await inspect(world.gateway, await idOf(browser));
  assert.ok(ledger.some(({ event, outcome, detail }) => event === "device" && outcome === "refused" && detail.includes("from oc")));
});

test("in Chromium: after a restart of the browser the profile's session is still bound", async (t) => {
  const opened = await open(t);
  await opened.browser.restart();
  await opened.browser.expire();
  const before = logins(opened.world);
  await opened.browser.page.goto(`${opened.browser.origin}/deep`);
  assert.equal(await opened.browser.page.textContent("h1"), "The application");
  assert.equal(logins(opened.world), before);
  assert.deepEqual(await outcomes(opened), ["bound", "renewed"]);
});

test("in Chromium: two tabs and ten requests at once cause one renewal", async (t) => {
  const opened = await open(t);
  const { browser, page } = opened;
  const other = await browser.tab();
  await other.goto(`${browser.origin}/deep`);
  await browser.expire();
  const calls = [page, other].flatMap((tab) => Array.from({ length: 5 }, () => call(tab)));
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([200]));
  assert.deepEqual(await outcomes(opened), ["bound", "renewed"]);
});

test("in Chromium: an event stream and a WebSocket wait for the renewal, too", async (t) => {
  const { world, browser, page } = await open(t);
  world.upstream.answer("/stream", (_, response) => response.writeHead(200, { "content-type": "text/event-stream" }).write("data: hello\n\n"));
  await browser.expire();
  assert.equal(await page.evaluate(() => new Promise((resolve, reject) => {
    const source = new EventSource("/stream");
    source.onmessage = ({ data }) => (source.close(), resolve(data));
    source.onerror = () => reject(new Error("the stream failed"));
  })), "hello");
  await browser.expire();
  assert.equal(await page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws`);
    socket.onopen = () => socket.send("hello");
    socket.onmessage = ({ data }) => (socket.close(), resolve(data));
    socket.onerror = () => reject(new Error("the socket failed"));
  })), "hello");
});

test("in Chromium: the client's fetch comes through where the browser holds a proof that is none any more", async (t) => {
  const { world, browser, page } = await open(t);
  const folder = temporaryFolder();
  t.after(() => removeFolder(folder));
  compile(folder);
  const script = readFileSync(path.join(folder, "index.js"), "utf8");
  world.upstream.answer("/client.js", (_, response) => response.writeHead(200, { "content-type": "text/javascript" }).end(script));
  await page.evaluate(async () => Object.assign(window, { client: new (await import("/client.js")).Client() }));
  const through = (how) => page.evaluate(async (how) => (await (how === "client" ? window.client.fetch : fetch)("/api", { method: "POST", body: "a=1" })).status, how);
  const spoil = async () => browser.context.addCookies([{ ...(await browser.cookie(BOUND)), value: "1.none.none" }]);
  await spoil();
  assert.equal(await through("fetch"), 401, "the browser renews what is missing, and not what is wrong");
  assert.equal(await through("fetch"), 200, "the answer has removed it");
  await spoil();
  assert.equal(await through("client"), 200);
});

test("in Chromium: a service worker's requests wait for it, too", async (t) => {
  const { world, browser, page } = await open(t);
  const script = `addEventListener("install", () => skipWaiting()); addEventListener("activate", (event) => event.waitUntil(clients.claim()));
    addEventListener("fetch", (event) => event.respondWith(fetch(event.request)));`;
  world.upstream.answer("/sw.js", (_, response) => response.writeHead(200, { "content-type": "text/javascript" }).end(script));
  await page.evaluate(() => navigator.serviceWorker.register("/sw.js"));
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await browser.expire();
  assert.equal(await call(page), 200);
  await browser.expire();
  await page.goto(`${browser.origin}/deep`);
  assert.equal(await page.textContent("h1"), "The application");
});

test("in Chromium: a form that is posted during a renewal arrives with its body", async (t) => {
  const { world, browser, page } = await open(t);
  world.upstream.answer("/form", html(`${PAGE}<form method="post" action="/posted"><input name="word" value="kept"><button>send</button></form>`));
  await page.goto(`${browser.origin}/form`);
  await browser.expire();
  await page.click("button");
  await page.waitForURL(/posted/);
  const { method, sha256 } = JSON.parse(await page.textContent("body"));
  assert.deepEqual([method, sha256], ["POST", createHash("sha256").update("word=kept").digest("hex")]);
});

test("in Chromium: a link on another site leads to the page although the proof has ended, and to no login", async (t) => {
  const { world, browser, page } = await open(t);
  world.upstream.answer("/elsewhere", html(`<a href="${browser.origin}/deep">go</a>`));
  await page.goto(`${world.upstream.origin}/elsewhere`);
  await browser.expire();
  const before = logins(world);
  await page.click("a");
  await page.waitForURL(`${browser.origin}/deep`);
  await page.waitForFunction(() => document.querySelector("h1")?.textContent === "The application");
  assert.equal(logins(world), before);
});

test("in Chromium: a logout ends it, and the next login is bound anew", async (t) => {
  const opened = await open(t);
  const { browser, page } = opened;
  const old = await idOf(browser);
  await page.goto(`${browser.origin}/auth/logout`);
  await until("both cookies are gone", async () => !(await browser.cookie(SESSION)) && !(await browser.cookie(BOUND)));
  await page.goto(`${browser.origin}/`);
  await browser.bound();
  assert.notEqual(await idOf(browser), old);
  await sleep(1200);
  assert.equal(await call(page), 200);
  assert.deepEqual(await outcomes(opened), ["bound"]);
});

test("in Chromium: the demo's page says which of the user's sessions are bound, and ends another one", async (t) => {
  const { world, browser, page } = await open(t);
  const demo = (name) => readFileSync(path.join(ROOT, "demo", name), "utf8");
  world.upstream.answer("/demo", html(demo("page.html")));
  world.upstream.answer("/page.js", (_, response) => response.writeHead(200, { "content-type": "text/javascript" }).end(demo("page.js")));
  const other = await world.login();
  await page.goto(`${browser.origin}/demo`);
  const entries = page.locator("#sessions li");
  await entries.nth(1).waitFor();
  assert.match(await entries.filter({ hasText: "This browser" }).innerText(), /bound to this device/);
  const unbound = entries.filter({ hasNotText: "This browser" });
  assert.match(await unbound.innerText(), /not bound to a device/);
  await unbound.locator("button").click();
  await until("one is left", async () => (await entries.count()) === 1);
  assert.equal((await other.api("/api")).json().reason, "revoked");
});

test("in Chromium: a session that moves with its user is bound anew, and one that an administrator moves stays bound", async (t) => {
  const opened = await open(t);
  const { world, browser, page } = opened;
  const first = await idOf(browser);
  await page.setExtraHTTPHeaders(at(FRANKFURT));
  await page.goto(`${browser.origin}/deep`);
  await page.setExtraHTTPHeaders(at(SYDNEY));
  await page.goto(`${browser.origin}/deep`);
  assert.notEqual(await idOf(browser), first, "it went through the provider");
  await until("the new session is bound", async () => (await outcomes(opened)).includes("bound"));
  await sleep(1200);
  assert.equal(await call(page), 200);
  const moved = await administer(world.gateway, `/sessions/${await idOf(browser)}/migrate`, migration("sam"));
  assert.equal(moved.status, 200, moved.text);
  assert.equal(await call(page), 200);
  assert.equal(await idOf(browser), moved.json().id);
  await browser.expire();
  assert.equal(await call(page), 200);
  assert.ok((await outcomes(opened)).includes("renewed"));
});

test("in Chromium: a second trip to the provider binds the new session", async (t) => {
  const opened = await open(t);
  const { browser, page } = opened;
  const old = await idOf(browser);
  await page.goto(`${browser.origin}/auth/login?prompt=login&return_to=/deep`);
  assert.notEqual(await idOf(browser), old);
  await until("the new session is bound", async () => (await outcomes(opened)).includes("bound"));
  await sleep(1200);
  assert.equal(await call(page), 200);
  assert.equal((await inspect(opened.world.gateway, old)).state, "ended");
});

test("in Chromium: a browser that has used up its signatures gets a 503 and stays logged in, and its next session stays unbound", async (t) => {
  const opened = await open(t);
  const { world, browser, page } = opened;
  // One signature for each registration, and six in nine minutes.
  for (let signed = 1; signed < 6; signed += 1) {
    const old = await idOf(browser);
    await page.goto(`${browser.origin}/auth/login?prompt=login&return_to=/deep`);
    assert.notEqual(await idOf(browser), old);
    await until("the new session is bound", async () => (await outcomes(opened)).includes("bound"));
    await browser.bound();
  }
  await sleep(1200);
  assert.equal(await call(page), 200);
  const session = (await browser.cookie(SESSION)).value;
  await browser.expire();
  const answer = await page.evaluate(async () => {
    const response = await fetch("/api");
    return { status: response.status, code: (await response.json()).code, wait: Number(response.headers.get("retry-after")) };
  });
  assert.equal(answer.status, 503);
  assert.equal(answer.code, "device_proof_required");
  assert.ok(answer.wait >= 1);
  assert.equal((await browser.cookie(SESSION)).value, session);
  assert.ok(browser.events.some(({ refreshEventDetails }) => refreshEventDetails?.refreshResult === "SigningQuotaExceeded"), "Chromium says why");
  await page.goto(`${browser.origin}/auth/login?prompt=login&return_to=/deep`);
  assert.equal(await page.textContent("h1"), "The application");
  assert.equal(await call(page), 200);
  assert.equal(await browser.cookie(BOUND), undefined);
});

test("in Chromium: a browser without the feature is served as before, and a route that demands it says what to do", async (t) => {
  const { browser, page } = await open(t, { supported: false, routes: [{ match: "/vault/*", device: "required" }, { match: "/*" }] });
  assert.equal(await call(page), 200);
  assert.equal(await browser.cookie(BOUND), undefined);
  assert.equal(await call(page, "/vault/"), 403);
  await page.goto(`${browser.origin}/vault/`);
  await page.waitForFunction(() => /bound/i.test(document.querySelector("h1").textContent), undefined, { timeout: 40_000 });
  assert.match(await page.textContent("main"), /Device Bound Session Credentials/);
});

test("in Chromium: right after a login a route that demands a bound session opens once it is bound", async (t) => {
  const world = await createWorld(t, { https: true, host: "localhost", hostile: true, routes: [{ match: "/*", device: "required" }] });
  world.upstream.answer("/vault/", html(PAGE));
  const browser = await openChromium(t, world);
  await browser.page.goto(`${browser.origin}/vault/`);
  await browser.page.waitForFunction(() => document.querySelector("h1")?.textContent === "The application");
  assert.ok(await browser.cookie(BOUND));
});

/** A front that does to answers and requests what `change` says. */
const front = (change) => async (t, world) => {
  const state = {};
  const server = https.createServer({ cert: world.gateway.tls.certificateChain, key: world.gateway.tls.privateKey }, (request, response) => {
    if (change(state, request, response)) return;
    const { port } = new URL(world.gateway.origin);
    const onward = https.request({ host: "localhost", port, path: request.url, method: request.method, headers: request.headers, ca: world.gateway.ca }, (answer) => {
      const headers = { ...answer.headers };
      if (state.drops) for (const name of Object.keys(headers)) if (/secure-session/.test(name)) delete headers[name];
      response.writeHead(answer.statusCode, headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(world.front.port, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  world.front.state = state;
  return { gateway: { origin: world.front.origin, tls: world.gateway.tls } };
};

async function openBehind(t, change, { supported, bound = true } = {}) {
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const world = await createWorld(t, { https: true, host: "localhost", hostile: true, vars: { DEVICE_GRACE_SECONDS: "1", PUBLIC_ORIGIN: origin } });
  world.upstream.answer("/", html(PAGE));
  world.front = { port, origin };
  const browser = await openChromium(t, await front(change)(t, world), { supported });
  await browser.page.goto(`${origin}/`);
  assert.equal(await browser.page.textContent("h1"), "The application");
  if (bound) {
    await browser.bound();
    await sleep(1200);
  }
  return { world, browser, page: browser.page, state: world.front.state };
}

test("in Chromium: while renewals cannot be had the page gets a 503 and nobody is logged out", async (t) => {
  const { browser, page, state } = await openBehind(t, (state, request, response) => {
    if (!state.down || !request.url.startsWith("/auth/device/refresh")) return false;
    response.writeHead(503).end();
    return true;
  });
  const session = (await browser.cookie(SESSION)).value;
  state.down = true;
  await browser.expire();
  assert.equal(await call(page), 503);
  state.down = false;
  await until("the renewal works again", async () => (await call(page)) === 200, 30_000);
  assert.equal((await browser.cookie(SESSION)).value, session);
});

test("in Chromium: behind a proxy that drops the protocol's headers sessions stay unbound, and work", async (t) => {
  const { browser, page } = await openBehind(t, (state) => {
    state.drops = true;
    return false;
  }, { bound: false });
  assert.equal(await call(page), 200);
  await sleep(1500);
  assert.equal(await call(page), 200);
  assert.equal(await browser.cookie(BOUND), undefined);
});
