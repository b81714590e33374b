// The end of a session, by its user: conformance 24, 38.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileWorld, until, world } from "./parts/world.mjs";

test("conformance 38: after a logout the old cookie gets 401 on the very next request, and the refresh token is revoked", async (t) => {
  const { browser, provider, gateway } = await world(t);
  const ada = browser();
  await ada.login();
  const { line } = ada.session;
  const response = await ada.post("/auth/logout");
  assert.equal(response.status, 303);
  assert.equal(ada.session, undefined);
  ada.keep(gateway.origin, line);
  const next = await ada.call("/x");
  assert.deepEqual([next.status, next.json().code, next.json().reason], [401, "session_ended", "logout"]);
  const [revocation] = await until("the revocation", () => {
    const calls = provider.calls.filter(({ path }) => path === "/token/revocation");
    return calls.length && calls;
  });
  assert.equal(await provider.oidc.RefreshToken.find(revocation.body.get("token")), undefined);
});

test("a logout goes through the provider and comes back to return_to", async (t) => {
  const { browser } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  const { headers } = await ada.post("/auth/logout", { return_to: "/bye" });
  const url = new URL(headers.location);
  assert.equal(url.pathname, "/logout");
  assert.equal(url.searchParams.get("client_id"), "gateway");
  assert.equal(url.searchParams.get("post_logout_redirect_uri"), `${ada.gateway.origin}/auth/logged-out`);
  assert.ok(url.searchParams.get("id_token_hint"));
  const state = url.searchParams.get("state");
  const back = await ada.send(`/auth/logged-out?state=${encodeURIComponent(state)}`);
  assert.deepEqual([back.status, back.headers.location], [303, "/bye"]);
});

test("conformance 38: coming back with a missing or other state shows a page and leads nowhere", async (t) => {
  const { browser } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  const { headers } = await ada.post("/auth/logout", { return_to: "/bye" });
  const state = new URL(headers.location).searchParams.get("state");
  const [actor] = state.split(".");
  for (const other of ["", "?state=", "?state=x", `?state=${actor}.${"A".repeat(43)}`, `?state=${"a".repeat(64)}.${"A".repeat(43)}`, `?state=${actor}`]) {
    const page = await ada.send(`/auth/logged-out${other}`);
    assert.equal(page.status, 200, other);
    assert.match(page.body, /logged out/i);
  }
});

test("a logout without return_to ends on a page that does not log in again", async (t) => {
  const { browser } = await hostileWorld(t, {});
  const ada = browser();
  await ada.login();
  const { headers } = await ada.post("/auth/logout");
  const state = new URL(headers.location).searchParams.get("state");
  const page = await ada.send(`/auth/logged-out?state=${encodeURIComponent(state)}`);
  assert.equal(page.status, 200);
});

test("a provider without an end-session endpoint: the logout goes straight on", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.script.metadata = { end_session_endpoint: undefined };
  const ada = browser();
  await ada.login();
  assert.equal((await ada.post("/auth/logout", { return_to: "/bye" })).headers.location, "/bye");
  await ada.login();
  assert.equal((await ada.post("/auth/logout")).headers.location, "/auth/logged-out");
});

test("conformance 24: a logout from an image or a link of another site changes nothing", async (t) => {
  const { browser } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  const image = await ada.send("/auth/logout", { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" } });
  const link = await ada.navigate("/auth/logout?return_to=/bye", { headers: { "sec-fetch-site": "cross-site" } });
  for (const { status, body } of [image, link]) {
    assert.equal(status, 200);
    assert.match(body, /<form method="post"/);
  }
  assert.match(link.body, /action="\/auth\/logout\?return_to=%2Fbye"/);
  assert.equal((await ada.call("/x")).status, 200);
});

test("a logout by the address bar, or a link of this site, acts", async (t) => {
  for (const site of ["none", "same-origin"]) {
    const { browser } = await hostileWorld(t);
    const ada = browser();
    await ada.login();
    const stopped = await ada.navigate("/auth/logout", { headers: { "sec-fetch-site": site }, stop: () => true });
    assert.equal(stopped.status, 303);
    assert.equal(ada.session, undefined);
  }
});

test("a logout posted by another site is rejected", async (t) => {
  const { browser } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }]) {
    const response = await ada.post("/auth/logout", {}, headers);
    assert.equal(response.status, 403);
  }
  const old = await ada.send("/auth/logout", { method: "POST", headers: { origin: "https://evil.example" } });
  assert.equal(old.status, 403);
  assert.equal((await ada.call("/x")).status, 200);
});

test("a logout of nobody is no error", async (t) => {
  const { browser } = await hostileWorld(t);
  const response = await browser().post("/auth/logout");
  assert.deepEqual([response.status, response.headers.location], [303, "/auth/logged-out"]);
});

test("a logout works while the provider is down", async (t) => {
  const { browser, provider, gateway } = await hostileWorld(t);
  const ada = browser();
  await ada.login();
  const { line } = ada.session;
  await provider.stop();
  assert.equal((await ada.post("/auth/logout")).status, 303);
  ada.keep(gateway.origin, line);
  assert.equal((await ada.call("/x")).json().reason, "logout");
});
