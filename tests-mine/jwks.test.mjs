// The provider's keys: conformance 39, 40, for ID tokens.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { hostileWorld } from "./parts/world.mjs";

test("conformance 39: many random key ids cause one fetch of the keys in a cooldown", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  await browser().login();
  const before = provider.count("/jwks");
  provider.script.idToken = (nonce, token) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return `${part({ alg: "RS256", kid: randomBytes(8).toString("hex") })}.${part(provider.claims(nonce, token))}.${randomBytes(256).toString("base64url")}`;
  };
  // The whole thousand, against the same rule, is a test of provider/cache.rs.
  for (let round = 0; round < 10; round++) {
    const pages = await Promise.all(Array.from({ length: 10 }, () => browser().navigate("/auth/login")));
    assert.ok(pages.every(({ status }) => status === 400));
  }
  assert.equal(provider.count("/jwks"), before + 1);
});

test("conformance 40: keys that cannot be fetched are the provider's absence", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  provider.script["/jwks"] = (_, response) => response.writeHead(500).end();
  const ada = browser();
  const page = await ada.navigate("/auth/login");
  assert.equal(page.status, 503);
  assert.ok(page.headers["retry-after"]);
  assert.equal(ada.session, undefined);
  // A GET is repeated, once.
  assert.equal(provider.count("/jwks"), 2);
});

test("conformance 40: keys that were fetched a moment ago go on serving when they cannot be fetched", async (t) => {
  const { browser, provider } = await hostileWorld(t);
  await browser().login();
  provider.script["/jwks"] = (_, response) => response.destroy();
  await browser().login();
});

test("conformance 40: a key set of 50 MB is cut off", async (t) => {
  const { browser, provider, gateway } = await hostileWorld(t);
  let sent = 0;
  provider.script["/jwks"] = async (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const chunk = Buffer.alloc(1 << 20, 32);
    for (let megabyte = 0; megabyte < 50 && !response.destroyed; megabyte++) {
      sent += chunk.length;
      if (!response.write(chunk)) await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
    }
    response.end();
  };
  const page = await browser().navigate("/auth/login");
  assert.equal(page.status, 502);
  assert.ok(sent < 30 << 20, `${sent} bytes were read`);
  assert.equal((await browser().call("/auth/healthz")).status, 200);
  assert.doesNotMatch(gateway.output, /panicked/);
});
