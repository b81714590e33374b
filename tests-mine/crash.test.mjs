// What a crash leaves behind: conformance 33.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileWorld, sleep, until, world } from "./parts/world.mjs";

test("a session survives a restart of the process", async (t) => {
  const { browser, gateway, upstream } = await world(t);
  const ada = browser();
  await ada.login();
  const before = upstream.requests.at(-1).headers.authorization;
  await gateway.restart();
  assert.equal((await ada.call("/x")).status, 200);
  assert.equal(upstream.requests.at(-1).headers.authorization, before);
});

test("a login that is under way survives a restart of the process", async (t) => {
  const { browser, gateway } = await world(t);
  const ada = browser();
  const callback = await ada.toCallback();
  await gateway.restart();
  assert.equal((await ada.navigate(callback)).status, 200);
});

for (const moment of ["before", "after"]) {
  test(`conformance 33: killed ${moment} the provider's answer, the refresh token is never presented again and the user comes back silently`, async (t) => {
    const { browser, gateway, provider } = await hostileWorld(t);
    provider.expiresIn = 1;
    const ada = browser();
    await ada.navigate("/auth/login?return_to=/auth/session");
    provider.expiresIn = 3600;
    await sleep(1000);
    provider.script["/token"] = async (call, response) => {
      provider.presented.push(call.body.get("refresh_token"));
      if (moment === "before") return new Promise(() => {});
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"access_token":"lost","token_type":"Bearer"');
      return new Promise(() => {});
    };
    ada.call("/api").catch(() => {});
    await until("the token call", () => provider.presented.length);
    await gateway.kill();
    delete provider.script["/token"];
    await gateway.start();
    const response = await ada.call("/api");
    assert.equal(response.status, 401);
    assert.equal(response.json().code, "login_required");
    const page = await ada.navigate("/page");
    assert.equal(page.status, 200);
    assert.deepEqual(provider.presented, ["refresh-1"]);
  });
}

test("conformance 33: killed during a refresh, the token is presented again within the leeway", async (t) => {
  const { browser, gateway, provider } = await hostileWorld(t, { vars: { OIDC_REUSE_LEEWAY_SECONDS: "60" } });
  provider.expiresIn = 1;
  const ada = browser();
  await ada.navigate("/auth/login?return_to=/auth/session");
  provider.expiresIn = 3600;
  await sleep(1000);
  provider.script["/token"] = (call) => (provider.presented.push(call.body.get("refresh_token")), new Promise(() => {}));
  ada.call("/api").catch(() => {});
  await until("the token call", () => provider.presented.length);
  await gateway.kill();
  delete provider.script["/token"];
  await gateway.start();
  assert.equal((await ada.call("/api")).status, 200);
  assert.deepEqual(provider.presented, ["refresh-1", "refresh-1"]);
});

test("an ended session stays ended after a restart", async (t) => {
  const { browser, gateway } = await world(t);
  const ada = browser();
  await ada.login();
  const { line } = ada.session;
  await ada.post("/auth/logout");
  await gateway.restart();
  ada.keep(gateway.origin, line);
  const response = await ada.call("/x");
  assert.deepEqual([response.status, response.json().reason], [401, "logout"]);
});
