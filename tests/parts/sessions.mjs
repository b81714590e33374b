// What a session does wherever it is kept: one list of tests, for a module to register for each store.
import assert from "node:assert/strict";
import { actorOf } from "./actors.mjs";
import { burst, LIFE, statuses } from "./expired.mjs";
import { ADMIN_TOKEN, NAVIGATION } from "./gateway.mjs";
import { INSTRUMENTS, setClockAhead, storageCalls } from "./instruments.mjs";
import { sleep, until } from "./process.mjs";
import { createWorld } from "./world.mjs";

const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** An administrator's view of a session. */
export async function inspect(gateway, id) {
  const answer = await gateway.request(`/auth/admin/sessions/${id}`, { headers: admin });
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

/** An administrator's request. */
export const administer = (gateway, method, path, body) =>
  gateway.request(`/auth/admin${path}`, {
    method,
    headers: { ...admin, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });

/**
 * The tests for the store `name`: `[title, body]`. `open(t)` gives what a gateway needs for it, `{ vars, … }`, and may give
 * `operations()`, which counts what the store was asked so far. `way` is how the store is reached, for the titles.
 */
export function sessionTests(name, open, way = name) {
  const start = async (t, { hostile = {}, vars, ...more } = {}) => {
    const store = await open(t);
    const all = { SESSION_STORE: name, ...store.vars, ...vars };
    const world = await createWorld(t, { hostile: { accessTokenSeconds: LIFE, ...hostile }, ...store, ...more, vars: all });
    return { operations: () => 0, ...store, ...world };
  };

  const tests = [];
  const test = (title, body) => tests.push([title, body]);

  test(`${way}: a user logs in, gets their token through, and a logout ends it`, async (t) => {
    const { gateway, provider, login, token } = await start(t);
    const browser = await login();
    assert.ok(await token(browser));
    const session = (await browser.api("/auth/session")).json();
    assert.equal(session.subject, "ada");
    const detail = await inspect(gateway, actorOf(browser.session));
    assert.equal(detail.store, name);
    assert.equal(detail.state, "active");
    assert.ok(detail.generation >= 2);
    const headers = { cookie: browser.sessionHeader };
    assert.equal((await browser.api("/auth/logout", { method: "POST" })).status, 303);
    const answer = await gateway.request("/api", { headers });
    assert.equal(answer.status, 401);
    assert.equal(answer.json().reason, "logout");
    assert.equal(provider.revoked.length, 1);
  });

  test(`${way}: conformance 30: 50 requests that find the token expired cause one token call`, async (t) => {
    const { gateway, provider, login, token } = await start(t, { entry: INSTRUMENTS });
    const browser = await login();
    const first = await token(browser);
    await setClockAhead(gateway, LIFE + 1);
    assert.deepEqual(statuses(await burst(browser, 50)), [200]);
    assert.equal(provider.refreshes.length, 1);
    assert.notEqual(await token(browser), first);
  });

  test(`${way}: a session outlives the process, before and after a refresh, and no refresh token is presented twice`, async (t) => {
    const { gateway, provider, login, token } = await start(t);
    const browser = await login();
    const first = await token(browser);
    await gateway.restart();
    assert.equal(await token(browser), first);
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const second = await token(browser);
    assert.notEqual(second, first);
    await gateway.kill9();
    await gateway.restart();
    assert.equal(await token(browser), second);
    await sleep(1200);
    await gateway.restart();
    assert.equal(await token(browser), second);
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });

  test(`${way}: conformance 33: a kill -9 in the middle of a refresh never leads to a second presentation`, async (t) => {
    const { gateway, provider, login, token } = await start(t);
    const browser = await login();
    const first = await token(browser);
    provider.answers.token = () => new Promise(() => {});
    const headers = { cookie: browser.sessionHeader, "sec-fetch-site": "same-origin" };
    gateway.request("/auth/refresh", { method: "POST", headers }).catch(() => {});
    await until("the refresh token is presented", () => provider.presented.length === 1);
    await gateway.kill9();
    provider.answers = {};
    await gateway.restart();
    assert.equal(await token(browser), first, "the access token is as good as before");
    await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(provider.presented.length, 1);
  });

  test(`${way}: conformance 41: a revocation by an administrator holds on the very next request, and after a restart`, async (t) => {
    const { gateway, login, token } = await start(t);
    const browser = await login();
    await token(browser);
    const id = actorOf(browser.session);
    const headers = { cookie: browser.sessionHeader };
    assert.equal((await administer(gateway, "DELETE", `/sessions/${id}`)).status, 204);
    const answer = await gateway.request("/api", { headers });
    assert.equal(answer.json().reason, "revoked");
    await gateway.kill9();
    await gateway.restart();
    assert.equal((await gateway.request("/api", { headers })).json().reason, "revoked");
    assert.equal((await inspect(gateway, id)).state, "ended");
  });

  test(`${way}: an administrator moves a session to another region, and its refresh token goes along`, async (t) => {
    const { gateway, provider, login, token } = await start(t);
    const browser = await login();
    const first = await token(browser);
    const id = actorOf(browser.session);
    const moved = await administer(gateway, "POST", `/sessions/${id}/migrate`, { region: "apac" });
    assert.equal(moved.status, 200, moved.text);
    assert.equal(moved.json().region, "apac");
    assert.equal(moved.json().store, name);
    assert.equal(await token(browser), first);
    assert.equal((await inspect(gateway, id)).state, "moved");
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200);
    const second = await token(browser);
    await gateway.restart();
    assert.equal(await token(browser), second);
    assert.equal(new Set(provider.presented).size, provider.presented.length);
  });

  test(`${way}: a silent login takes the place of a session that has run out of tokens, and inherits its age`, async (t) => {
    const { gateway, provider, login } = await start(t, { entry: INSTRUMENTS });
    const browser = await login();
    const { created_at } = (await browser.api("/auth/session")).json();
    provider.answers.token = (valid, { params }) => (params.grant_type === "refresh_token" ? { status: 502, body: "" } : valid());
    await setClockAhead(gateway, LIFE + 1);
    const page = await browser.navigate("/deep?x=1", { headers: NAVIGATION });
    assert.equal(page.status, 200, page.text);
    assert.equal((await browser.api("/auth/session")).json().created_at, created_at);
  });

  test(`${way}: an idle session ends by itself`, async (t) => {
    const { gateway, login } = await start(t, { vars: { SESSION_IDLE_SECONDS: "2" } });
    const browser = await login();
    const id = actorOf(browser.session);
    await gateway.untilEvent("end", ({ outcome, actor }) => outcome === "idle" && actor === id, 6000);
    assert.equal((await browser.api("/api")).json().reason, "idle");
  });

  test(`${way}: a hot Get does no storage operation, in the actor or in the store`, async (t) => {
    const { gateway, login, token, operations } = await start(t, { entry: INSTRUMENTS });
    const browser = await login();
    await token(browser);
    await sleep(1500); // the first use is written down
    const [before, asked] = [await storageCalls(gateway), operations()];
    assert.ok(before.total > 0);
    for (let i = 0; i < 20; i += 1) await token(browser);
    await Promise.all(Array.from({ length: 20 }, () => token(browser)));
    await sleep(200);
    assert.deepEqual((await storageCalls(gateway)).counts, before.counts);
    assert.equal(operations(), asked);
  });
  return tests;
}

/** A request of the gateway's own pages with nothing but this cookie. */
export const withCookie = ({ gateway }, { name, value }, target = "/api", { headers, ...more } = {}) =>
  gateway.request(target, { headers: { cookie: `${name}=${value}`, "sec-fetch-site": "same-origin", ...headers }, ...more });
