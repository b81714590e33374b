// What went wrong once, each under the name of what was seen. A fix comes with a test here.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { signingKey } from "./parts/keys.mjs";
import { raw } from "./parts/rawhttp.mjs";
import { sleep } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

describe("regression", { concurrency: 3 }, () => {
  test("of many sessions in use, all are refreshed ahead, not only those whose alarm fired a moment late", async (t) => {
    // An alarm that fired in the very millisecond of its time used to find nothing to do, and to set itself to the same time.
    const { provider, login } = await createWorld(t, { hostile: { accessTokenSeconds: 4 } });
    const sessions = 40;
    await Promise.all(Array.from({ length: sessions }, () => login()));
    await sleep(4500);
    assert.equal(provider.refreshes.length, sessions);
    assert.equal(new Set(provider.presented).size, sessions);
  });

  test("a GET or HEAD with a body, or with Content-Length: 0, reaches the application", async (t) => {
    const { gateway, login } = await createWorld(t);
    const browser = await login();
    for (const method of ["GET", "HEAD"]) {
      for (const [framing, body] of [["content-length: 0", ""], ["content-length: 5", "hello"], ["transfer-encoding: chunked", "0\r\n\r\n"]]) {
        const lines = [`${method} /seen HTTP/1.1`, `host: ${new URL(gateway.origin).host}`, `cookie: ${browser.sessionHeader}`, framing];
        const answer = await raw(gateway.origin, lines, { body });
        assert.equal(answer.status, 200, `${method} ${framing}: ${answer.text}`);
      }
    }
  });

  test("a session that is used all the time has not been idle, even if the process ends", async (t) => {
    // The uses were remembered in memory, and only the first was written down.
    const { gateway, login, token } = await createWorld(t, { vars: { SESSION_IDLE_SECONDS: "4" } });
    const browser = await login();
    const end = Date.now() + 5500;
    while (Date.now() < end) {
      await token(browser);
      await sleep(60); // less than a twentieth of the idle time
    }
    await gateway.kill9();
    await gateway.restart();
    await token(browser);
  });

  test("a rotation of keys ends no session and fails no login, whoever comes second", async (t) => {
    // One actor fetched the keys again. The others learned that there is no such key.
    const { provider, login, token } = await createWorld(t, { hostile: { accessTokenSeconds: 2 } });
    const unused = { returnTo: "/auth/session" }; // so that the alarm refreshes none of them ahead
    const browsers = await Promise.all([login(unused), login(unused), login(unused)]);
    await sleep(2000);
    const before = provider.calls.jwks.length;
    provider.key = signingKey("RS256", "rotated");
    provider.answers.jwks = async (valid) => {
      await sleep(500);
      return valid();
    };
    await Promise.all([...browsers.map((browser) => token(browser)), login(), login()]);
    assert.equal(provider.calls.jwks.length, before + 1);
  });

  test("with the keys out of reach a refreshed ID token of another user still ends the session", async (t) => {
    const { provider, gateway, browser: open } = await createWorld(t, { hostile: { accessTokenSeconds: 2 } });
    const browser = open();
    await browser.login({ returnTo: "/auth/session" }); // no use: the alarm refreshes nothing
    await gateway.restart(); // the keys are forgotten
    await sleep(2000);
    provider.answers.jwks = () => ({ status: 503 });
    provider.idToken.claims = (claims) => ({ ...claims, sub: "mallory" });
    const answer = await browser.api("/api");
    assert.equal(answer.status, 401, answer.text);
    assert.equal(answer.json().reason, "refresh_rejected");
  });

  test("with the keys out of reach a refresh has an unknown outcome: nothing of its ID token is used, and the session lives", async (t) => {
    const { provider, gateway, upstream, browser: open } = await createWorld(t, { hostile: { accessTokenSeconds: 2 } });
    const browser = open();
    await browser.login({ returnTo: "/auth/session" }); // no use: the alarm refreshes nothing
    await gateway.restart();
    await sleep(2000);
    provider.answers.jwks = () => ({ status: 503 });
    assert.equal((await browser.api("/api")).json().code, "login_required");
    assert.equal(upstream.requests.length, 0);
    assert.equal(provider.refreshes.length, 1);
    assert.ok(provider.calls.jwks.length > 1);
    assert.equal((await browser.api("/auth/session")).json().subject, "ada");
  });

  test("the reload of a strict cookie's page leads nowhere else", async (t) => {
    const { gateway } = await createWorld(t, { hostile: true, vars: { COOKIE_SAME_SITE: "strict" } });
    const headers = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "cross-site" };
    for (const target of ["//evil.example/x", "/a/..//evil.example"]) {
      const page = await gateway.request(target, { headers });
      assert.equal(page.status, 200);
      assert.match(page.text, /content="0;url=\/"/, target);
      assert.doesNotMatch(page.text, /evil/);
    }
  });

  test("POST /refresh with nothing left to refresh with is no success", async (t) => {
    const { provider, browser: open } = await createWorld(t, { hostile: { accessTokenSeconds: 1 } });
    provider.answers.token = (valid) => {
      const answer = valid();
      delete answer.json.refresh_token;
      return answer;
    };
    const browser = open();
    await browser.navigate("/auth/login?return_to=/auth/session");
    await sleep(1000);
    const answer = await browser.api("/auth/refresh", { method: "POST" });
    assert.equal(answer.status, 401, answer.text);
    assert.equal(answer.json().code, "login_required");
  });
});
