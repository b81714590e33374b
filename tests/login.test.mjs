// How a login begins and comes back: what it costs, what a visitor may say about it, and what becomes of one that is late,
// replayed or cut off.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { actorCount, INSTRUMENTS, setClockAhead, storageCalls } from "./parts/instruments.mjs";
import { NAVIGATION } from "./parts/gateway.mjs";
import { HANG } from "./parts/hostile.mjs";
import { until } from "./parts/process.mjs";
import { assertSignedIn, callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

/** Requests for `/login` that are no navigation: `[what, headers]`. */
const NO_NAVIGATION = Object.entries({
  "an image": { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "sec-fetch-site": "cross-site" },
  fetch: { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", accept: "*/*" },
  "a frame": { ...NAVIGATION, "sec-fetch-dest": "iframe" },
  "an embedded object": { ...NAVIGATION, "sec-fetch-dest": "object" },
  "a prefetch": { ...NAVIGATION, "sec-purpose": "prefetch" },
  "a prerender": { ...NAVIGATION, "sec-purpose": "prefetch;prerender" },
  "a client without a browser's headers": {},
});

const IN_AUSTRALIA = { "MF-CF-Blob": JSON.stringify({ continent: "OC", country: "AU" }) };

/** A main module that writes down what the session actors' namespace is asked for. Local workerd knows no jurisdictions. */
const RECORDING = `
import bundle from "./entry.js";
export * from "./entry.js";
const asked = [];
const recorded = (namespace) => new Proxy(namespace, {
  get(_, name) {
    if (name === "newUniqueId") return (options) => (asked.push([name, options?.jurisdiction ?? null]), namespace.newUniqueId());
    if (name === "get") return (id, options) => (asked.push([name, options?.locationHint ?? null]), namespace.get(id, options));
    const value = namespace[name];
    return typeof value === "function" && name !== "constructor" ? value.bind(namespace) : value;
  },
});
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/__asked") return Response.json(asked);
    return bundle.fetch(request, { ...env, SESSIONS: recorded(env.SESSIONS) }, context);
  }
}
`;

/** A stand-in for Cloudflare's rate limiting binding, which takes three of a key. */
const LIMITED = `
import bundle from "./entry.js";
export * from "./entry.js";
const counts = {};
const LOGIN_LIMIT = { limit: async ({ key }) => ({ success: (counts[key] = (counts[key] ?? 0) + 1) <= 3 }) };
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/__counts") return Response.json(counts);
    return bundle.fetch(request, { ...env, LOGIN_LIMIT }, context);
  }
}
`;

describe("login", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { hostile: true, entry: INSTRUMENTS });
  });
  after(() => world.close());

  test("conformance 46: 1,000 anonymous logins create no actor and write nothing", async () => {
    await world.login();
    const [actors, { total }] = [await actorCount(world.gateway), await storageCalls(world.gateway)];
    for (let i = 0; i < 50; i += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => world.gateway.visit("/auth/login")));
      for (const { status, setCookies } of answers) assert.deepEqual([status, setCookies.length], [302, 1]);
    }
    assert.equal(await actorCount(world.gateway), actors);
    assert.equal((await storageCalls(world.gateway)).total, total);
    assert.ok(await world.token(await world.login()));
    assert.equal(await actorCount(world.gateway), actors + 1, "a login that comes back does");
  });

  for (const [what, headers] of NO_NAVIGATION) {
    test(`conformance 46: ${what} begins no login`, async () => {
      const authorizations = world.provider.calls.authorization.length;
      const answer = await world.gateway.request("/auth/login?return_to=/x", { headers });
      assert.equal(answer.status, 400, answer.text);
      assert.deepEqual(answer.setCookies, []);
      assert.equal(answer.headers.location, undefined);
      assert.equal(world.provider.calls.authorization.length, authorizations);
    });
  }

  test("conformance 46: nine prefetches do not push out a login that is open in another tab", async () => {
    const browser = world.browser();
    const callback = await callbackOf(browser, "/auth/login?return_to=/first");
    for (let i = 0; i < 9; i += 1) {
      const headers = { ...NAVIGATION, "sec-purpose": "prefetch" };
      assert.equal((await browser.api(`/auth/login?return_to=/${i}`, { headers })).status, 400);
    }
    const page = await browser.navigate(callback);
    assert.equal(page.json().url, "/first");
  });

  test("conformance 46: callbacks of strangers touch no actor", async () => {
    const browser = world.browser();
    const callback = await callbackOf(browser);
    const login = browser.jar().get(world.gateway.cookie.login);
    const state = callback.searchParams.get("state");
    const actors = await actorCount(world.gateway);
    const [name, secret] = state.split(".");
    for (const [cookie, wrong] of [
      ["", state],
      [`${login.name}=${login.value.slice(0, -1)}${login.value.endsWith("A") ? "B" : "A"}`, state],
      [`${login.name}=${"A".repeat(300)}`, state],
      [`${login.name}=`, state],
      [`${login.name}=${login.value}; ${login.name}=${login.value}`, state],
      [`${login.name}=${login.value}`, `${name}.${"A".repeat(43)}`],
      [`${login.name}=${login.value}`, name],
      [`${login.name.slice(0, -8)}00000000=${login.value}`, `00000000.${secret}`],
    ]) {
      callback.searchParams.set("state", wrong);
      const answer = await world.gateway.request(`${callback.pathname}${callback.search}`, { headers: { ...NAVIGATION, ...(cookie && { cookie }) } });
      assert.equal(answer.status, 400, `${cookie} ${wrong}`);
    }
    assert.equal(await actorCount(world.gateway), actors);
    callback.searchParams.set("state", state);
    assert.equal((await browser.navigate(callback)).status, 200, "and the login is as good as before");
  });

  test("a login cookie of one address is void at another", async (t) => {
    const other = await createWorld(t, { hostile: true });
    const browser = world.browser();
    const callback = await callbackOf(browser);
    const login = browser.jar().get(world.gateway.cookie.login);
    const headers = { ...NAVIGATION, cookie: `${login.name}=${login.value}` };
    assert.equal((await other.gateway.request(`${callback.pathname}${callback.search}`, { headers })).status, 400);
  });

  test("LOGIN_LIMIT: a network that begins too many logins gets 429 with Retry-After, others go on", async (t) => {
    const { gateway } = await createWorld(t, { hostile: true, entry: LIMITED });
    const from = async (address) => (await gateway.visit("/auth/login", { headers: { "cf-connecting-ip": address } })).status;
    for (let i = 0; i < 3; i += 1) assert.equal(await from("192.0.2.1"), 302);
    const refused = await gateway.visit("/auth/login", { headers: { "cf-connecting-ip": "192.0.2.1" } });
    assert.equal(refused.status, 429);
    assert.equal(refused.headers["retry-after"], "60");
    assert.deepEqual(refused.setCookies, []);
    await until("the line is written", () => gateway.eventsOf("request").length > 0);
    const [line, ...more] = gateway.eventsOf("request");
    assert.deepEqual([line.outcome, line.status, more.length], ["rate_limited", 429, 0]);
    assert.ok(refused.text.includes(line.ray));
    assert.equal(await from("192.0.2.2"), 302);
    for (let i = 0; i < 3; i += 1) assert.equal(await from(`2001:db8:0:7::${i}`), 302);
    assert.equal(await from("2001:db8:0:7:ffff::1"), 429, "an IPv6 visitor has a whole network of addresses");
    assert.equal(await from("2001:db8:0:8::1"), 302);
    const { "192.0.2.2": count } = (await gateway.request("/__counts")).json();
    await gateway.request("/auth/login", { headers: { "cf-connecting-ip": "192.0.2.2" } });
    assert.equal((await gateway.request("/__counts")).json()["192.0.2.2"], count, "what begins no login is not counted");
  });

  for (const [JURISDICTION, jurisdiction] of [[undefined, null], ["eu", "eu"]]) {
    test(`a login draws an id${jurisdiction ? " within the jurisdiction" : ""} and touches no actor; the callback's visitor says where the actor is to live`, async (t) => {
      const { gateway, browser: open } = await createWorld(t, { hostile: true, entry: RECORDING, vars: { JURISDICTION } });
      const browser = open();
      browser.headers = IN_AUSTRALIA;
      const callback = await callbackOf(browser);
      const asked = async () => (await gateway.request("/__asked")).json();
      assert.deepEqual(await asked(), [["newUniqueId", jurisdiction]]);
      // Local workerd cannot keep a directory within one.
      if (jurisdiction) return;
      await browser.navigate(callback, { follow: false });
      assert.deepEqual((await asked())[1], ["get", "oc"]);
    });
  }

  test("a login that took too long leads back to where the user wanted to go, and its code is not redeemed", async () => {
    const browser = world.browser();
    const callback = await callbackOf(browser, "/auth/login?return_to=/deep%3Fx=1");
    const [actors, calls] = [await actorCount(world.gateway), world.provider.calls.token.length];
    await setClockAhead(world.gateway, 601);
    const page = await browser.navigate(callback);
    await setClockAhead(world.gateway, 0);
    assert.equal(page.status, 400);
    assert.match(page.text, /took too long/);
    assert.match(page.text, /href="\/auth\/login\?return_to=%2Fdeep%3Fx%3D1">Log in again</);
    assert.equal(world.provider.calls.token.length, calls);
    assert.equal(await actorCount(world.gateway), actors);
  });

  test("conformance 11: a callback that is opened twice at once redeems its code once", async () => {
    const browser = world.browser();
    const callback = await callbackOf(browser);
    const cookie = browser.jar().header(callback);
    const calls = world.provider.calls.token.length;
    const open = () => world.gateway.request(`${callback.pathname}${callback.search}`, { headers: { ...NAVIGATION, cookie } });
    const answers = await Promise.all([open(), open(), open(), open()]);
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [303, 400, 400, 400]);
    assert.equal(world.provider.calls.token.length, calls + 1);
    assert.equal((await open()).status, 400, "nor later");
    assert.equal(world.provider.calls.token.length, calls + 1);
  });

  test("a crash between the callback and the exchange leaves nothing that could be redeemed again, and the next login works", async (t) => {
    const cut = await createWorld(t, { hostile: true });
    const browser = cut.browser();
    const callback = await callbackOf(browser);
    const headers = { ...NAVIGATION, cookie: browser.jar().header(callback) };
    cut.provider.answers.token = () => HANG;
    cut.gateway.request(`${callback.pathname}${callback.search}`, { headers }).catch(() => {});
    await until("the code is on its way", () => cut.provider.calls.token.length === 1);
    await cut.gateway.kill9();
    cut.provider.answers = {};
    await cut.gateway.restart();
    const again = await cut.gateway.request(`${callback.pathname}${callback.search}`, { headers });
    assert.equal(again.status, 400);
    assert.match(again.text, /opened before/);
    assert.equal(cut.provider.calls.token.length, 1);
    await assertSignedIn(cut, { browser, page: await browser.navigate("/auth/login") });
  });

  test("a login that failed leaves nothing behind", async (t) => {
    const failing = await createWorld(t, { hostile: true, entry: INSTRUMENTS, vars: { LOGIN_TIMEOUT_SECONDS: "1" } });
    failing.provider.answers.token = () => ({ status: 400, json: { error: "invalid_grant" } });
    const browser = failing.browser();
    await browser.navigate("/auth/login");
    const { outcome, next_alarm_at } = failing.gateway.eventsOf("complete")[0];
    assert.equal(outcome, "callback_rejected");
    assert.ok(Date.parse(next_alarm_at) - Date.now() < 300_000, "it is forgotten soon");
    // No actor has to remember a provider's refusal.
    const callback = await callbackOf(browser);
    callback.searchParams.delete("code");
    callback.searchParams.set("error", "access_denied");
    const writes = async () => {
      const { counts } = await storageCalls(failing.gateway);
      return [counts["storage.setAlarm"], counts["storage.put"], counts["storage.transaction"]];
    };
    const before = await writes();
    assert.ok(before[0] > 0);
    assert.equal((await browser.navigate(callback)).status, 400);
    assert.deepEqual(await writes(), before);
    assert.equal(failing.gateway.eventsOf("complete").at(-1).next_alarm_at, null, "nothing is scheduled");
  });

  for (const [what, to, landed] of [
    ["fits", `/deep?${"q".repeat(1100)}`, `/deep?${"q".repeat(1100)}`],
    ["is too long for its cookie loses its query", `/deep?${"q".repeat(4000)}`, "/deep"],
    ["has a path that is too long becomes /", `/${"p".repeat(4000)}`, "/"],
  ]) {
    test(`a return_to that ${what}, and the login cookie stays below 2 KB`, async () => {
      const browser = world.browser();
      const callback = await callbackOf(browser, `/auth/login?return_to=${encodeURIComponent(to)}`);
      assert.ok(browser.jar().get(world.gateway.cookie.login).value.length <= 2048);
      const page = await browser.navigate(callback, { follow: false });
      assert.equal(page.headers.location, landed);
    });
  }

  test("return_to defaults to where the application begins", async (t) => {
    const nested = await createWorld(t, { hostile: true, vars: { AUTH_PREFIX: "/app1/auth" } });
    const browser = nested.browser();
    await browser.navigate("/app1/auth/login", { until: (url) => url.pathname === "/app1/" });
    assert.equal(browser.hops.at(-1).headers.location, "/app1/");
  });

  for (const to of ["/%61uth/logout", "/auth/%6cogout", "/%2561uth/logout", "/./auth/login", "/x/../auth/callback", "/auth/logout#x"]) {
    test(`a return_to is judged as it will be read: ${to}`, async () => {
      const browser = await world.login();
      const page = await browser.navigate(`/auth/login?return_to=${encodeURIComponent(to)}`);
      assert.ok(browser.session, "nobody is logged out");
      assert.ok(!page.url.pathname.startsWith("/auth/"), `${page.url}`);
    });
  }

  test("what a stranger's callback says is not repeated in the log as the provider's word, however long it is", async () => {
    const body = new URLSearchParams({ state: "x", error: "a".repeat(1000), error_description: "a".repeat(1000), code: "a".repeat(60_000) });
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" };
    const answer = await world.gateway.request("/auth/callback", { method: "POST", headers, body: body.toString() });
    assert.equal(answer.status, 400);
    const told = () => world.gateway.eventsOf("request").findLast(({ ray }) => answer.text.includes(ray));
    await until("the log says of it", told);
    const line = told();
    assert.ok(!line.detail.includes("aaaa"), "what fits no login is not repeated as the provider's word");
  });

  test("conformance 47: what the configuration says of a parameter holds against the query", async (t) => {
    const params = { prompt: "consent", organization: "org_ours", connection: "ours", ui_locales: "de" };
    const { gateway } = await createWorld(t, { hostile: true, vars: { OIDC_AUTHORIZATION_PARAMS: JSON.stringify(params) } });
    const theirs = { prompt: "none", organization: "org_theirs", connection: "theirs", ui_locales: "en", login_hint: "ada" };
    const { headers } = await gateway.visit(`/auth/login?${new URLSearchParams(theirs)}`);
    const sent = new URL(headers.location).searchParams;
    for (const [name, value] of Object.entries(params)) assert.deepEqual(sent.getAll(name), [value], name);
    assert.equal(sent.get("login_hint"), "ada", "what it does not say is the visitor's");
  });

  test("a session moves silently from an address that grows when it is encoded", async (t) => {
    const { provider, login } = await createWorld(t, { hostile: true });
    const browser = await login();
    browser.headers = IN_AUSTRALIA;
    const address = `/page?${"a=b&".repeat(200)}`;
    assert.equal((await browser.navigate(address)).json().url, address);
    assert.equal(provider.calls.authorization.at(-1).params.prompt, "none");
    assert.match(browser.session.value, /^oc\./);
  });

  test("a session is not sent away from an address that its login could not lead back to", async (t) => {
    const long = await createWorld(t, { hostile: true, entry: INSTRUMENTS });
    const browser = await long.login();
    browser.headers = IN_AUSTRALIA;
    const page = await browser.navigate(`/page?${"q".repeat(3000)}`);
    assert.equal(page.json().url.length, 3006, "it is served where it is");
    const before = browser.session.value;
    await browser.navigate("/page");
    assert.notEqual(browser.session.value, before, "and moves at the next one");
  });
});
