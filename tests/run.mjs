// Runs every test and ends with one line that counts them: the native ones (cargo), then those against real parts.
// `node tests/run.mjs login refresh` runs the modules of these names alone.
import { spawn } from "node:child_process";
import path from "node:path";
import { run } from "node:test";

const MODULES = [
  "alarm", "browser", "callback", "config", "cookies", "crash", "deploy", "https", "jwks", "login", "logout", "outage",
  "panic", "protocol", "provider", "proxy", "redirects", "refresh", "regression", "session",
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => name !== "cargo" && !MODULES.includes(name));
if (unknown.length) {
  console.error(`no such test module: ${unknown.join(", ")}; there are cargo, ${MODULES.join(", ")}`);
  process.exit(2);
}
const chosen = (name) => !wanted.length || wanted.includes(name);
const count = { passed: 0, failed: 0 };

if (chosen("cargo")) {
  const output = await cargo();
  const results = [...output.matchAll(/test result: \w+\. (\d+) passed; (\d+) failed/g)];
  count.passed += results.reduce((sum, [, passed]) => sum + Number(passed), 0);
  // A build that fails prints no result: that is a failure, too.
  count.failed += results.length ? results.reduce((sum, [, , failed]) => sum + Number(failed), 0) : 1;
  console.log(`cargo: ${count.passed} passed, ${count.failed} failed`);
}

const files = MODULES.filter(chosen).map((name) => path.join(import.meta.dirname, `${name}.test.mjs`));
if (files.length) {
  const stream = run({ files, concurrency: 2, timeout: 240_000 });
  stream.on("test:pass", ({ name, details, nesting, skip }) => {
    if (details.type === "suite" || isFile(name)) return;
    count.passed++;
    console.log(`${"  ".repeat(nesting)}ok ${skip === undefined ? "" : `(skipped: ${skip}) `}${name} (${Math.round(details.duration_ms)} ms)`);
  });
  stream.on("test:fail", ({ name, details, file, line }) => {
    if (details.type === "suite") return;
    count.failed++;
    const { cause = details.error } = details.error;
    console.log(`NOT OK ${name}\n    ${file}:${line}\n${String(cause?.stack ?? cause).replace(/^/gm, "    ")}`);
  });
  stream.on("test:stderr", ({ message }) => process.env.VERBOSE && process.stderr.write(message));
  await new Promise((resolve) => stream.on("end", resolve).resume());
}

console.log(`${count.passed} passed, ${count.failed} failed`);
process.exit(count.failed || !count.passed ? 1 : 0);

/** node:test reports each file as a test of its own around those in it. */
function isFile(name) {
  return name.endsWith(".test.mjs");
}

function cargo() {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn("cargo", ["test", "--quiet"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => {
      if (code) console.log(output);
      resolve(output);
    });
  });
}
