// `make dev` itself, as a newcomer types it: it compiles, says where to go, logs in, and stops with Ctrl-C.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import path from "node:path";
import { Browser } from "./parts/browser.mjs";
import { untilStarted } from "./parts/demo.mjs";
import { freePort, removeFolder, ROOT, sleep, start, stop } from "./parts/process.mjs";

const MINUTES = 60_000;

describe("make dev", () => {
  test("it starts, serves a login, is not built again and again, and stops", { timeout: 15 * MINUTES }, async (t) => {
    const port = await freePort();
    t.after(() => removeFolder(path.join(ROOT, `.wrangler/demo-${port}-oidc`)));
    const child = start("make", ["dev", `PORT=${port}`], { group: true });
    t.after(() => stop(child));
    await untilStarted(child, 14 * MINUTES);
    const browser = new Browser({ origin: `http://localhost:${port}`, cookie: { session: "edge-session" } });
    const form = await browser.navigate("/");
    const page = await browser.navigate(form.url, { method: "POST", form: { user: "ada" }, from: form.url.origin });
    assert.match(page.text, /Demo application/);
    // wrangler begins again at each change of a file that it watches.
    await sleep(8000);
    assert.equal((await browser.api("/api/hello")).json().token_accepted, true);
    assert.doesNotMatch(child.output, /ERROR|compiling[^]*compiling/);
  });

  test("a slip is named before anything is compiled", { timeout: 2 * MINUTES }, async () => {
    for (const [target, given, says] of [
      ["dev", "EXAMPEL=spa", "make dev takes PORT"],
      ["dev", "EXAMPLE=nope", "EXAMPLE must be one of: chat"],
      ["dev", "PORT=abc", "PORT must be a whole number"],
      ["simulate", "STEPS=abc", 'STEPS must be a whole number, not "abc"'],
      ["simulate", "SEED=x", 'SEED must be a whole number, not "x"'],
      ["simulate-faults", "SEEDS=2e3", 'SEEDS must be a whole number, not "2e3"'],
      ["fuzz", "CASES=many", 'CASES must be a whole number, not "many"'],
    ]) {
      const child = start("make", [target, given]);
      await child.gone;
      assert.notEqual(child.exitCode, 0, given);
      assert.ok(child.output.includes(says), child.output);
      assert.doesNotMatch(child.output, /compiling/i);
    }
  });
});
