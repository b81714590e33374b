// Device Bound Session Credentials, by a client that is written for it: what a gateway has to refuse, and what Chromium cannot be made
// to send. docs/devices.md has the protocol.
import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { administer, assertProblem, inspect, migration, sessionsOf } from "./parts/administration.mjs";
import { BOUND, challengeOf, Device, loseProof, offerOf } from "./parts/device.mjs";
import { STATE_KEYS } from "./parts/gateway.mjs";
import { open } from "./parts/http.mjs";
import { at, FRANKFURT, SYDNEY } from "./parts/places.mjs";
import { sleep } from "./parts/process.mjs";
import { echoWebSockets } from "./parts/websocket.mjs";
import { createWorld } from "./parts/world.mjs";

const HTTPS = { https: true, host: "localhost" };
/** A grace of a second, so that a test need not wait ten. */
const QUICK = { DEVICE_GRACE_SECONDS: "1" };
const GRACE = 1100;

const deviceEvents = async (world, browser) => {
  const { ledger } = await inspect(world.gateway, idOf(browser));
  return ledger.filter(({ event }) => event === "device").map(({ outcome }) => outcome);
};
const idOf = (browser) => browser.session.value.split(".")[1];

/** A browser whose session is bound, the grace over. */
async function boundBrowser(world, how) {
  const [browser, device] = [await world.login(how), new Device()];
  await device.bind(browser);
  await sleep(GRACE);
  return { browser, device };
}

describe("a session bound to a device", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, {
      ...HTTPS,
      vars: QUICK,
      routes: [
        { match: "/vault/*", device: "required" },
        { match: "/open/*", session: "optional" },
        { match: "/*" },
      ],
    });
    echoWebSockets(world.upstream);
  });
  after(() => world.close());

  test("the callback offers it, a registration binds it, and lists and ledger show that", async () => {
    const [browser, device] = [await world.login(), new Device()];
    const answer = await device.bind(browser);
    const id = idOf(browser);
    const instructions = answer.json();
    assert.deepEqual(instructions, {
      session_identifier: id,
      refresh_url: "/auth/device/refresh",
      scope: {
        origin: world.gateway.origin,
        include_site: false,
        scope_specification: ["device", "login", "callback", "logout", "logged-out", "frontchannel-logout", "admin"].map((name) => ({
          type: "exclude",
          domain: "localhost",
          path: `/auth/${name}`,
        })),
      },
      credentials: [{ type: "cookie", name: BOUND, attributes: "Path=/; Secure; HttpOnly; SameSite=Lax" }],
      allowed_refresh_initiators: ["*"],
    });
    const { secure, httpOnly, path, sameSite, maxAge, domain } = browser.jar().get(BOUND);
    assert.deepEqual({ secure, httpOnly, path, sameSite, maxAge, domain }, { secure: true, httpOnly: true, path: "/", sameSite: "Lax", maxAge: 600, domain: undefined });
    assert.match((await browser.api("/auth/sessions")).json().sessions.find(({ current }) => current).device.bound_at, /^\d{4}-/);
    assert.deepEqual(await deviceEvents(world, browser), ["bound"]);
    const { subject } = (await browser.api("/auth/session")).json();
    const listed = (await sessionsOf(world.gateway, subject)).find((session) => session.id === id);
    assert.equal(typeof listed.device.bound_at, "string");
  });

  test("an unbound session shows no device, and is served as ever", async () => {
    const browser = await world.login();
    assert.ok(await world.token(browser));
    assert.equal((await browser.api("/auth/sessions")).json().sessions.find(({ current }) => current).device, null);
  });

  test("conformance 55: a stolen cookie is refused without the proof, wherever it is used, and the owner goes on", async () => {
    const { browser } = await boundBrowser(world);
    const cookie = browser.sessionHeader;
    const headers = { cookie, "user-agent": "thief/1", ...at(SYDNEY) };
    const asked = [
      ["GET", "/api"],
      ["POST", "/api"],
      ["GET", "/open/api"],
      ["GET", "/vault/api"],
      ["GET", "/auth/session"],
      ["POST", "/auth/refresh"],
      ["GET", "/auth/sessions"],
      ["DELETE", `/auth/sessions/${idOf(browser)}`],
    ];
    const before = world.upstream.requests.length;
    for (const [method, target] of asked) {
      const answer = await world.gateway.request(target, { method, headers: { ...headers, origin: world.gateway.origin } });
      assertProblem(answer, 401, "device_proof_required", `${method} ${target}`);
      assert.deepEqual(answer.setCookies, [`${BOUND}=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0`], "the session's cookie stays");
    }
    assert.equal(world.upstream.requests.length, before, "the application saw none of it");
    assert.ok(await world.token(browser), "the owner goes on");
    assert.equal((await browser.api("/auth/session")).status, 200);
    const refused = (await inspect(world.gateway, idOf(browser))).ledger.filter(({ outcome }) => outcome === "refused");
    assert.equal(refused.length, 1, "one line, however often it is tried");
    assert.match(refused[0].detail, /from oc, by thief\/1/);
  });

  test("a WebSocket wants the proof, too", async () => {
    const { browser } = await boundBrowser(world);
    const { origin, ca } = world.gateway;
    const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", origin };
    const handshake = async (cookie) => (await open(`${origin}/ws`, { headers: { ...upgrade, cookie }, ca })).status;
    assert.equal(await handshake(browser.sessionHeader), 401);
    assert.equal(await handshake(`${browser.sessionHeader}; ${BOUND}=${browser.jar().get(BOUND).value}`), 101);
  });

  test("the proof of another session, an expired one and one that was changed are none", async () => {
    const [{ browser }, { browser: other }] = await Promise.all([boundBrowser(world), boundBrowser(world, { hint: "grace" })]);
    const value = browser.jar().get(BOUND).value;
    const [expiry, thumbprint] = value.split(".");
    const key = Buffer.from(hkdfSync("sha256", STATE_KEYS.split(":")[1], "", "edge-oauth-sessions device proof 1", 32));
    const keyOfBytes = Buffer.from(hkdfSync("sha256", Buffer.alloc(32, 7), "", "edge-oauth-sessions device proof 1", 32));
    const made = (until, by) => `${until}.${thumbprint}.${createHmac("sha256", by).update(`${idOf(browser)}.${until}.${thumbprint}`).digest("base64url")}`;
    const api = (proof) => world.gateway.request("/api", { headers: { cookie: `${browser.sessionHeader}; ${BOUND}=${proof}` } });
    assert.equal((await api(value)).status, 200);
    const own = [key, keyOfBytes].find((by) => made(expiry, by) === value);
    assert.ok(own, "the test can make a proof");
    assert.equal((await api(made(Number(expiry) + 1, own))).status, 200);
    assert.equal((await api(made(Math.floor(Date.now() / 1000) - 1, own))).status, 401);
    assert.equal((await api(made(Number(expiry) + 1, Buffer.alloc(32)))).status, 401);
    assert.equal((await api(other.jar().get(BOUND).value)).status, 401);
    assert.equal((await api(`${value.slice(0, -1)}${value.endsWith("A") ? "E" : "A"}`)).status, 401);
    assert.equal((await api(`${value}; ${BOUND}=${value}`)).status, 401, "two count as none");
  });

  test("a renewal asks for a challenge, and the device's key answers it", async () => {
    const { browser, device } = await boundBrowser(world);
    loseProof(browser);
    const asked = await device.renew(browser);
    assert.equal(asked.status, 403);
    const { challenge, id } = challengeOf(asked);
    assert.equal(id, device.id);
    assert.equal(challengeOf(await device.renew(browser)).challenge, challenge, "the same for a while: a browser signs six times in nine minutes");
    const renewed = await device.renew(browser, { challenge });
    assert.equal(renewed.status, 200, renewed.text);
    assert.equal(renewed.json().session_identifier, device.id);
    assert.ok(await world.token(browser));
    assert.equal((await device.renew(browser, { challenge })).status, 200, "within its time it may come again");
    assert.deepEqual(await deviceEvents(world, browser), ["bound", "renewed"], "the ledger takes one an hour");
    const logged = world.gateway.eventsOf("device").filter(({ actor }) => actor === idOf(browser));
    assert.deepEqual(logged.map(({ outcome }) => outcome), ["bound", "renewed", "renewed"], "the log has all");
  });

  test("a renewal finds its session without a cookie: a link on another site sends none", async () => {
    const { browser, device } = await boundBrowser(world);
    const none = world.browser();
    const { challenge } = challengeOf(await device.renew(none));
    const renewed = await device.renew(none, { challenge });
    assert.equal(renewed.status, 200, renewed.text);
    const proof = none.jar().get(BOUND).value;
    assert.equal((await world.gateway.request("/api", { headers: { cookie: `${browser.sessionHeader}; ${BOUND}=${proof}` } })).status, 200);
  });

  test("a wrong key, type, algorithm, challenge or endpoint renews nothing", async () => {
    const [{ browser, device }, { device: foreign }] = await Promise.all([boundBrowser(world), boundBrowser(world, { hint: "grace" })]);
    const { challenge } = challengeOf(await device.renew(browser));
    const foreignChallenge = challengeOf(await foreign.renew(world.browser())).challenge;
    loseProof(browser);
    const callback = browser.hops.find(({ url }) => url.pathname === "/auth/callback");
    const wrong = {
      "another key": { challenge, key: foreign.key },
      "another type": { challenge, header: { typ: "JWT" } },
      "no type": { challenge, header: { typ: undefined } },
      "alg none": { challenge, header: { alg: "none" } },
      "alg HS256": { challenge, header: { alg: "HS256" } },
      "another session's challenge": { challenge: foreignChallenge },
      "a registration's challenge": { challenge: offerOf(callback).challenge },
      "a made-up challenge": { challenge: `${device.id}.${Date.now()}.${"A".repeat(43)}` },
      "another endpoint": { challenge, claims: { aud: `${world.gateway.origin}/auth/device/register` } },
    };
    for (const [what, proof] of Object.entries(wrong)) {
      const answer = await device.renew(browser, proof);
      assert.equal(answer.status, 403, what);
      challengeOf(answer);
      assert.deepEqual(answer.setCookies, [], what);
    }
    const right = { challenge, claims: { aud: `${world.gateway.origin}/auth/device/refresh` } };
    assert.equal((await device.renew(browser, right)).status, 200);
  });

  test("a session that is over or unknown is told so, and its browser asks no more", async () => {
    const { browser, device } = await boundBrowser(world);
    const ended = async (id) => {
      const answer = await device.renew(world.browser(), { id });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json(), { session_identifier: id, continue: false });
    };
    await administer(world.gateway, `/sessions/${device.id}`, { method: "DELETE" });
    await ended(device.id);
    await ended("ab".repeat(32));
    const unbound = await world.login();
    await ended(idOf(unbound));
    assert.equal((await device.renew(world.browser(), { id: "short" })).status, 400);
    assert.equal((await browser.api("/api")).json().reason, "revoked");
  });

  test("only the first key is taken, from this session's browser, and not from a page's script", async () => {
    const [browser, other, device] = [await world.login(), await world.login({ hint: "grace" }), new Device()];
    const { challenge } = offerOf(browser.hops.find(({ url }) => url.pathname === "/auth/callback"));
    const refused = async (what, answer, status = 403) => {
      assert.equal((await answer).status, status, what);
      assert.deepEqual((await answer).setCookies.filter((line) => line.startsWith(BOUND)), [], what);
    };
    await refused("with another session's cookie", device.register(other, challenge));
    for (const mode of ["cors", "same-origin", "navigate"]) {
      await refused(mode, device.register(browser, challenge, { headers: { "sec-fetch-mode": mode } }));
    }
    await refused("signed by another key", device.register(browser, challenge, { key: new Device().key }));
    await refused("no key", device.register(browser, challenge, { header: { jwk: undefined } }));
    await refused("a private key's member is no key of another kind", device.register(browser, challenge, { header: { jwk: { kty: "RSA", n: "AQAB", e: "AQAB" } } }));
    await refused("another type", device.register(browser, challenge, { header: { typ: "JWT" } }));
    await refused("alg none", device.register(browser, challenge, { header: { alg: "none" } }));
    await refused("a changed challenge", device.register(browser, challenge.replace(/.$/, (last) => (last === "A" ? "E" : "A"))));
    await refused("nothing", browser.api("/auth/device/register", { method: "POST", headers: { "sec-fetch-mode": "no-cors" } }), 400);
    assert.equal((await device.register(world.browser(), challenge)).status, 200, "without a cookie: a login that ends on another site sends none");
    await refused("another one", new Device().register(browser, challenge));
    await refused("the same once more", device.register(browser, challenge));
    assert.deepEqual(await deviceEvents(world, browser), ["bound"]);
  });

  test("a page without proof goes to log in, one that another site opened opens itself once more, and a delayed one waits", async () => {
    const { browser } = await boundBrowser(world);
    loseProof(browser);
    const { origin } = world.gateway;
    const login = await browser.navigate("/page?x=1", { from: origin, follow: false });
    assert.equal(login.status, 302);
    assert.equal(login.headers.location, "/auth/login?return_to=%2Fpage%3Fx%3D1");
    const elsewhere = await browser.navigate("/page?x=1", { from: "https://elsewhere.example", follow: false });
    assert.equal(elsewhere.status, 200);
    assert.match(elsewhere.text, /http-equiv="refresh" content="0;url=\/page\?x=1"/);
    assert.match(elsewhere.setCookies.join(), new RegExp(`${BOUND}=;.*Max-Age=0`));
    const delayed = await browser.api("/api", { headers: { "secure-session-skipped": `quota_exceeded;session_identifier="${idOf(browser)}"` } });
    assertProblem(delayed, 503, "device_proof_required");
    assert.ok(Number(delayed.headers["retry-after"]) >= 1);
  });

  test("a page that stands for a refused request offers to open it again, and a login", async () => {
    const { browser } = await boundBrowser(world);
    loseProof(browser);
    const { origin } = world.gateway;
    const own = await browser.navigate("/auth/session?a=1", { from: origin, follow: false });
    assert.equal(own.status, 401);
    assert.match(own.text, /<a href="\/auth\/session\?a=1">Open the page again<\/a>/);
    assert.match(own.text, /<a href="\/auth\/login\?return_to=%2F">Log in again<\/a>/);
    assert.match(own.setCookies.join(), new RegExp(`${BOUND}=;.*Max-Age=0`));
    const form = await browser.navigate("/page", { from: origin, method: "POST", form: { a: "1" }, follow: false });
    assert.equal(form.status, 401);
    assert.match(form.text, /<a href="\/">Back to the application<\/a>/);
    assert.match(form.text, /Your data was not saved/);
  });

  test("a thief's own login leaves the owner's session alone", async () => {
    const { browser } = await boundBrowser(world);
    const thief = world.browser();
    thief.jar().store(new URL(world.gateway.origin), browser.session.line);
    await thief.login({ hint: "grace" });
    assert.notEqual(idOf(thief), idOf(browser));
    assert.ok(await world.token(browser), "the owner goes on");
    const { ledger, state } = await inspect(world.gateway, idOf(browser));
    assert.equal(state, "active");
    assert.ok(!ledger.some(({ outcome }) => outcome === "refused"), "nothing was refused: a login needs no proof");
  });

  test("the owner's next login replaces the session also when its last proof has ended", async () => {
    const { browser } = await boundBrowser(world);
    loseProof(browser);
    const old = idOf(browser);
    await browser.login();
    assert.notEqual(idOf(browser), old);
    const { state, ledger } = await inspect(world.gateway, old);
    assert.equal(state, "ended");
    assert.match(ledger.at(-1).detail, /newer|another|superseded/);
    assert.ok(await world.token(browser));
  });

  test("the owner's next login replaces the session, and the old proof goes", async () => {
    const { browser } = await boundBrowser(world);
    const old = idOf(browser);
    const callback = (await browser.login(), browser.hops.find(({ url }) => url.pathname === "/auth/callback"));
    assert.ok(offerOf(callback));
    assert.match(callback.setCookies.join(), new RegExp(`${BOUND}=;`));
    assert.equal((await inspect(world.gateway, old)).state, "ended");
    assert.ok(await world.token(browser));
  });

  test("a logout needs the session's cookie alone, and takes both away", async () => {
    const { browser } = await boundBrowser(world);
    const answer = await browser.navigate("/auth/logout", { from: world.gateway.origin, method: "POST", follow: false });
    assert.equal(answer.status, 303);
    assert.match(answer.setCookies.join(), /__Host-Http-session=;/);
    assert.match(answer.setCookies.join(), new RegExp(`${BOUND}=;`));
    const { browser: other } = await boundBrowser(world);
    loseProof(other);
    const id = idOf(other);
    const unproven = await other.navigate("/auth/logout", { from: world.gateway.origin, method: "POST", follow: false });
    assert.ok(!unproven.headers.location.includes("id_token_hint"), "who has the cookie alone reads nothing of the user");
    assert.ok(answer.headers.location.includes("id_token_hint"));
    assert.equal((await inspect(world.gateway, id)).state, "ended");
    assert.equal(other.session, undefined);
  });

  test("a route for bound sessions takes no other one", async () => {
    const browser = await world.login();
    assertProblem(await browser.api("/vault/api"), 403, "device_required");
    const waits = await browser.navigate("/vault/page", { from: world.gateway.origin, follow: false });
    assert.equal(waits.status, 200);
    assert.match(waits.text, /http-equiv="refresh"/);
    const device = new Device();
    await browser.login();
    await device.bind(browser);
    assert.equal((await browser.api("/vault/api")).status, 200);
    await sleep(GRACE);
    assert.equal((await browser.api("/vault/api")).status, 200, "with the proof");
    loseProof(browser);
    assertProblem(await browser.api("/vault/api"), 401, "device_proof_required");
  });

  test("a session moved by an administrator stays bound, and the browser gets both cookies of its new place", async () => {
    const { browser, device } = await boundBrowser(world);
    const [old, oldProof] = [browser.session.value, browser.jar().get(BOUND).value];
    const moved = await administer(world.gateway, `/sessions/${idOf(browser)}/migrate`, migration("oc"));
    assert.equal(moved.status, 200, moved.text);
    assert.notEqual(moved.json().device, null);
    const bare = await world.gateway.request("/api", { headers: { cookie: `__Host-Http-session=${old}` } });
    assertProblem(bare, 401, "device_proof_required");
    assert.ok(await world.token(browser));
    assert.notEqual(browser.session.value, old);
    assert.notEqual(browser.jar().get(BOUND).value, oldProof);
    assert.ok(await world.token(browser), "with both new ones");
    // The browser still knows the session by its old id.
    loseProof(browser);
    const { challenge, id } = challengeOf(await device.renew(browser));
    assert.equal(id, device.id);
    assert.equal((await device.renew(browser, { challenge })).json().session_identifier, device.id);
    assert.ok(await world.token(browser));
  });

  test("a move through the provider offers the new session to be bound; the old one's renewal is over", async () => {
    const { browser, device } = await boundBrowser(world);
    browser.headers = at(FRANKFURT);
    await browser.navigate("/page", { from: world.gateway.origin });
    const old = idOf(browser);
    browser.headers = at(SYDNEY);
    await browser.navigate("/page", { from: world.gateway.origin });
    const callback = browser.hops.find(({ url }) => url.pathname === "/auth/callback");
    assert.ok(callback, "it went through the provider");
    assert.notEqual(idOf(browser), old);
    assert.ok(offerOf(callback));
    assert.deepEqual((await device.renew(browser, { id: old })).json(), { session_identifier: old, continue: false });
    await new Device().bind(browser);
    await sleep(GRACE);
    assert.ok(await world.token(browser));
  });

  test("the application neither sees the protocol's headers nor speaks it", async () => {
    const { browser } = await boundBrowser(world);
    world.upstream.answer("/binds", (_, response) => {
      response.writeHead(200, { "secure-session-registration": '(ES256);path="/evil";challenge="c"', "secure-session-challenge": '"c";id="x"', "x-own": "1" }).end();
    });
    const answer = await browser.api("/binds");
    assert.equal(answer.headers["x-own"], "1");
    assert.equal(answer.headers["secure-session-registration"], undefined);
    assert.equal(answer.headers["secure-session-challenge"], undefined);
    const seen = (await browser.api("/api", { headers: { "sec-secure-session-id": "x", "secure-session-response": "y" } })).json().headers;
    assert.ok(!seen.some((text) => /secure-session|session-bound/i.test(text)), seen.join("\n"));
  });

  test("a session is offered three times, with pauses, and only on documents of this origin's own", async () => {
    const browser = await world.login();
    const { origin } = world.gateway;
    const offered = async (options) => offerOf(await browser.navigate("/page", { follow: false, ...options })) !== undefined;
    assert.equal(await offered({ from: origin }), false, "the callback made one just now");
    await sleep(5100);
    assert.equal(await offered({}), false, "typed in");
    assert.equal(await offered({ from: "https://elsewhere.example" }), false);
    assert.equal(offerOf(await browser.api("/api")), undefined);
    assert.equal(await offered({ from: origin }), true);
    assert.equal(await offered({ from: origin }), false);
    await sleep(5100);
    assert.equal(await offered({ from: origin }), true);
    await sleep(5100);
    assert.equal(await offered({ from: origin }), false, "three were made");
  });
});

test("with DEVICE_POLICY=end the first request without proof ends the session, and another site's link does not", async (t) => {
  const world = await createWorld(t, { ...HTTPS, vars: { ...QUICK, DEVICE_POLICY: "end" } });
  const { browser } = await boundBrowser(world);
  const cookie = browser.sessionHeader;
  const link = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "cross-site" };
  assert.equal((await world.gateway.request("/page", { headers: { cookie, ...link } })).status, 200);
  assert.ok(await world.token(browser));
  const answer = await world.gateway.request("/api", { headers: { cookie } });
  assert.equal(assertProblem(answer, 401, "session_ended").reason, "device");
  assert.equal((await browser.api("/api")).json().reason, "device");
});

test("with DEVICE_POLICY=off nothing is offered, and a session that was bound passes without proof", async (t) => {
  const world = await createWorld(t, { ...HTTPS, vars: QUICK });
  const { browser, device } = await boundBrowser(world);
  world.gateway.vars.DEVICE_POLICY = "off";
  await world.gateway.restart();
  loseProof(browser);
  assert.ok(await world.token(browser));
  assert.equal((await device.renew(browser)).status, 404);
  await browser.login();
  assert.ok(browser.hops.every((hop) => offerOf(hop) === undefined));
});

test("a binding survives a crash", async (t) => {
  const world = await createWorld(t, { ...HTTPS, vars: QUICK });
  const { browser } = await boundBrowser(world);
  await world.gateway.kill9();
  await world.gateway.restart();
  const bare = await world.gateway.request("/api", { headers: { cookie: browser.sessionHeader } });
  assertProblem(bare, 401, "device_proof_required");
  assert.ok(await world.token(browser));
});

test("over plain http nothing is offered", async (t) => {
  const world = await createWorld(t);
  const browser = await world.login();
  assert.ok(browser.hops.every((hop) => offerOf(hop) === undefined));
});
