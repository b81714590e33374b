// What an operator reads of a request that failed: one log line, with the reference that the visitor was shown, and with
// what the provider said. Conformance.md 56.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { administer } from "./parts/administration.mjs";
import { BREAKABLE_DIRECTORY, setDirectory } from "./parts/directory.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { DROP, HANG } from "./parts/hostile.mjs";
import { sleep } from "./parts/process.mjs";
import { callbackOf } from "./parts/sign-in.mjs";
import { createWorld } from "./parts/world.mjs";

const FIELDS = ["event", "outcome", "status", "ray", "method", "path", "route", "detail", "release"];

/** The reference that an answer shows: a problem document's, or a page's. */
function rayOf({ headers, text, json }) {
  const ray = headers["content-type"]?.startsWith("application/problem+json") ? json().ray : /Reference: ([^<]+)</.exec(text)?.[1];
  assert.ok(ray, text.slice(0, 400));
  return ray;
}

/** The one log line of a request that failed with this code. Its fields are as documented. */
async function lineOf(gateway, answer, [status, outcome]) {
  assert.equal(answer.status, status, answer.text);
  const ray = rayOf(answer);
  await gateway.untilEvent("request", (line) => line.ray === ray);
  await sleep(50);
  const lines = gateway.events.filter((line) => line.ray === ray);
  assert.equal(lines.length, 1, JSON.stringify(lines));
  assert.equal(gateway.log.split(ray).length, 2, "nothing else names it");
  const [line] = lines;
  assert.deepEqual(Object.keys(line), FIELDS);
  assert.deepEqual([line.event, line.status, line.outcome], ["request", status, outcome]);
  assert.match(line.release, /^\d+\.\d+\.\d+/);
  return line;
}

describe("failures", { concurrency: 3 }, () => {
  test("conformance 56: every 5xx, callback_rejected, csrf_rejected and forbidden is one log line with its ray, to a page and to an API call", async (t) => {
    const closed = "http://127.0.0.1:1";
    const world = await createWorld(t, {
      hostile: true,
      entry: BREAKABLE_DIRECTORY,
      routes: [
        { match: "/staff/*", require: { groups: "staff" } },
        { match: "/gone/*", upstream: closed },
        { match: "/machines/*", bearer: true },
        { match: "/*" },
      ],
      vars: { UPSTREAM_TIMEOUT_SECONDS: "1", JWKS_URI: `${closed}/jwks`, JWT_AUDIENCE: "api" },
    });
    const { gateway, provider, upstream } = world;
    upstream.answer("/slow", () => {});
    const user = await world.login();
    const expect = async (code, answer, { path, method = "GET", route } = {}) => {
      const line = await lineOf(gateway, await answer, code);
      if (path) assert.deepEqual([line.method, line.path, line.route], [method, path, route], line.detail);
      return line;
    };
    const callback = { path: "/auth/callback", route: "/auth/callback" };

    await expect([400, "callback_rejected"], user.navigate("/auth/callback?state=x&code=y"), callback);
    await expect([400, "callback_rejected"], user.api("/auth/callback?state=x&code=y"), callback);
    await expect([403, "csrf_rejected"], user.api("/save?draft=1", { method: "POST", headers: { "sec-fetch-site": "cross-site" } }), { path: "/save", method: "POST", route: "/*" });
    await expect([403, "csrf_rejected"], user.api("/auth/refresh", { method: "POST", headers: { "sec-fetch-site": "cross-site" } }), { path: "/auth/refresh", method: "POST", route: "/auth/refresh" });
    await expect([403, "csrf_rejected"], user.navigate("/save", { method: "POST", form: {}, from: "https://evil.example" }));
    const forbidden = await expect([403, "forbidden"], user.api("/staff/list"), { path: "/staff/list", route: "/staff/*" });
    assert.match(forbidden.detail, /another value of the claim \w+ than user [0-9a-f]{16} has/);
    await expect([403, "forbidden"], user.navigate("/staff/list"));
    const unreachable = await expect([502, "upstream_unavailable"], user.api("/gone/x?key=private"), { path: "/gone/x", route: "/gone/*" });
    assert.match(unreachable.detail, /ROUTES\[\d\]\.upstream: http:\/\/127\.0\.0\.1:1 cannot be reached/);
    await expect([502, "upstream_unavailable"], user.navigate("/gone/x?key=private"));
    const slow = await expect([504, "upstream_timeout"], user.api("/slow"), { path: "/slow", route: "/*" });
    assert.match(slow.detail, /did not answer in 1 s \(UPSTREAM_TIMEOUT_SECONDS\)/);
    const jwt = [{ alg: "RS256", kid: "k" }, { iss: provider.issuer, aud: "api", exp: 4e9 }].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
    await expect([503, "provider_unavailable"], gateway.request("/machines/x", { headers: { authorization: `Bearer ${jwt.join(".")}.AAAA` } }), { path: "/machines/x", route: "/machines/*" });

    provider.answers.token = () => ({ status: 401, json: { error: "invalid_client" } });
    const refused = world.browser();
    const line = await expect([502, "provider_rejected"], refused.navigate(await callbackOf(refused)), callback);
    assert.match(line.detail, /OIDC_CLIENT_SECRET/);
    provider.answers.token = () => DROP;
    const silent = world.browser();
    const unanswered = await expect([503, "provider_unavailable"], silent.navigate(await callbackOf(silent)), callback);
    assert.match(unanswered.detail, /could not be reached/, "the log says at what");
    provider.answers = {};

    const late = world.browser();
    const address = await callbackOf(late);
    await setDirectory(gateway, "down");
    await expect([503, "store_unavailable"], late.navigate(address), callback);
    await expect([503, "store_unavailable"], administer(gateway, "/users/ada/sessions"), { path: `/auth/admin/users/${nameOf(provider.issuer, "ada")}/sessions`, route: "/auth/admin/" });
    await expect([503, "store_unavailable"], user.api("/auth/sessions"));
    await setDirectory(gateway, "well");

    for (const secret of ["private", "draft", ADMIN_TOKEN, user.session.value.split(".")[2], address.searchParams.get("code"), address.searchParams.get("state")]) {
      assert.ok(!gateway.eventsOf("request").some((event) => JSON.stringify(event).includes(secret)), secret);
    }
  });

  test("conformance 56: config_invalid is one log line with its ray, and it names the variables", async (t) => {
    const world = await createWorld(t, { hostile: true });
    Object.assign(world.gateway.vars, { SESSION_IDLE_SECONDS: "soon", LOG_SUBJECT: "none" });
    await world.gateway.restart();
    for (const [path, headers, asked = path] of [["/auth/healthz"], ["/page", { accept: "text/html" }], ["/auth/admin/users/-/sessions", {}, "/auth/admin/users/ada/sessions"]]) {
      const line = await lineOf(world.gateway, await world.gateway.request(`${asked}?key=private`, { headers }), [500, "config_invalid"]);
      assert.equal(line.path, path);
      assert.match(line.detail, /SESSION_IDLE_SECONDS must be .*; LOG_SUBJECT must be one of: hash, plain/);
    }
    assert.ok(!world.gateway.log.includes("private"));
  });

  test("what a visitor can mend leaves no line: 401, 404, 405, 400 and what goes to log in", async (t) => {
    const world = await createWorld(t, { hostile: true, vars: { ADMIN_ORIGIN: undefined } });
    const { gateway } = world;
    const stranger = world.browser();
    const answers = [
      await stranger.api("/api"),
      await stranger.api("/auth/session"),
      await stranger.api("/auth/nothing"),
      await gateway.request("/x", { headers: { host: "elsewhere.example" } }),
      await gateway.request("/auth/login", { method: "POST", body: "" }),
      await stranger.api("/a%2fb"),
      await administer(gateway, "/users/ada/sessions", { token: "wrong" }),
      await stranger.navigate("/page", { follow: false }),
    ];
    assert.deepEqual(answers.map(({ status }) => status), [401, 401, 404, 404, 405, 400, 401, 302]);
    await sleep(200);
    assert.deepEqual(gateway.eventsOf("request"), []);
  });

  test("a request that is served from a fresh token writes no line", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const user = await world.login();
    await world.token(user);
    await sleep(200);
    const before = world.gateway.events.length;
    for (let i = 0; i < 5; i += 1) await world.token(user);
    await sleep(200);
    assert.equal(world.gateway.events.length, before);
  });

  test("an operator reads what the provider said in a callback, and no page shows it", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const { gateway } = world;
    const browser = world.browser();
    const good = await callbackOf(browser);
    const [code, state] = ["code", "state"].map((name) => good.searchParams.get(name));
    const bad = new URL(good);
    const words = `the user has to consent:\r\n\u001b[31mprompt=consent\u202e <script>alert(1)</script>, code ${code}, state ${state}`;
    for (const [name, value] of Object.entries({ error: "invalid_request", error_description: words })) bad.searchParams.set(name, value);
    const page = await browser.navigate(bad);
    for (const text of ["consent", "alert(1)"]) assert.ok(!page.text.includes(text), page.text);
    const line = await lineOf(gateway, page, [400, "callback_rejected"]);
    const said = "The provider said: invalid_request: the user has to consent: [31mprompt=consent <script>alert(1)</script>, code [removed], state [removed]";
    assert.ok(line.detail.endsWith(said), line.detail);
    const event = await gateway.untilEvent("complete");
    assert.ok(event.detail.endsWith(said.replace("state [removed]", `state ${state.split(".")[0]}.[removed]`)), event.detail);
    assert.ok(!gateway.log.includes(code) && !gateway.log.includes(state) && !gateway.log.includes("\u001b[31m"));

    const long = world.browser();
    const address = await callbackOf(long);
    address.searchParams.set("error", "server_error");
    address.searchParams.set("error_description", "ä".repeat(1500));
    const cut = await lineOf(gateway, await long.navigate(address), [400, "callback_rejected"]);
    assert.equal([...cut.detail.split("The provider said: ")[1]].length, 200);
    const posted = await gateway.request("/auth/callback", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ error: "access_denied", error_description: "not a member", state: "x" }).toString(),
    });
    const { detail } = await lineOf(gateway, posted, [400, "callback_rejected"]);
    assert.ok(!detail.includes("member"), "without a login's state it is a stranger's word");
  });

  test("an operator reads what the token endpoint said, at a login and at a refresh, and neither a page nor the ledger shows it", async (t) => {
    const world = await createWorld(t, { hostile: true });
    const { gateway, provider } = world;
    const user = await world.login();
    const sent = [];
    const refuse = (status, error) => {
      provider.answers.token = (_, { params, headers }) => {
        sent.push(params.code, params.code_verifier, params.refresh_token, provider.clientSecret, headers.authorization?.split(" ")[1]);
        const quoted = [params.code ?? params.refresh_token, params.code_verifier, provider.clientSecret].filter(Boolean).join(" ");
        return { status, json: { error, error_description: `your plan has ended: ${quoted}` } };
      };
    };
    for (const [status, error, expected] of [
      [401, "invalid_client", [502, "provider_rejected"]],
      [400, "invalid_grant", [400, "callback_rejected"]],
      [503, "temporarily_unavailable", [503, "provider_unavailable"]],
    ]) {
      refuse(status, error);
      const browser = world.browser();
      const page = await browser.navigate(await callbackOf(browser));
      assert.ok(!page.text.includes("plan has ended"), page.text);
      const { detail } = await lineOf(gateway, page, expected);
      assert.match(detail, new RegExp(`The provider said: ${error}: your plan has ended: \\[removed\\]`));
    }
    refuse(400, "invalid_grant");
    assert.equal((await user.api("/auth/refresh", { method: "POST" })).status, 401);
    const refresh = await gateway.untilEvent("refresh", ({ outcome }) => outcome === "refused");
    assert.match(refresh.detail, /The provider said: invalid_grant: your plan has ended: \[removed\]/);
    const detail = (await administer(gateway, `/sessions/${refresh.actor}`)).text;
    assert.match(detail, /invalid_grant/);
    assert.ok(!detail.includes("plan has ended"), detail);
    const known = sent.filter(Boolean);
    assert.ok(known.length > 10);
    for (const secret of known) assert.ok(!gateway.log.includes(secret), secret);
  });

  test("an operator reads what the provider said to a pushed authorization request", async (t) => {
    const world = await createWorld(t, { hostile: true, vars: { OIDC_PAR: "always" } });
    world.provider.answers.par = () => ({ status: 400, json: { error: "invalid_request", error_description: "prompt=consent is required" } });
    const page = await world.browser().navigate("/auth/login");
    assert.ok(!page.text.includes("prompt=consent"), page.text);
    const { detail } = await lineOf(world.gateway, page, [502, "provider_rejected"]);
    assert.match(detail, /The provider said: invalid_request: prompt=consent is required$/);
  });

  test("a login whose ID token lacks sub or iat is told by that claim, in the log and on the page", async (t) => {
    const world = await createWorld(t, { hostile: true });
    for (const name of ["sub", "iat"]) {
      world.provider.idToken = { claims: ({ [name]: _, ...rest }) => rest };
      const browser = world.browser();
      const page = await browser.navigate(await callbackOf(browser));
      const { detail } = await lineOf(world.gateway, page, [400, "callback_rejected"]);
      for (const text of [detail, page.text]) assert.ok(text.includes(`(${name})`), text);
    }
  });

  for (const [how, name] of [["hash", nameOf], ["plain", (_, subject) => subject]]) {
    test(`with LOG_SUBJECT=${how} a session's lines name its user so, and an administrator's say by whom`, async (t) => {
      const world = await createWorld(t, { hostile: true, vars: { LOG_SUBJECT: how } });
      const { gateway, provider } = world;
      const user = await world.login();
      await user.api("/auth/refresh", { method: "POST" });
      const { actor } = await gateway.untilEvent("refresh");
      await administer(gateway, `/sessions/${actor}`, { method: "DELETE" });
      const end = await gateway.untilEvent("end");
      const own = gateway.events.filter((line) => line.class === "SessionActor");
      assert.ok(own.length >= 4, JSON.stringify(own));
      for (const line of own) assert.equal(line.user, name(provider.issuer, "ada"), JSON.stringify(line));
      assert.deepEqual([end.cause, end.by], ["admin", "token"]);
      for (const line of gateway.events) assert.equal("by" in line, line.cause === "admin", JSON.stringify(line));
      if (how === "hash") assert.ok(!gateway.log.includes('"ada"') && !gateway.log.includes("/ada/"));
    });
  }

  test("a provider that never answers leaves a line that says at what", async (t) => {
    const world = await createWorld(t, { hostile: true });
    world.provider.answers.discovery = () => HANG;
    const answer = await world.browser().api("/auth/login", { limit: 45_000, headers: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" } });
    assert.match((await lineOf(world.gateway, answer, [503, "provider_unavailable"])).detail, /discovery: the provider did not answer within 10 s/);
  });
});

/** How lines name a user. */
function nameOf(issuer, subject) {
  return createHash("sha256").update(`${issuer}\n${subject}`).digest("hex").slice(0, 16);
}
