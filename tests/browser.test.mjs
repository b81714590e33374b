// The whole story in real Chromium: log in, call an API, outlive the token, log out. Once over plain http on
// localhost, once over https with a certificate of our own, so that a real browser judges the `__Host-` names.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { startApplication } from "../demo/application.mjs";
import { startProvider } from "../demo/provider.mjs";
import { certificate } from "./parts/certificate.mjs";
import { freePort, startGateway } from "./parts/gateway.mjs";
import { sleep } from "./parts/world.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const TOKEN_SECONDS = 6;

async function story(t, { tls, vars } = {}) {
  const port = await freePort();
  const origin = `${tls ? "https" : "http"}://localhost:${port}`;
  const provider = await startProvider({ origins: [origin], accessTokenSeconds: TOKEN_SECONDS });
  const application = await startApplication({ issuer: provider.issuer });
  const gateway = await startGateway({ port, tls, provider, upstream: application, vars: { PUBLIC_ORIGIN: origin, ...vars } });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  t.after(async () => {
    await browser.close();
    await gateway.stop();
    await Promise.all([provider.close(), application.close()]);
  });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const call = async () => {
    const before = await page.locator("#log li").count();
    await page.click("#call-api");
    await page.waitForFunction((count) => document.querySelectorAll("#log li").length > count, before);
    return page.locator("#api-result").evaluate(({ dataset, textContent }) => ({ token: dataset.token, text: textContent }));
  };

  await page.goto(`${origin}/`);
  assert.ok(page.url().startsWith(provider.issuer), page.url());
  await page.click('button[value="ada"]');
  await page.waitForURL(`${origin}/`);
  await page.waitForFunction(() => document.getElementById("user").textContent === "Ada Lovelace");

  const first = await call();
  assert.match(first.text, /the provider accepts it: yes/);
  assert.match(first.text, /cookies that arrived: none/);
  const cookies = await context.cookies(origin);
  const session = cookies.find(({ name }) => name === (tls ? "__Host-Http-session" : "session"));
  assert.ok(session, JSON.stringify(cookies.map(({ name }) => name)));
  assert.deepEqual([session.httpOnly, session.secure, session.path], [true, Boolean(tls), "/"]);
  assert.ok(!(await page.evaluate(() => document.cookie)).includes("session"));

  await sleep((TOKEN_SECONDS + 1) * 1000);
  const second = await call();
  assert.notEqual(second.token, first.token);
  assert.match(second.text, /the provider accepts it: yes/);
  assert.ok(provider.calls.refresh_token >= 1);

  await page.click("#logout");
  await page.waitForURL(/\/auth\/logged-out/);
  assert.match(await page.textContent("h1"), /Logged out/);
  assert.equal((await context.cookies(origin)).find(({ name }) => name === session.name), undefined);
  await context.addCookies([{ ...session, expires: Math.floor(Date.now() / 1000) + 3600 }]);
  const dead = await context.request.get(`${origin}/api/hello`, { headers: { accept: "application/json" } });
  assert.equal(dead.status(), 401);
  assert.equal((await dead.json()).reason, "logout");
}

test("in Chromium, over http on localhost: login, a call, a refreshed token, logout, a dead cookie", (t) => story(t));

test("in Chromium, over https: the same, with __Host- cookies", (t) => story(t, { tls: certificate() }));

test("in Chromium, over https with COOKIE_SAME_SITE=strict: the same", (t) => story(t, { tls: certificate(), vars: { COOKIE_SAME_SITE: "strict" } }));
