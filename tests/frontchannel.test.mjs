// Front-channel logout: the provider's logout page opens a frame of the gateway's (OpenID Connect Front-Channel Logout 1.0).
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { inspect } from "./parts/administration.mjs";
import { launchChromium } from "./parts/chromium.mjs";
import { createWorld } from "./parts/world.mjs";

/** What a browser sends for a frame in another site's page: no cookie. */
const FRAME = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site", accept: "text/html" };
const OWN_ENDPOINTS = { end_session_endpoint: "https://logout.op.example:8443/end?x=1" };

/** A main module that keeps what actors write to their storage. */
const WRITES = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";
const writes = [];
const watched = new Set();
function watch(object, names, isWrite) {
  const prototype = Object.getPrototypeOf(object);
  if (watched.has(prototype)) return;
  watched.add(prototype);
  for (const name of names) {
    const { value } = Object.getOwnPropertyDescriptor(prototype, name);
    prototype[name] = function (...given) {
      if (isWrite(given[0])) writes.push(name + " " + given[0]);
      return value.apply(this, given);
    };
  }
}
function watchAll({ storage }) {
  watch(storage, ["put", "delete", "deleteAll", "setAlarm"], () => true);
  watch(storage.sql, ["exec"], (statement) => !/^\\s*SELECT/i.test(statement));
}
export class SessionActor extends exported.SessionActor {
  constructor(state, env) {
    watchAll(state);
    super(state, env);
  }
}
export class RegionDirectory extends exported.RegionDirectory {
  constructor(state, env) {
    watchAll(state);
    super(state, env);
  }
}
export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/__writes") return bundle.fetch(request, env, context);
    return Response.json(writes);
  }
}
`;

describe("front-channel logout", () => {
  let world;
  let sid;
  before(async () => {
    world = await createWorld(undefined, { hostile: { idToken: { claims: (claims) => ({ ...claims, sid }) }, discovery: OWN_ENDPOINTS } });
  });
  after(() => world.close());

  const login = async (name, subject = "ada") => {
    sid = name;
    world.provider.subject = subject;
    return world.login();
  };
  const frame = (params, more = {}) =>
    world.gateway.request(`/auth/frontchannel-logout?${new URLSearchParams(params)}`, { headers: { ...FRAME, ...more } });
  const reasonOf = async (browser) => {
    const answer = await world.gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
    return answer.status === 200 ? "live" : answer.json().reason;
  };

  test("sid and iss end the sessions of that provider session without a cookie, and the reason is logout", async () => {
    const [one, other] = [await login("s-1"), await login("s-1", "grace")];
    const apart = await login("s-2");
    const id = actorOf(one.session);
    const answer = await frame({ iss: world.provider.issuer, sid: "s-1" });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual([await reasonOf(one), await reasonOf(other), await reasonOf(apart)], ["logout", "logout", "live"]);
    const { ledger } = await inspect(world.gateway, id);
    assert.ok(ledger.some(({ event, detail }) => event === "end" && /logged out/.test(detail)), JSON.stringify(ledger.slice(-2)));
  });

  test("a provider that sends no iss is understood, and a cookie that comes along changes nothing", async () => {
    const [one, other] = [await login("s-3"), await login("s-4")];
    const answer = await frame({ sid: "s-3" }, { cookie: other.sessionHeader, "sec-fetch-site": "same-site" });
    assert.equal(answer.status, 200);
    assert.deepEqual([await reasonOf(one), await reasonOf(other)], ["logout", "live"]);
  });

  test("another issuer, another or no sid end nothing, and the answer is the same", async () => {
    const browser = await login("s-5");
    const { issuer } = world.provider;
    const right = await frame({ iss: issuer, sid: "s-none" });
    for (const params of [
      { iss: `${issuer}/`, sid: "s-5" },
      { iss: "https://other.example", sid: "s-5" },
      { iss: "", sid: "s-5" },
      { iss: issuer },
      { iss: issuer, sid: "" },
      { iss: issuer, sid: "S-5" },
      { iss: issuer, sid: "x".repeat(5000) },
      {},
    ]) {
      const answer = await frame(params);
      assert.equal(answer.status, 200, JSON.stringify(params).slice(0, 99));
      assert.equal(answer.text, right.text);
      assert.equal(answer.headers["content-security-policy"], right.headers["content-security-policy"]);
    }
    assert.equal(await reasonOf(browser), "live");
  });

  test("the page is empty, and the origins of the issuer and of its end-session endpoint alone may frame it", async () => {
    const answer = await frame({ sid: "nobody" });
    assert.match(answer.headers["content-type"], /^text\/html/);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.text.trim(), "<!doctype html>");
    const directives = answer.headers["content-security-policy"].split("; ");
    assert.ok(directives.includes(`frame-ancestors ${world.provider.origin} https://logout.op.example:8443`), directives.join("; "));
    assert.ok(directives.includes("default-src 'none'"));
    assert.equal(answer.headers["x-frame-options"], undefined);
    // Every other page of the gateway's stays unframed.
    const page = await world.gateway.visit("/auth/logged-out");
    assert.match(page.headers["content-security-policy"], /frame-ancestors 'none'/);
  });

  test("in Chromium: the provider's page shows the frame, and another site's does not", async (t) => {
    const chromium = await launchChromium();
    const elsewhere = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(page));
    await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    t.after(async () => {
      elsewhere.close();
      await chromium.close();
    });
    const page = `<iframe src="${world.gateway.origin}/auth/frontchannel-logout?sid=nobody"></iframe>`;
    world.provider.answers.endSession = () => ({ headers: { "content-type": "text/html" }, body: page });
    const frameAt = async (address) => {
      const tab = await (await chromium.newContext()).newPage();
      await tab.goto(address, { waitUntil: "load" });
      return tab.frames()[1].url();
    };
    assert.match(await frameAt(`${world.provider.origin}/logout`), /frontchannel-logout/);
    assert.match(await frameAt(`http://127.0.0.1:${elsewhere.address().port}/`), /^chrome-error:/);
  });

  test("it answers GET alone", async () => {
    const answer = await world.gateway.request("/auth/frontchannel-logout?sid=x", { method: "POST", headers: { origin: world.gateway.origin } });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, "GET");
  });

  test("names of sessions that were never there end nothing and are written nowhere", async (t) => {
    const fresh = await createWorld(t, { hostile: true, entry: WRITES });
    const writes = async () => (await fresh.gateway.request("/__writes")).json();
    for (let number = 0; number < 40; number += 1) {
      assert.equal((await fresh.gateway.request(`/auth/frontchannel-logout?sid=n-${number}`, { headers: FRAME })).status, 200);
    }
    assert.deepEqual(fresh.gateway.eventsOf("revoke"), []);
    assert.deepEqual(await writes(), []);
    await fresh.login();
    assert.notEqual((await writes()).length, 0, "a login is written");
  });
});
