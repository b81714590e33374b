// Turns the events of node:test into a line for each module and, for what failed, everything there is to know.
import path from "node:path";

const moduleOf = (file) => path.basename(file ?? "?").replace(/\.test\.mjs$/, "");

/** `refresh     31 passed  12.3 s` */
export function lineOf(name, { passed, failed, skipped }, ms) {
  const parts = [`${passed} passed`, failed && `${failed} FAILED`, skipped && `${skipped} skipped`].filter(Boolean);
  return `${name.padEnd(12)} ${parts.join(", ").padEnd(24)} ${(ms / 1000).toFixed(1).padStart(6)} s`;
}

/** Prints what `stream` says and resolves to `{ passed, failed, skipped }`. */
export async function report(stream) {
  const modules = new Map();
  const of = (file) => {
    const name = moduleOf(file);
    if (!modules.has(name)) modules.set(name, { passed: 0, failed: 0, skipped: 0, began: Date.now(), diagnostics: [] });
    return modules.get(name);
  };
  for await (const { type, data } of stream) {
    if (!data?.file) continue;
    const module = of(data.file);
    switch (type) {
      case "test:start":
        module.began = Math.min(module.began, Date.now());
        break;
      case "test:stdout":
      case "test:stderr":
        process.stdout.write(data.message);
        break;
      case "test:diagnostic":
        // What the gateway printed stands after the failure that it belongs to.
        if (data.nesting > 0 && /^the gateway printed/.test(data.message)) console.log(indent(data.message));
        break;
      case "test:pass":
        if (isTest(data)) module[data.skip === undefined ? "passed" : "skipped"] += 1;
        if (data.skip) console.log(`skipped  ${moduleOf(data.file)}: ${data.name}: ${data.skip}`);
        break;
      case "test:fail":
        if (!isTest(data)) break;
        module.failed += 1;
        console.log(failure(data));
        break;
      case "test:summary":
        console.log(lineOf(moduleOf(data.file), module, data.duration_ms));
        break;
    }
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules.values()) for (const name of Object.keys(total)) total[name] += module[name];
  return total;
}

/** Suites are no tests, nor are files of which a test failed. A file that could not be run counts as a failed test. */
function isTest({ details }) {
  return details.type !== "suite" && details.error?.failureType !== "subtestsFailed";
}

function failure({ file, name, details: { error, duration_ms } }) {
  const cause = error.cause ?? error;
  const text = cause.stack ?? String(cause.message ?? cause);
  return `FAILED   ${moduleOf(file)}: ${name} (${(duration_ms / 1000).toFixed(1)} s)\n${indent(text)}\n`;
}

const indent = (text) => text.split("\n").map((line) => `    ${line}`).join("\n");
