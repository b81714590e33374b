// The same over TLS: cookies with the names and attributes that browsers hold a site to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { certificate } from "./parts/certificate.mjs";
import { send } from "./parts/browser.mjs";
import { world } from "./parts/world.mjs";

test("over https the cookies have the __Host-Http- prefix and are Secure", async (t) => {
  const { ca, key, cert } = certificate();
  const { browser, gateway, upstream } = await world(t, { tls: { key, cert } });
  const ada = browser({ ca });
  const callback = await ada.toCallback();
  const login = [...ada.cookies()].find(([name]) => /^__Host-Http-login-[0-9a-f]{8}$/.test(name));
  assert.ok(login[1].attributes.secure && login[1].attributes.httponly);
  assert.equal(login[1].attributes.samesite, "Lax");
  await ada.navigate(callback);
  const { name, attributes, value } = ada.session;
  assert.equal(name, "__Host-Http-session");
  assert.deepEqual([attributes.secure, attributes.httponly, attributes.path, attributes.samesite, attributes.domain], [true, true, "/", "Lax", undefined]);
  assert.equal((await ada.call("/x")).status, 200);
  assert.equal(upstream.requests.at(-1).headers["x-forwarded-proto"], "https");
  // The name without its prefix is the application's own.
  const plain = await send(gateway.url("/x"), { ca, headers: { cookie: `session=${value}` } });
  assert.equal(plain.status, 401);
  const both = await send(gateway.url("/x"), { ca, headers: { cookie: `session=mine; ${name}=${value}` } });
  assert.equal(both.status, 200);
  assert.equal(upstream.requests.at(-1).headers.cookie, "session=mine");
});

test("over https a login whose callback is posted has a SameSite=None cookie", async (t) => {
  const { ca, key, cert } = certificate();
  const { browser } = await world(t, { tls: { key, cert }, vars: { OIDC_RESPONSE_MODE: "form_post" } });
  const ada = browser({ ca });
  await ada.send("/auth/login");
  const [, { attributes }] = [...ada.cookies()].find(([name]) => name.includes("login-"));
  assert.equal(attributes.samesite, "None");
});
