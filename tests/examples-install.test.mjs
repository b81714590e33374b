// The examples with a framework, as examples.test.mjs tests the others: their packages are installed from the registry, they are built, and
// run behind the bundle that would be deployed.
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { develop, EXAMPLES, journey, JOURNEYS } from "./parts/examples.mjs";

const MINUTES = 60_000;
const PROJECTS = Object.keys(JOURNEYS).filter((name) => existsSync(path.join(EXAMPLES, name, "package.json")));

describe("examples that install packages", () => {
  for (const name of PROJECTS) journey(name, { timeout: 4 * MINUTES });

  test("make dev EXAMPLE=… starts each of those, too", { timeout: 8 * MINUTES }, async (t) => {
    for (const name of PROJECTS) await develop(t, name);
  });
});
