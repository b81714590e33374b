// `make dev`: the gateway with the demo provider and the demo application, its log in readable lines, and nothing left
// behind.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import { readable } from "../demo/log-lines.mjs";
import { Browser } from "./parts/browser.mjs";
import { untilStarted } from "./parts/demo.mjs";
import { request } from "./parts/http.mjs";
import { freePort, removeFolder, ROOT, start, stop, until } from "./parts/process.mjs";

describe("demo", () => {
  test("it starts, logs in, says in columns what happened, and its sessions and the administrators' token survive a restart", { timeout: 480_000 }, async (t) => {
    const port = await freePort();
    const storage = path.join(ROOT, `.wrangler/demo-${port}-oidc`);
    t.after(() => removeFolder(storage));
    let child = start(process.execPath, ["demo/run.mjs"], { env: { PORT: String(port), TOKEN_LIFE: "60" } });
    t.after(() => stop(child));
    await untilStarted(child, 420_000);
    assert.ok(child.output.includes(`http://localhost:${port}/`), child.output);
    assert.ok(existsSync(storage), "its storage is in the checkout");

    const browser = new Browser({ origin: `http://localhost:${port}`, cookie: { session: "edge-session" } });
    const form = await browser.navigate("/");
    assert.match(form.text, /Continue as Ada Lovelace/);
    const page = await browser.navigate(form.url, { method: "POST", form: { user: "ada" }, from: form.url.origin });
    assert.equal(page.status, 200);
    assert.match(page.text, /Demo application/);
    assert.equal((await browser.api("/api/hello")).json().token_accepted, true);
    const [, address, token] = /(http:\S+\/auth\/admin\/) \(token (\S+)\)/.exec(child.output);
    assert.equal(address, `http://admin.localhost:${port}/auth/admin/`, "the console has an origin of its own");
    const seen = await request(`http://127.0.0.1:${port}/auth/admin/`, { headers: { host: `admin.localhost:${port}` } });
    assert.equal(seen.status, 200, seen.text);
    assert.equal((await browser.api("/auth/admin/")).status, 404, "and the application's has none");
    const listed = await browser.api("/auth/admin/users/ada/sessions", { headers: { authorization: `Bearer ${token}` } });
    assert.equal(listed.json().sessions.length, 1, "the console's token is the one that it says");
    await until("the login is in the log", () => /complete .* ok {2}the user logged in/.test(child.output));
    const failed = await browser.navigate("/auth/callback?state=x&code=y");
    const [, ray] = /Reference: ([^<]+)</.exec(failed.text);
    await until("the request that failed is in the log, with the reference of its page", () =>
      child.output.includes(`400 callback_rejected  GET /auth/callback  `) && child.output.includes(`(reference ${ray})`));

    child.kill("SIGINT");
    await child.gone;
    assert.equal(child.exitCode, 0, child.output);

    child = start(process.execPath, ["demo/run.mjs"], { env: { PORT: String(port), TOKEN_LIFE: "60" } });
    await untilStarted(child, 110_000);
    assert.ok(child.output.includes(`(token ${token})`), "the console's token is that of before");
    assert.equal((await browser.api("/api/hello")).json().token_accepted, true, "the session lives on");
    assert.equal((await browser.api("/auth/refresh", { method: "POST" })).status, 200, "the provider knows its refresh token");
    assert.equal((await browser.api("/api/hello")).json().token_accepted, true);
    child.kill("SIGINT");
    await child.gone;
    assert.equal(child.exitCode, 0, child.output);
  });

  test("a port that is taken and a value that does not fit are named, with what to put there", async () => {
    const port = await freePort();
    const taken = createServer().listen(port, "127.0.0.1");
    try {
      for (const [env, says] of [
        [{ PORT: String(port) }, `port ${port} is taken: choose another one with make dev PORT=${port + 1}`],
        [{ PORT: "0" }, "PORT must be a whole number from 1 to 65535"],
        [{ EXAMPLE: "nope" }, "EXAMPLE must be one of: chat, classic"],
        [{ PROVIDER: "nope" }, "PROVIDER must be one of: oidc, auth0, workos"],
        [{ TOKEN_LIFE: "soon" }, "TOKEN_LIFE must be a whole number"],
      ]) {
        const child = start(process.execPath, ["demo/run.mjs"], { env });
        await child.gone;
        assert.equal(child.exitCode, 1, child.output);
        assert.ok(child.output.includes(says), child.output);
      }
    } finally {
      taken.close();
    }
  });

  for (const [PROVIDER, subject] of [["auth0", /^auth0\|ada$/], ["workos", /^user_/]]) {
    test(`PROVIDER=${PROVIDER} runs it against the stand-in, where a user comes in at once and goes out again`, { timeout: 120_000 }, async (t) => {
      const port = await freePort();
      const child = start(process.execPath, ["demo/run.mjs"], { env: { PORT: String(port), PROVIDER } });
      t.after(() => stop(child));
      await untilStarted(child, 110_000);
      const browser = new Browser({ origin: `http://localhost:${port}`, cookie: { session: "edge-session" } });
      const page = await browser.navigate("/");
      assert.match(page.text, /Demo application/);
      assert.match((await browser.api("/auth/session")).json().subject, subject);
      const out = await browser.navigate("/auth/logout", { from: browser.origin, method: "POST", form: {} });
      assert.equal(out.url.origin + out.url.pathname, `http://localhost:${port}/auth/logged-out`);
      child.kill("SIGINT");
      await child.gone;
      assert.equal(child.exitCode, 0, child.output);
    });
  }

  test("the columns of its log stand one under the other, however long an outcome is", () => {
    const event = { event: "complete", actor: "a".repeat(64), outcome: "ok", cause: "request", duration_ms: 3, detail: "the user logged in" };
    const lines = [event, { ...event, event: "get_denied", outcome: "provider_unavailable", cause: "alarm", duration_ms: 10_012 }];
    const [one, two] = lines.map((line) => readable(JSON.stringify(line), { colour: false }));
    for (const [here, there] of [["complete", "get_denied"], ["session", "session"], ["by request", "by alarm"], ["ok", "provider_unavailable"]]) {
      assert.equal(one.indexOf(here), two.indexOf(there), `${one}\n${two}`);
    }
  });
});
