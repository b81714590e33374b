// `make simulate-faults`: plants each fault of planted.mjs in a copy of the product, one after the other, builds that and runs the simulator until a
// check fails. It prints which check found it, at which seed and step; a fault that none finds within SEEDS seeds fails the run. A fault whose
// text no longer applies is an error. The product itself is not touched, and nothing of this is part of a release.
//
//   node tests/simulator/faults/run.mjs [name …]     SEEDS=400
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PLANTED } from "./planted.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const COPY = path.join(ROOT, "target/planted");
/** How many seeds a fault may take to be found, and about how many steps a seed has. */
const SEEDS = Number(process.env.SEEDS ?? 400);
const STEPS_A_SEED = 3_100;
// Quick to build: one crate and the simulator for each fault.
const ENV = {
  ...process.env,
  CARGO_TARGET_DIR: path.join(COPY, "target"),
  CARGO_PROFILE_FUZZ_OPT_LEVEL: "1",
  CARGO_PROFILE_FUZZ_DEBUG: "0",
  CARGO_PROFILE_FUZZ_INCREMENTAL: "true",
  CARGO_PROFILE_FUZZ_CODEGEN_UNITS: "256",
};

/** Brings the copy up to date. What has not changed is not touched, so that it is not built again. */
function copy() {
  const files = execFileSync("git", ["ls-files", "-z", "--", "Cargo.toml", "Cargo.lock", "src", "docs", "migrations", "tests/simulator", "tests/parts/models.json", "clippy.toml"], { cwd: ROOT });
  for (const file of files.toString().split("\0").filter(Boolean)) {
    const [from, to] = [path.join(ROOT, file), path.join(COPY, file)];
    if (!existsSync(from) || !statSync(from).isFile()) continue;
    mkdirSync(path.dirname(to), { recursive: true });
    if (!existsSync(to) || !readFileSync(from).equals(readFileSync(to))) cpSync(from, to);
  }
}

/** The files of a fault, each with its text. */
function filesOf({ name, file, edits }) {
  const texts = new Map();
  for (const edit of edits) {
    const [before, after, where = file] = edit;
    const text = texts.get(where) ?? readFileSync(path.join(ROOT, where), "utf8");
    const count = text.split(before).length - 1;
    if (count !== 1) throw new Error(`${name}: its text stands ${count} times in ${where}:\n${before}`);
    texts.set(where, text.replace(before, () => after));
  }
  return texts;
}

function build() {
  const options = ["test", "--quiet", "--profile", "fuzz", "--test", "simulator", "--no-run", "--message-format=json"];
  const built = spawnSync("cargo", options, { cwd: COPY, env: ENV, encoding: "utf8", maxBuffer: 1 << 28 });
  const messages = built.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  if (built.status !== 0) {
    const errors = messages.filter(({ message }) => message?.level === "error").map(({ message }) => message.rendered);
    throw new Error(`it does not compile:\n${errors.join("\n") || built.stderr}`);
  }
  return messages.findLast(({ executable }) => executable).executable;
}

/** What finds it first: the seeds, else one of the named tests. */
function find(executable) {
  const env = { ...ENV, SEED: "0", STEPS: String(SEEDS * STEPS_A_SEED), ONE: "1", LINES: "1" };
  const options = ["--ignored", "--exact", "simulate::simulate_from_a_seed", "--nocapture"];
  const { stdout, status } = spawnSync(executable, options, { env, encoding: "utf8", maxBuffer: 1 << 28, timeout: 280_000 });
  const found = /^violation, seed (\d+), step (\d+): ([^:]*)/m.exec(stdout);
  if (found) return { check: found[3], where: `seed ${found[1]}, step ${found[2]}` };
  if (status !== 0) return { check: "the simulator itself fails", where: stdout.trim().split("\n").at(-1).slice(0, 80) };
  const tests = spawnSync(executable, ["--skip", "simulate::", "--skip", "layers::", "-q"], { env: ENV, encoding: "utf8", timeout: 120_000 });
  const failed = /^    (\S+)$/m.exec(tests.stdout.split("failures:").at(-1) ?? "");
  return tests.status === 0 || !failed ? undefined : { check: `a named test: ${failed[1]}`, where: "" };
}

copy();
const names = process.argv.slice(2).flatMap((names) => names.split(",")).filter(Boolean);
const chosen = PLANTED.filter(({ name }) => names.length === 0 || names.includes(name));
// All of them, before the first is built.
for (const fault of PLANTED) filesOf(fault);
let missed = 0;
console.log(`| fault | what finds it | where |\n|---|---|---|`);
for (const fault of chosen) {
  const texts = filesOf(fault);
  let line;
  try {
    for (const [file, text] of texts) writeFileSync(path.join(COPY, file), text);
    const found = find(build());
    line = found ? `${found.check} | ${found.where}` : `**nothing** within ${SEEDS} seeds | `;
    if (!found) missed += 1;
  } catch (error) {
    line = `**error** | ${error.message}`;
    missed += 1;
  } finally {
    for (const file of texts.keys()) cpSync(path.join(ROOT, file), path.join(COPY, file));
  }
  console.log(`| ${fault.name} | ${line} |`);
}
console.log(`${chosen.length} faults, ${missed} not found`);
process.exit(missed > 0 ? 1 : 0);
