// The document that says which test holds what: each test that it names exists.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "./parts/process.mjs";

const text = readFileSync(path.join(ROOT, "docs/browser-based-apps.md"), "utf8");

describe("docs", () => {
  test("every test that docs/browser-based-apps.md names exists, by its module and its title", () => {
    const named = [...text.matchAll(/\b([a-z-]+): “([^”]+)”/g)].map(([, module, title]) => ({ module, title }));
    assert.ok(named.length > 25, `${named.length}`);
    for (const { module, title } of named) {
      const source = readFileSync(path.join(ROOT, `tests/${module}.test.mjs`), "utf8");
      assert.ok(["\"", "`"].some((quote) => source.includes(`test(${quote}${title}${quote}`)), `${module}: ${title}`);
    }
  });

  test("every line of its table names a test, or says why there is none", () => {
    const rows = text.split("\n").filter((line) => /^\| (must|should|may|advice)/.test(line));
    assert.ok(rows.length > 20, `${rows.length}`);
    for (const row of rows) assert.match(row, /: “|yours|not yet/, row);
  });
});
