// The documents that say which test holds what: each test that they name exists. And the faults that the simulator plants: each has its place.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "./parts/process.mjs";
import { PLANTED } from "./simulator/faults/planted.mjs";

const text = readFileSync(path.join(ROOT, "docs/browser-based-apps.md"), "utf8");

describe("docs", () => {
  test("every test that docs/browser-based-apps.md names exists, by its module and its title", () => {
    const named = [...text.matchAll(/\b([a-z-]+): “([^”]+)”/g)].map(([, module, title]) => ({ module, title }));
    assert.ok(named.length > 25, `${named.length}`);
    for (const { module, title } of named) {
      const own = readFileSync(path.join(ROOT, `tests/${module}.test.mjs`), "utf8");
      const shared = own.includes("session-tests.mjs") ? readFileSync(path.join(ROOT, "tests/parts/session-tests.mjs"), "utf8") : "";
      const source = own + shared;
      assert.ok(["\"", "`"].some((quote) => source.includes(`test(${quote}${title}${quote}`)), `${module}: ${title}`);
    }
  });

  test("every line of its table names a test, or says why there is none", () => {
    const rows = text.split("\n").filter((line) => /^\| (must|should|may|advice)/.test(line));
    assert.ok(rows.length > 20, `${rows.length}`);
    for (const row of rows) assert.match(row, /: “|yours|not yet/, row);
  });

  test("docs/conformance.md has each number that a test's title has, and says in which modules", () => {
    const titled = new Map();
    for (const file of readdirSync(path.join(ROOT, "tests")).filter((name) => name.endsWith(".test.mjs"))) {
      const source = readFileSync(path.join(ROOT, "tests", file), "utf8");
      for (const [, numbers] of source.matchAll(/["`]conformance ((?:\d+)(?:(?:, | and )\d+)*):/g)) {
        for (const [number] of numbers.matchAll(/\d+/g)) {
          titled.set(number, (titled.get(number) ?? new Set()).add(file.replace(".test.mjs", "")));
        }
      }
    }
    const table = readFileSync(path.join(ROOT, "docs/conformance.md"), "utf8");
    const rows = [...table.matchAll(/^\| (\d+) \|.*\| ([^|]+) \|$/gm)].map(([, number, modules]) => [number, modules]);
    assert.ok(rows.length > 50, `${rows.length}`);
    const inOrder = (entries) => [...entries].sort(([a], [b]) => a - b);
    assert.deepEqual(inOrder(rows), inOrder([...titled].map(([number, modules]) => [number, [...modules].sort().join(", ")])));
  });

  test("each fault that `make simulate-faults` plants applies to the code as it is, and docs/simulator.md has its row", () => {
    const table = readFileSync(path.join(ROOT, "docs/simulator.md"), "utf8");
    for (const { name, file, edits } of PLANTED) {
      const texts = new Map();
      for (const [before, after, where = file] of edits) {
        const text = texts.get(where) ?? readFileSync(path.join(ROOT, where), "utf8");
        assert.equal(text.split(before).length, 2, `${name}: ${before}`);
        texts.set(where, text.replace(before, () => after));
      }
      assert.ok(table.includes(`\n| ${name} |`), `no row: ${name}`);
    }
  });
});
