// Over TLS, with a certificate of our own: the cookies get their prefix, and only those names count.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rawGet } from "./parts/rawhttp.mjs";
import { valuesOf } from "./parts/upstream.mjs";
import { createWorld } from "./parts/world.mjs";

describe("https", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { https: true, host: "localhost" });
  });
  after(() => world.close());

  test("the session cookie is __Host-Http-session with every attribute that browsers ask of the prefix", async () => {
    const browser = await world.login();
    const { name, value, secure, httpOnly, path, sameSite, domain, maxAge } = browser.session;
    assert.equal(name, "__Host-Http-session");
    assert.match(value, /^(wnam|enam|sam|weur|eeur|apac|oc|afr|me)\.[0-9a-f]{64}\.[\w-]{43}$/);
    assert.deepEqual({ secure, httpOnly, path, sameSite, domain }, { secure: true, httpOnly: true, path: "/", sameSite: "Lax", domain: undefined });
    assert.ok(maxAge > 604_700 && maxAge <= 604_800, `${maxAge}`);
    assert.deepEqual(browser.jar().refused, [], "a browser keeps all of them");
    assert.ok(await world.token(browser));
  });

  test("the login cookie has the prefix, too", async () => {
    const browser = world.browser();
    await browser.navigate("/auth/login", { follow: false });
    const { name, secure, httpOnly, path, sameSite, maxAge } = browser.jar().get(world.gateway.cookie.login);
    assert.match(name, /^__Host-Http-login-[0-9a-f]{8}$/);
    assert.deepEqual({ secure, httpOnly, path, sameSite, maxAge }, { secure: true, httpOnly: true, path: "/", sameSite: "Lax", maxAge: 1200 });
  });

  test("conformance 19: over https the names of plain http are none of ours, with or without the other prefix", async () => {
    const browser = await world.login();
    const { value } = browser.session;
    const { origin, ca } = world.gateway;
    for (const name of ["session", "__Host-session", "__Http-session", "__Secure-session", "__host-http-session"]) {
      const answer = await rawGet(origin, "/api", [`cookie: ${name}=${value}`], { ca });
      assert.equal(answer.status, 401, name);
    }
    const both = await rawGet(origin, "/api", [`cookie: session=theirs; __Host-Http-session=${value}`], { ca });
    assert.equal(both.status, 200);
    assert.deepEqual(valuesOf(both.json().headers, "cookie"), ["session=theirs"], "the application may have a session of its own");
  });

  test("the application may set a cookie called session over https, and none with our prefix", async () => {
    const browser = await world.login();
    world.upstream.answer("/cookies", (_, response) => {
      response.writeHead(200, { "set-cookie": ["session=theirs; Path=/", "__Host-Http-session=evil; Path=/; Secure; HttpOnly"] }).end();
    });
    const answer = await rawGet(world.gateway.origin, "/cookies", [`cookie: ${browser.sessionHeader}`], { ca: world.gateway.ca });
    assert.deepEqual(answer.setCookies, ["session=theirs; Path=/"]);
  });

  test("X-Forwarded-Proto is https, and the redirect URI is", async () => {
    const browser = await world.login();
    const { headers } = (await browser.api("/seen")).json();
    assert.deepEqual(valuesOf(headers, "x-forwarded-proto"), ["https"]);
    const authorization = world.provider.calls.authorization.at(-1).params ?? world.provider.calls.authorization.at(-1).query;
    assert.equal(authorization.redirect_uri, `${world.gateway.origin}/auth/callback`);
  });

  test("a provider on another site that posts the callback gets its login cookie with SameSite=None", async (t) => {
    const posted = await createWorld(t, { https: true, host: "localhost", vars: { OIDC_RESPONSE_MODE: "form_post" } });
    const browser = posted.browser();
    const page = await browser.navigate("/auth/login?return_to=/there");
    assert.equal(page.status, 200, page.text);
    assert.equal(page.json().url, "/there");
    const login = browser.hops.find(({ url }) => url.pathname === "/auth/login");
    assert.match(login.setCookies[0], /SameSite=None/);
    assert.match(login.setCookies[0], /Secure/);
    const callback = browser.hops.find(({ url }) => url.pathname === "/auth/callback");
    assert.equal(callback.sent["sec-fetch-site"], "cross-site");
    assert.equal(browser.session.sameSite, "Lax");
    const cleared = callback.setCookies.find((line) => line.startsWith("__Host-Http-login-"));
    assert.match(cleared, /Max-Age=0/);
  });

  test("a logout takes the cookie away with the attributes that it was set with", async () => {
    const browser = await world.login();
    const answer = await browser.api("/auth/logout", { method: "POST" });
    const line = answer.setCookies.find((line) => line.startsWith("__Host-Http-session="));
    for (const attribute of [/Max-Age=0/, /Secure/, /Path=\//, /HttpOnly/]) assert.match(line, attribute);
    assert.equal(browser.session, undefined);
  });
});
