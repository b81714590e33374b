// A form that meets a login is not lost: it waits, and the gateway sends it on once its user has logged in. In Chromium.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer, sessionsOf } from "./parts/administration.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { request } from "./parts/http.mjs";
import { removeFolder, temporaryFolder, until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

const ROUTES = [{ match: "/vault/*", acr: "mfa" }, { match: "/*" }];
const PAGE = `<!doctype html><title>application</title>
  <form method="post" action="/vault/pay?order=7"><input name="amount" value="12 €&amp;more"><button id="pay">Pay</button></form>
  <form method="post" action="/vault/upload" enctype="multipart/form-data"><input type="file" name="file"><button id="upload">Upload</button></form>
  <form method="post" action="/order"><input name="item" value="tea"><button id="order">Order</button></form>
  <form method="post" action="/vault/big"><textarea name="text"></textarea><button id="big">Send</button></form>`;

/** A world with an application of forms, and a page of it in Chromium whose user has logged in. */
async function open(t, more) {
  const world = await createWorld(t, { routes: ROUTES, ...more });
  const posts = [];
  const take = async (message, response) => {
    const chunks = [];
    for await (const chunk of message) chunks.push(chunk);
    if (message.method !== "POST") return response.writeHead(200, { "content-type": "text/html" }).end("<h1>plain page</h1>");
    posts.push({ url: message.url, type: message.headers["content-type"], body: Buffer.concat(chunks), headers: message.headers });
    response.writeHead(200, { "content-type": "text/html" }).end(`<h1>received ${posts.length}</h1>`);
  };
  for (const where of ["/vault/pay", "/vault/upload", "/vault/big", "/order"]) world.upstream.answer(where, take);
  world.upstream.answer("/forms", (_, response) => response.writeHead(200, { "content-type": "text/html" }).end(PAGE));
  const browser = await launchChromium();
  t.after(() => browser.close());
  const context = await browser.newContext();
  const tab = async () => {
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(`${world.gateway.origin}/forms`);
    return page;
  };
  const page = await tab();
  await page.waitForSelector("#pay");
  /** From now on the provider takes whoever comes for somebody else. */
  const becomeSomebodyElse = () => context.clearCookies({ name: /^_session/ });
  return { ...world, context, page, tab, posts, becomeSomebodyElse };
}

const heading = (page) => page.locator("h1").textContent();

describe("a form that meets a stronger login", () => {
  test("arrives once, byte for byte, at its own address, with its own token", async (t) => {
    const { page, posts, provider, gateway, context } = await open(t);
    await page.click("#pay");
    await page.waitForSelector("text=received 1");
    assert.equal(page.url(), `${gateway.origin}/vault/pay?order=7`);
    const [{ url, type, body, headers }] = posts;
    assert.equal(url, "/vault/pay?order=7");
    assert.equal(type, "application/x-www-form-urlencoded");
    assert.equal(body.toString(), "amount=12+%E2%82%AC%26more");
    assert.equal(headers["content-length"], String(body.length));
    assert.match(headers.authorization, /^Bearer /);
    assert.equal(provider.calls.authorization.at(-1).query.acr_values, "mfa");
    assert.deepEqual((await context.cookies()).filter(({ name }) => name.includes("login-")), [], "nothing of it is left");
    // Whoever goes back does not send it again.
    await page.goBack().catch(() => {});
    await page.goForward().catch(() => {});
    assert.equal(posts.length, 1);
  });

  test("may have files", async (t) => {
    const { page, posts } = await open(t);
    const folder = temporaryFolder();
    t.after(() => removeFolder(folder));
    const content = Buffer.from(Array.from({ length: 60_000 }, (_, i) => (i * 7) % 256));
    writeFileSync(path.join(folder, "picture.bin"), content);
    await page.setInputFiles("input[type=file]", path.join(folder, "picture.bin"));
    await page.click("#upload");
    await page.waitForSelector("text=received 1");
    const [{ type, body }] = posts;
    assert.match(type, /^multipart\/form-data; boundary=/);
    assert.ok(body.includes(content) && body.includes('filename="picture.bin"'));
  });

  test("is too large to wait: its user is told, and nothing is sent", async (t) => {
    const { page, posts } = await open(t);
    await page.fill("textarea", "x".repeat(70_000));
    await page.click("#big");
    assert.equal(await heading(page), "Another login required");
    assert.equal(posts.length, 0);
  });

  test("is dropped where somebody else comes back", async (t) => {
    const { page, posts, becomeSomebodyElse } = await open(t);
    await becomeSomebodyElse();
    await page.click("#pay");
    await page.waitForSelector("text=another user filled it in");
    assert.equal(posts.length, 0);
    await page.reload().catch(() => {});
    assert.deepEqual(posts.filter(({ body }) => body.includes("amount")), []);
  });

  test("of two tabs the last one arrives, and the other one is told", async (t) => {
    const { page, tab, posts, provider } = await open(t);
    const other = await tab();
    let go;
    const held = new Promise((resolve) => (go = resolve));
    let isFirst = true;
    provider.around.authorization = async (next) => {
      const waits = isFirst;
      isFirst = false;
      if (waits) await held;
      await next();
    };
    const asked = page.waitForRequest(/\/auth\?/);
    await page.evaluate(() => document.querySelector("#pay").click());
    await asked;
    await other.click("#upload");
    await other.waitForSelector("text=received 1");
    go();
    await page.waitForSelector("text=Form not sent");
    assert.deepEqual(posts.map(({ url }) => url), ["/vault/upload"]);
  });

  test("of two tabs with the same form no login sends the other one", async (t) => {
    const { page, tab, posts, provider } = await open(t);
    const other = await tab();
    const held = [];
    provider.around.authorization = async (next) => {
      await new Promise((resolve) => held.push(resolve));
      await next();
    };
    for (const [number, one] of [page, other].entries()) {
      await one.fill("input[name=amount]", String(number));
      await one.evaluate(() => document.querySelector("#pay").click());
      await until("it is at the provider", () => held.length === number + 1);
    }
    held[0]();
    await page.waitForSelector("text=Form not sent");
    assert.equal(posts.length, 0);
    held[1]();
  });
});

describe("a form that meets a session that has ended", () => {
  test("gets at once the login that its own route asks for, which takes forms alone", async (t) => {
    const { page, posts, provider, gateway } = await open(t, { routes: [{ match: "/vault/*", methods: ["POST"], acr: "mfa" }, { match: "/*" }] });
    const [{ subject }] = [await page.evaluate(() => fetch("/auth/session").then((answer) => answer.json()))];
    assert.equal((await administer(gateway, `/users/${encodeURIComponent(subject)}/sessions`, { method: "DELETE" })).status, 200);
    const before = provider.calls.authorization.length;
    await page.click("#pay");
    await page.waitForSelector("text=received 1");
    assert.equal(posts[0].url, "/vault/pay?order=7");
    assert.deepEqual(provider.calls.authorization.slice(before).map(({ query }) => query.acr_values), ["mfa", "mfa"], "once more, as the provider knows the user from a weaker login");
  });

  test("arrives after the login", async (t) => {
    const { page, posts, gateway } = await open(t);
    const [{ subject }] = [await page.evaluate(() => fetch("/auth/session").then((answer) => answer.json()))];
    const [session] = await sessionsOf(gateway, subject);
    assert.equal((await administer(gateway, `/sessions/${session.id}`, { method: "DELETE" })).status, 204);
    await page.click("#order");
    await page.waitForSelector("text=received 1");
    assert.equal(posts[0].body.toString(), "item=tea");
    assert.equal((await sessionsOf(gateway, subject)).filter(({ state }) => state === "active").length, 1);
  });

  test("without a session cookie it does not wait, and the page says so", async (t) => {
    const { page, posts, context } = await open(t);
    await context.clearCookies({ name: "edge-session" });
    await page.click("#order");
    assert.equal(await heading(page), "Login required");
    assert.equal(posts.length, 0);
  });
});

test("another site's form does not wait, nor does a script's request", async (t) => {
  const { gateway, login } = await createWorld(t, { routes: ROUTES });
  const browser = await login();
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const cross = await request(`${gateway.origin}/vault/pay`, {
    method: "POST", body: "amount=1",
    headers: { ...form, cookie: browser.sessionHeader, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
  });
  assert.equal(cross.status, 403);
  const script = await browser.api("/vault/pay", { method: "POST", body: "amount=1", headers: form });
  assert.equal(script.status, 401);
  assert.deepEqual([...cross.setCookies, ...script.setCookies].filter((line) => line.includes("login-")), []);
});

test("a form that comes again and meets another login is not sent; nor does any other login send it that leads to its address", async (t) => {
  const { gateway, login, upstream } = await createWorld(t, { routes: ROUTES });
  const browser = await login();
  const address = `${gateway.origin}/vault/pay`;
  const page = await browser.navigate("/vault/pay", { from: gateway.origin, method: "POST", form: { amount: "1" } });
  assert.match(page.text, /your form is being sent/);
  assert.equal((await administer(gateway, `/sessions/${actorOf(browser.session)}`, { method: "DELETE" })).status, 204);
  const again = () => request(address, {
    method: "POST", body: "edge-parked=1\r\n",
    headers: {
      "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html",
      "content-type": "text/plain", cookie: browser.jar().header(new URL(address), { method: "POST" }),
    },
  });
  const refused = await again();
  assert.equal(refused.status, 401, refused.text);
  const posts = () => upstream.requests.filter(({ method }) => method === "POST");
  assert.equal(posts().length, 0);
  // Somebody who gave up, and later comes to the same page, has not asked for that; nor does a link on another site.
  for (const query of ["return_to=/vault/pay", "return_to=/vault/pay&form=1", "return_to=/vault/pay&form=01234567"]) {
    const other = await browser.navigate(`/auth/login?${query}`);
    assert.doesNotMatch(other.text, /your form is being sent/, query);
  }
  assert.equal(posts().length, 0);
});

test("what stands for a form that was sent already never reaches the application; a form of the application's own that is as short does", async (t) => {
  const { gateway, login, upstream } = await createWorld(t, { routes: ROUTES });
  const browser = await login();
  const navigation = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" };
  const post = (body) => request(`${gateway.origin}/order`, {
    method: "POST", body, headers: { ...navigation, cookie: browser.sessionHeader, "content-type": "text/plain" },
  });
  const before = upstream.requests.length;
  const again = await post("edge-parked=1\r\n");
  assert.equal(again.status, 400);
  assert.match(again.text, /has been sent already/);
  assert.equal(upstream.requests.length, before);
  assert.equal((await post("edge-parked=2\r\n")).status, 200);
  assert.equal(upstream.requests.length, before + 1);
});
