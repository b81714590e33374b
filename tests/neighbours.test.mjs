// Other hosts of the same site, in Chromium: what they plant is never a session, never in the way of one, and never reaches
// the application, which cannot plant it, either. Conformance.md 19.
import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { after, before, describe, test } from "node:test";
import { certificate } from "./parts/certificate.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { freePort } from "./parts/process.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { valuesOf } from "./parts/upstream.mjs";
import { createWorld } from "./parts/world.mjs";

const NAME = "__Host-Http-session";
const SPACES = ["\u0085", "\u00a0", "\u1680", "\u2000", "\u2028", "\u3000", "\ufeff"];

/** Cookies that some server reads as the session, each as `name=value`. */
const lookAlikes = (value, name = NAME) => [
  `a=x,${name}=${value}`,
  `b=x, ${name}=${value}`,
  `,${name}=${value}`,
  ...SPACES.flatMap((space) => [`${space}${name}=${value}`, `${name}${space}=${value}`]),
  `${name.toUpperCase()}=${value}`,
  `${name.toLowerCase()}=${value}`,
  `=${name}=${value}`,
  `==${name}=${value}`,
  `${name}`,
];

/** UTF-8 as Node writes it into a header: a character for each byte. */
const bytes = (text) => Buffer.from(text).toString("latin1");

describe("neighbours", () => {
  let world;
  let chromium;
  let evil;
  let plain;
  let app;
  before(async () => {
    const port = await freePort();
    app = `https://app.example.test:${port}`;
    world = await createWorld(undefined, {
      provider: {},
      https: true,
      host: "localhost",
      port,
      vars: { PUBLIC_ORIGIN: `https://localhost:${port}, ${app}` },
    });
    await world.provider.allow?.(app);
    evil = await neighbour("https", "evil.example.test");
    plain = await neighbour("http", "app.example.test");
    chromium = await launchChromium({ args: ["--host-resolver-rules=MAP *.example.test 127.0.0.1"] });
  });
  after(async () => {
    await chromium?.close();
    await Promise.all([evil, plain].map((server) => server?.close()));
    await world.close();
  });

  /** A server on another host of the site, or on the gateway's own host without TLS: it sets the cookies of `plants`. */
  async function neighbour(scheme, host) {
    const answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/html", "set-cookie": made.plants.map(bytes) }).end("<title>planted</title>");
    };
    const { certificateChain: cert, privateKey: key } = certificate();
    const server = scheme === "https" ? createHttpsServer({ cert, key }, answer) : createHttpServer(answer);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = () => new Promise((resolve) => server.close(resolve) && server.closeAllConnections());
    const made = { origin: `${scheme}://${host}:${server.address().port}`, plants: [], close };
    return made;
  }

  /** A browser with nothing in it. */
  async function visitor(t) {
    const context = await chromium.newContext({ ignoreHTTPSErrors: true });
    t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    return { context, page };
  }

  /** Has a neighbour plant these cookies, for the whole site where it is on another host. How many the browser took. */
  async function plant({ context, page }, from, cookies, attributes = "; Domain=example.test; Path=/; Secure") {
    const before = (await context.cookies(app)).length;
    from.plants = cookies.map((cookie) => `${cookie}${attributes}`);
    await page.goto(`${from.origin}/`);
    return (await context.cookies(app)).length - before;
  }

  /** What a page of the gateway's origin gets: the status, and whose session it is. */
  async function standing({ page }) {
    await page.goto(`${app}/auth/healthz`);
    return page.evaluate(async () => {
      const answer = await fetch("/auth/session", { method: "GET" });
      const body = await answer.json();
      return `${answer.status} ${body.subject ?? body.code}`;
    });
  }

  async function logIn({ page }, hint) {
    await page.goto(`${app}/auth/login?return_to=/landed&login_hint=${hint}`);
    assert.equal(new URL(page.url()).pathname, "/landed");
  }

  /** The `Cookie` header that the application gets. */
  async function arriving({ page }) {
    const seen = world.upstream.requests.length;
    await page.goto(`${app}/seen`);
    return valuesOf(world.upstream.requests[seen].headers, "cookie");
  }

  test("conformance 19: a sibling host cannot make its visitor somebody else, by a comma, a Unicode space, another case or no name", async (t) => {
    const mallory = await world.login({ hint: "mallory" });
    const planted = lookAlikes(mallory.session.value);
    for (const cookie of planted) {
      const victim = await visitor(t);
      await plant(victim, evil, [cookie]);
      assert.equal(await standing(victim), "401 login_required", cookie.slice(0, 40));
    }
    const victim = await visitor(t);
    const taken = await plant(victim, evil, planted);
    assert.ok(taken > 6, `the browser took ${taken}`);
    assert.equal(await standing(victim), "401 login_required");
    assert.equal(await plant(await visitor(t), evil, [`${NAME}=${mallory.session.value}`]), 0, "the browser keeps the real name from it");
  });

  test("conformance 19: a sibling host cannot lock a user out, and what it planted does not reach the application", async (t) => {
    const victim = await visitor(t);
    await logIn(victim, "ada");
    assert.equal(await standing(victim), "200 ada");
    const mallory = await world.login({ hint: "mallory" });
    for (const value of ["", "x", mallory.session.value]) {
      const taken = await plant(victim, evil, [...lookAlikes(value), "theirs=1"]);
      assert.ok(taken > 6 || value !== "", `the browser took ${taken}`);
      assert.equal(await standing(victim), "200 ada", value.slice(0, 10));
      assert.deepEqual(await arriving(victim), ["theirs=1"]);
    }
  });

  test("conformance 19: plain http on the same host cannot plant a session, nor be in the way of one", async (t) => {
    const mallory = await world.login({ hint: "mallory" });
    const { value } = mallory.session;
    const cookies = [...lookAlikes(value), `${NAME}=${value}`, `edge-session=${value}`, `session=${value}`];
    const victim = await visitor(t);
    const taken = await plant(victim, plain, cookies, "; Path=/");
    assert.ok(taken > 6, `the browser took ${taken}`);
    assert.equal(await standing(victim), "401 login_required");
    await logIn(victim, "ada");
    await plant(victim, plain, cookies, "; Path=/");
    assert.equal(await standing(victim), "200 ada");
    assert.deepEqual(await arriving(victim), [`session=${value}`], "an application may have a session of its own");
  });

  test("conformance 19: a login cookie that a sibling host planted completes no login and ends no session", async (t) => {
    const mallory = world.browser();
    const callback = await callbackOf(mallory, "/auth/login?return_to=/landed&login_hint=mallory");
    const login = mallory.jar().get(world.gateway.cookie.login);
    const victim = await visitor(t);
    await logIn(victim, "ada");
    // There is only one: two would have counted as none in the lenient reading, too.
    assert.equal(await plant(victim, evil, [`a=x,${login.name}=${login.value}`]), 1);
    const answer = await victim.page.goto(`${app}${callback.pathname}${callback.search}`);
    assert.equal(answer.status(), 400);
    assert.equal(await standing(victim), "200 ada");
  });

  test("conformance 19: an application cannot set the gateway's cookies, in whatever spelling", async (t) => {
    const mallory = await world.login({ hint: "mallory" });
    const { value } = mallory.session;
    const own = "; Path=/; Secure; HttpOnly";
    const lines = [...lookAlikes(value), `${NAME}=${value}`, `edge-session=${value}`, `x=1; Path=/, ${NAME}=${value}`];
    world.upstream.answer("/sets", (_, response) => {
      response.writeHead(200, { "set-cookie": [...lines.map((line) => bytes(`${line}${own}`)), `theirs=1${own}`] }).end();
    });
    const victim = await visitor(t);
    await logIn(victim, "ada");
    const before = await victim.context.cookies(app);
    await victim.page.goto(`${app}/sets`);
    const set = (await victim.context.cookies(app)).filter(({ name }) => !before.some((known) => known.name === name));
    assert.deepEqual(set.map(({ name }) => name), ["theirs"]);
    assert.equal(await standing(victim), "200 ada");
  });
});
