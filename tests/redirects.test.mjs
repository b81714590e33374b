// Where a login may lead: conformance 13, 14, 16.
import assert from "node:assert/strict";
import { test } from "node:test";
import { send } from "./parts/browser.mjs";
import { world } from "./parts/world.mjs";

const ELSEWHERE = [
  "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "/%09/evil.example",
  "/%5Cevil.example", "%2F%2Fevil.example", "/.//evil.example", "/a/..//evil.example", "javascript:alert(1)", "data:text/html,x", "//evil.example@127.0.0.1",
  "http://127.0.0.1.evil.example/", "http://evil.example\\@127.0.0.1/", "/\t/evil.example", "/\n/evil.example", " //evil.example", "/a\u0000b", "http:///evil.example",
];

test("conformance 13, 14: no return_to leads to another origin", async (t) => {
  const { browser, gateway } = await world(t);
  const host = new URL(gateway.origin).host;
  const more = [`http://${host}@evil.example/`, `http://user@${host}/`, `http://127.0.0.1:${gateway.port + 1}/`, `https://${host}/`, `http://${host}.evil.example/`];
  for (const to of [...ELSEWHERE, ...more]) {
    const ada = browser();
    const first = await ada.send(`/auth/login?return_to=${encodeURIComponent(to)}`, { headers: { accept: "text/html" } });
    if (first.status === 400) continue;
    const callback = await ada.navigate(first.headers.location, { stop: (url) => url.startsWith(`${gateway.origin}/auth/callback`) });
    const { headers } = await ada.send(callback.next);
    assert.equal(new URL(headers.location, gateway.origin).origin, gateway.origin, `${to} → ${headers.location}`);
  }
});

test("conformance 14: a return_to that is no address of this site is a 400", async (t) => {
  const { browser } = await world(t);
  for (const to of ["https://evil.example", "//evil.example", "/\\evil.example", "/\n/x", "x"]) {
    const response = await browser().send(`/auth/login?return_to=${encodeURIComponent(to)}`);
    assert.equal(response.status, 400, to);
    assert.equal(response.json().code, "bad_request");
  }
});

test("conformance 16: authorization parameters in the query are ignored", async (t) => {
  const { browser } = await world(t);
  const { headers } = await browser().send("/auth/login?scope=admin&redirect_uri=https%3A%2F%2Fevil.example&nonce=x&state=y&response_type=token&code_challenge=z");
  const query = new URL(headers.location).searchParams;
  for (const [name, value] of [["scope", "admin"], ["redirect_uri", "https://evil.example"], ["nonce", "x"], ["state", "y"], ["response_type", "token"], ["code_challenge", "z"]]) {
    assert.equal(query.getAll(name).length, 1);
    assert.notEqual(query.get(name), value);
  }
});

test("a request for another host is a 404", async (t) => {
  const { gateway } = await world(t);
  const response = await send(gateway.url("/auth/login"), { headers: { host: "evil.example" } });
  assert.equal(response.status, 404);
  assert.equal(response.setCookie.length, 0);
});
