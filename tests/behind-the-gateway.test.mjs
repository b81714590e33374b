// Real applications behind the gateway, in Chromium over https: the settings of docs/behind-the-gateway.md, and what happens without
// them.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startDjango, startExpress, startNextJs, startSvelteKit, startWs } from "./parts/applications.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { freePort } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

describe("real applications behind the gateway", () => {
  const started = [];
  const running = async (application) => {
    started.push(await application);
    return started.at(-1).origin;
  };
  let world;
  let chromium;
  let page;
  let publicHost;
  before(async () => {
    chromium = await launchChromium();
    const port = await freePort();
    publicHost = `localhost:${port}`;
    const django = await running(startDjango());
    const aware = await running(startDjango({ USE_X_FORWARDED_HOST: true, SECURE_PROXY_SSL_HEADER: ["HTTP_X_FORWARDED_PROTO", "https"] }));
    const trusting = await running(startDjango({ CSRF_TRUSTED_ORIGINS: [`https://${publicHost}`] }));
    const ws = await running(startWs());
    const wsTrusting = await running(startWs({ trusts: publicHost }));
    const express = await running(startExpress({}));
    const expressTrusting = await running(startExpress({ trustProxy: 1 }));
    const kit = await running(startSvelteKit());
    const kitOwn = await running(startSvelteKit((own) => ({ ORIGIN: own })));
    const kitPublic = await running(startSvelteKit(() => ({ ORIGIN: `https://${publicHost}` })));
    const kitHeaders = await running(startSvelteKit(() => ({ PROTOCOL_HEADER: "x-forwarded-proto", HOST_HEADER: "x-forwarded-host" })));
    const next = await running(startNextJs());
    world = await createWorld(undefined, {
      hostile: true,
      https: true,
      host: "localhost",
      port,
      routes: [
        { match: "/django/plain/*", upstream: django },
        { match: "/django/upstream/*", upstream: django, origin: "upstream" },
        { match: "/django/based/*", upstream: `${django}/base`, origin: "upstream" },
        { match: "/django/foreign/*", upstream: django, origin: "upstream", cross_site: true, session: "none" },
        { match: "/django/aware/*", upstream: aware },
        { match: "/django/trusting/*", upstream: trusting },
        { match: "/ws/plain/*", upstream: ws },
        { match: "/ws/upstream/*", upstream: ws, origin: "upstream" },
        { match: "/ws/trusting/*", upstream: wsTrusting },
        { match: "/express/plain/*", upstream: express },
        { match: "/express/trusting/*", upstream: expressTrusting },
        { match: "/kit/upstream/*", upstream: kitOwn, origin: "upstream" },
        { match: "/kit/public/*", upstream: kitPublic },
        { match: "/kit/headers/*", upstream: kitHeaders },
        { match: "/kit/plain/*", upstream: kit },
        { match: "/_app/*", upstream: kit },
        { match: "/next/upstream/*", upstream: next, origin: "upstream" },
        { match: "/next/plain/*", upstream: next },
        { match: "/_next/*", upstream: next },
        { match: "/*" },
      ],
    });
    const context = await chromium.newContext({ ignoreHTTPSErrors: true });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(`${world.gateway.origin}/`);
    assert.equal(page.url(), `${world.gateway.origin}/`, "logged in");
  });
  after(async () => {
    await chromium.close();
    await world?.close();
    await Promise.all(started.map(({ close }) => close()));
  });

  /** Sends Django's form under this path: what the page says then. */
  const send = async (path) => {
    await page.goto(`${world.gateway.origin}${path}/form`);
    await page.click("button");
    return page.textContent("h1");
  };
  /** Where a page of Django's that redirects to its own absolute address leads to, and what it takes its address for. */
  const follow = async (path) => {
    await page.goto(`${world.gateway.origin}${path}/away`);
    return [page.url(), await page.textContent("h1")];
  };

  test("Django, as it is, refuses its own form: Origin is not its Host", async () => {
    assert.equal(await send("/django/plain"), "Forbidden (403)");
  });

  for (const way of ["upstream", "based", "aware", "trusting"]) {
    const words = { upstream: 'origin = "upstream"', based: 'origin = "upstream" and a path prefix', aware: "USE_X_FORWARDED_HOST and SECURE_PROXY_SSL_HEADER", trusting: "CSRF_TRUSTED_ORIGINS" };
    test(`Django's form with its CSRF check works with ${words[way]}`, async () => {
      assert.equal(await send(`/django/${way}`), "Taken: hello");
    });
  }

  test("Django goes on refusing another site's form where the route passes it on", async () => {
    const answer = await world.gateway.request("/django/foreign/form", {
      method: "POST",
      headers: { origin: "https://evil.example", "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "cross-site" },
      body: "word=x",
    });
    assert.equal(answer.status, 403);
    assert.match(answer.text, /<h1>Forbidden/);
  });

  test("Django's redirect to its own absolute address stays at the gateway, whether it knows the public one or not", async () => {
    const { origin } = world.gateway;
    const [[plain, said], [based], [aware, known]] = [await follow("/django/plain"), await follow("/django/based"), await follow("/django/aware")];
    assert.deepEqual([plain, based, aware], ["plain", "based", "aware"].map((way) => `${origin}/django/${way}/landed`));
    assert.match(said, /^http:\/\/127\.0\.0\.1:/);
    assert.equal(known, `${origin}/django/aware/landed`);
  });

  /** Sends the form of this page: what it says then. */
  const sendPage = async (path, said) => {
    await page.goto(`${world.gateway.origin}${path}`);
    await page.click("button");
    await page.waitForFunction((said) => document.body.innerText.includes(said), said);
  };

  test("SvelteKit's form works with ORIGIN, with its header variables, and with origin = \"upstream\", and not without", async () => {
    await sendPage("/kit/plain/page", "Cross-site POST form submissions are forbidden");
    for (const way of ["public", "headers", "upstream"]) await sendPage(`/kit/${way}/page`, "Taken: hello");
  });

  test("Next.js takes a Server Action as it is, as it reads X-Forwarded-Host, and not with origin = \"upstream\"", async () => {
    await sendPage("/next/plain/page", "Taken: hello");
    await page.goto(`${world.gateway.origin}/next/upstream/page`);
    const [answer] = await Promise.all([page.waitForResponse((response) => response.request().method() === "POST"), page.click("button")]);
    assert.equal(answer.status(), 500);
  });

  /** Opens a WebSocket from the page: what comes back for "hello", or "refused". */
  const echo = (path) =>
    page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => socket.send("hello");
          socket.onmessage = ({ data }) => (socket.close(), resolve(data));
          socket.onerror = () => resolve("refused");
        }),
      `wss://${publicHost}${path}`,
    );

  test("a Node server with ws that compares Origin with Host opens a WebSocket with origin = \"upstream\", or where it trusts the public host, and not without", async () => {
    await page.goto(`${world.gateway.origin}/ws/plain/page`);
    assert.equal(await echo("/ws/plain/socket"), "refused");
    assert.equal(await echo("/ws/upstream/socket"), "hello");
    assert.equal(await echo("/ws/trusting/socket"), "hello");
  });

  test("Express knows its public address with trust proxy, and takes its own for it without", async () => {
    const told = async (path) => {
      await page.goto(`${world.gateway.origin}${path}`);
      return JSON.parse(await page.innerText("body"));
    };
    const [plain, trusting] = [await told("/express/plain/x"), await told("/express/trusting/x")];
    assert.deepEqual([plain.protocol, plain.hostname, plain.secure], ["http", "127.0.0.1", false]);
    assert.deepEqual([trusting.protocol, trusting.host, trusting.secure], ["https", publicHost, true]);
  });
});
