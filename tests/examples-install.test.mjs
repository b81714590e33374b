// The examples with a framework, as examples.test.mjs tests the others: their packages are installed from the registry, they are built, and
// run behind the bundle that would be deployed.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { develop, EXAMPLES, journey, JOURNEYS } from "./parts/examples.mjs";
import { BIN, removeFolder, start, temporaryFolder } from "./parts/process.mjs";

const MINUTES = 60_000;
const PROJECTS = Object.keys(JOURNEYS).filter((name) => existsSync(path.join(EXAMPLES, name, "package.json")));

describe("examples that install packages", () => {
  for (const name of PROJECTS) journey(name, { timeout: 4 * MINUTES });

  test("wrangler bundles the gateway of each, from the package and the example's wrangler.toml", { timeout: 4 * MINUTES }, async (t) => {
    const folder = temporaryFolder();
    t.after(() => removeFolder(folder));
    for (const name of PROJECTS) {
      const env = { PATH: `${BIN}:${process.env.PATH}`, CI: "1", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
      const child = start(path.join(BIN, "wrangler"), ["deploy", "--dry-run", "--outdir", folder], { cwd: path.join(EXAMPLES, name), env, group: true });
      await child.gone;
      assert.equal(child.exitCode, 0, child.output);
      assert.match(child.output, /SessionActor/);
      assert.doesNotMatch(child.output, /WARNING/);
    }
  });

  test("make dev EXAMPLE=… starts each of those, too", { timeout: 8 * MINUTES }, async (t) => {
    for (const name of PROJECTS) await develop(t, name);
  });
});
