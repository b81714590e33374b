// Runs the tests: first the Rust unit tests, then every module of the list below through workerd, two at a time.
// `node tests/run.mjs refresh logout` runs these modules alone; `unit` stands for the Rust ones, `--all` adds those that take
// long. The last line counts.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { run } from "node:test";
import { exists, PANIC, RELEASE, settings } from "./parts/bundle.mjs";
import { ROOT } from "./parts/process.mjs";
import { lineOf, report } from "./parts/report.mjs";

/** Every test module, the slow ones first so that none is left running alone at the end. */
const MODULES = [
  "admin",
  "admin-access",
  "admin-moves",
  "admin-origin",
  "outcomes",
  "refresh",
  "deploy",
  "device",
  "device-browser",
  "device-stores",
  "events",
  "client-abort",
  "demo",
  "browser",
  "console",
  "many-sessions",
  "discovery",
  "docs",
  "examples",
  "alarm",
  "backchannel",
  "crash",
  "pages",
  "panic",
  "service-worker",
  "session",
  "stores",
  "streams",
  "succession",
  "addresses",
  "assets",
  "audit",
  "auth0",
  "bearer",
  "bench",
  "callback",
  "captcha",
  "claims",
  "client",
  "client-key",
  "config",
  "failures",
  "fixation",
  "frontchannel",
  "headers",
  "https",
  "issuers",
  "targets",
  "step-up",
  "parked",
  "id-token",
  "jwks",
  "kinds",
  "kv",
  "kv-fence",
  "limits",
  "login",
  "logout",
  "mcp",
  "neon",
  "neon-moves",
  "neon-outage",
  "odd-providers",
  "openapi",
  "organizations",
  "outage",
  "own-answers",
  "own-sessions",
  "providers-table",
  "package",
  "presets",
  "template",
  "protocol",
  "provider",
  "proxy",
  "redirects",
  "region",
  "region-grace",
  "metrics",
  "migrate",
  "models",
  "neighbours",
  "regression",
  "routes",
  "rpc",
  "rules",
  "secrets",
  "self-hosting",
  "storage",
  "tenants",
  "websocket",
  "workos",
];
/** Those that install packages, or wait long: `make test-all` alone runs them. */
const LONG = ["make-dev", "behind-the-gateway", "examples-install", "package-install", "real-providers"];
const UNIT = "unit";
const ALL = "--all";
/** No single test may take longer. */
const LIMIT = 90_000;

// A module that is not listed would never run.
const files = readdirSync(path.join(ROOT, "tests")).filter((name) => name.endsWith(".test.mjs"));
const unlisted = files.map((name) => name.replace(".test.mjs", "")).filter((name) => ![...MODULES, ...LONG].includes(name));
if (unlisted.length > 0) {
  console.error(`tests/run.mjs does not list: ${unlisted.join(", ")}`);
  process.exit(2);
}

const wanted = process.argv.slice(2).filter((name) => name !== ALL);
const unknown = wanted.filter((name) => ![UNIT, ...MODULES, ...LONG].includes(name));
if (unknown.length > 0) {
  console.error(`no such tests: ${unknown.join(", ")}. There are: ${[UNIT, ...MODULES, ...LONG].join(", ")}`);
  process.exit(2);
}
const everything = process.argv.includes(ALL) ? [...LONG, ...MODULES] : MODULES;
const isWanted = (name) => wanted.length === 0 || wanted.includes(name);
const modules = wanted.length === 0 ? everything : [...LONG, ...MODULES].filter(isWanted);

const began = Date.now();
const count = { passed: 0, failed: 0, skipped: 0 };
if (isWanted(UNIT)) add(await unitTests());
if (modules.length > 0) {
  if (!exists(RELEASE)) {
    console.error("there is no build/bundle: run `make bundle build-panic` first");
    process.exit(2);
  }
  // Read once here; the test processes find it in their environment.
  await settings(RELEASE);
  if (exists(PANIC)) await settings(PANIC);
  add(await integrationTests());
}
const { passed, failed, skipped } = count;
console.log(`${((Date.now() - began) / 1000).toFixed(0)} s${skipped ? `, ${skipped} skipped` : ""}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

function add(more) {
  for (const [name, number] of Object.entries(more)) count[name] += number;
}

function integrationTests() {
  const files = modules.map((name) => path.join(ROOT, "tests", `${name}.test.mjs`));
  return report(run({ files, concurrency: 2, execArgv: [`--test-timeout=${LIMIT}`], forceExit: true }));
}

async function unitTests() {
  const started = Date.now();
  // How many cases each property is tried with.
  const env = { PROPTEST_CASES: "2000", ...process.env };
  const cargo = spawn("cargo", ["test", "--quiet"], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [cargo.stdout, cargo.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const code = await new Promise((resolve) => {
    cargo.once("close", resolve);
    cargo.once("error", (error) => {
      output += error;
      resolve(-1);
    });
  });
  const results = [...output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm)];
  const sum = (at) => results.reduce((total, result) => total + Number(result[at]), 0);
  const result = { passed: sum(1), failed: sum(2), skipped: sum(3) };
  // What does not compile counts, too.
  if (code !== 0 && result.failed === 0) result.failed = 1;
  if (result.failed > 0) console.log(output);
  console.log(lineOf(UNIT, result, Date.now() - started));
  return result;
}
