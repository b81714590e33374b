// What went wrong once, each under the name of what was seen. A fix comes with a test here.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { raw } from "./parts/rawhttp.mjs";
import { sleep } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

describe("regression", { concurrency: 3 }, () => {
  test("of many sessions in use, all are refreshed ahead, not only those whose alarm fired a moment late", async (t) => {
    // An alarm that fires in the very millisecond of its time found nothing to do, and set itself to the same time.
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
});
