// A configuration that is wrong says so, all of it at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { world } from "./parts/world.mjs";

test("GET /healthz of a gateway that is configured is ok", async (t) => {
  const { browser } = await world(t);
  const response = await browser().call("/auth/healthz");
  assert.equal(response.status, 200);
  assert.deepEqual(response.json(), { status: "ok" });
});

test("every problem is reported at once, by variable, on /healthz and on every request", async (t) => {
  const vars = { OIDC_ISSUER: "http://login.example", OIDC_CLIENT_ID: "", UPSTREAM: "app", SESSION_IDLE_SECONDS: "soon", OIDC_AUTHORIZATION_PARAMS: '{"state":"x"}', ADMIN_TOKEN: "short" };
  const { browser, gateway, upstream } = await world(t, { vars });
  for (const path of ["/auth/healthz", "/", "/auth/login", "/api"]) {
    const response = await browser().call(path);
    assert.equal(response.status, 500, path);
    const problem = response.json();
    assert.equal(problem.code, "config_invalid");
    assert.deepEqual(problem.problems.map(({ variable }) => variable).sort(), Object.keys(vars).sort());
  }
  const page = await browser().navigate("/");
  assert.equal(page.status, 500);
  for (const name of Object.keys(vars)) assert.match(page.body, new RegExp(name));
  assert.equal(upstream.requests.length, 0);
  assert.doesNotMatch(gateway.output, /panicked/);
});

test("without PUBLIC_ORIGIN the request's own origin counts", async (t) => {
  const { browser } = await world(t, { vars: { PUBLIC_ORIGIN: "" } });
  const ada = browser();
  await ada.login();
  assert.equal((await ada.call("/x")).status, 200);
});
