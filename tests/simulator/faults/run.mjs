// `make simulate-faults`: plants each fault of planted.mjs in a copy of the last commit, one after the other, builds that and runs the simulator until a
// check fails. It prints which check found it, at which seed and step; a fault that none finds within SEEDS seeds fails the run. Before that the copy
// itself passes all checks at the same seeds. A fault whose text no longer applies is an error. The product itself is not touched, and nothing of
// this is part of a release.
//
//   node tests/simulator/faults/run.mjs [name, name …]     SEEDS=400 COMMIT=HEAD COPY=target/planted
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PLANTED } from "./planted.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const COPY = path.join(ROOT, process.env.COPY || "target/planted");
/** How many seeds a fault may take to be found, and about how many steps a seed has. */
const SEEDS = Number(process.env.SEEDS || 400);
if (!(SEEDS >= 1)) throw new Error(`SEEDS is ${JSON.stringify(process.env.SEEDS)}: it takes a number`);
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
const OPTIONS = ["--config", "profile.fuzz.package.edge-oauth-sessions.opt-level=0"];
const COMMIT = process.env.COMMIT || "HEAD";
const git = (...words) => execFileSync("git", words, { cwd: ROOT, maxBuffer: 1 << 28 });

/** The files of the last commit, by name. */
function committed() {
  const parts = ["Cargo.toml", "Cargo.lock", "src", "docs", "migrations", "tests/simulator", "tests/parts/models.json", "tests/parts/messages.json", "clippy.toml"];
  const files = git("ls-tree", "-r", "-z", "--name-only", COMMIT, "--", ...parts).toString().split("\0").filter(Boolean);
  return new Map(files.map((file) => [file, git("show", `${COMMIT}:${file}`)]));
}

const BASE = committed();

/** Brings a file of the copy up to date. What has not changed is not touched, so that it is not built again. */
function restore(file) {
  const to = path.join(COPY, file);
  mkdirSync(path.dirname(to), { recursive: true });
  if (!existsSync(to) || !readFileSync(to).equals(BASE.get(file))) writeFileSync(to, BASE.get(file));
}

/** The files of a fault, each with its text. */
function filesOf({ name, file, edits }) {
  const texts = new Map();
  for (const edit of edits) {
    const [before, after, where = file] = edit;
    const text = texts.get(where) ?? BASE.get(where).toString();
    const count = text.split(before).length - 1;
    if (count !== 1) throw new Error(`${name}: its text stands ${count} times in ${where}:\n${before}`);
    texts.set(where, text.replace(before, () => after));
  }
  return texts;
}

function build() {
  const options = ["test", "--quiet", "--profile", "fuzz", ...OPTIONS, "--test", "simulator", "--no-run", "--message-format=json"];
  const built = spawnSync("cargo", options, { cwd: COPY, env: ENV, encoding: "utf8", maxBuffer: 1 << 28 });
  const messages = built.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  if (built.status !== 0) {
    const errors = messages.filter(({ message }) => message?.level === "error").map(({ message }) => message.rendered);
    throw new Error(`it does not compile:\n${errors.join("\n") || built.stderr}`);
  }
  return messages.findLast(({ executable }) => executable).executable;
}

/** What the seeds find first. */
function simulate(executable) {
  const env = { ...ENV, SEED: "0", STEPS: String(SEEDS * STEPS_A_SEED), ONE: "1", TRACE: "", LINES: "1" };
  const options = ["--ignored", "--exact", "simulate::simulate_from_a_seed", "--nocapture"];
  const { stdout, status } = spawnSync(executable, options, { env, encoding: "utf8", maxBuffer: 1 << 28, timeout: 600_000 });
  const found = /^violation, seed (\d+), step (\d+): ([^:]*)/m.exec(stdout);
  if (found) return { check: found[3], where: `seed ${found[1]}, step ${found[2]}` };
  return status === 0 ? undefined : { check: "the simulator itself fails", where: stdout.trim().split("\n").at(-1).slice(0, 80) };
}

/** What finds it first: the seeds, else one of the named tests. */
function find(executable) {
  const found = simulate(executable);
  if (found) return found;
  const tests = spawnSync(executable, ["--skip", "simulate::", "--skip", "layers::", "-q"], { env: ENV, encoding: "utf8", timeout: 300_000 });
  const failed = /^    (\S+)$/m.exec(tests.stdout.split("failures:").at(-1) ?? "");
  return tests.status === 0 || !failed ? undefined : { check: `a named test: ${failed[1]}`, where: "" };
}

const names = process.argv.slice(2).flatMap((names) => names.split(",")).map((name) => name.trim()).filter(Boolean);
for (const name of names) if (!PLANTED.some((fault) => fault.name === name)) throw new Error(`there is no fault ${JSON.stringify(name)}`);
const chosen = PLANTED.filter(({ name }) => names.length === 0 || names.includes(name));
// All of them, before the first is built.
for (const fault of PLANTED) filesOf(fault);
for (const file of BASE.keys()) restore(file);
for (const part of ["src", "tests"]) {
  for (const name of readdirSync(path.join(COPY, part), { recursive: true })) {
    const isKnown = [...BASE.keys()].some((file) => file === `${part}/${name}` || file.startsWith(`${part}/${name}/`));
    if (!isKnown) rmSync(path.join(COPY, part, name), { recursive: true, force: true });
  }
}
console.log(`commit ${git("rev-parse", "--short", COMMIT).toString().trim()}, seeds from 0`);
// A commit that has passed once is not tried again.
const [mark, passed] = [path.join(COPY, "passed"), `${git("rev-parse", COMMIT).toString().trim()} ${SEEDS}`];
if (!existsSync(mark) || readFileSync(mark, "utf8") !== passed) {
  const unfounded = find(build());
  if (unfounded) throw new Error(`without a fault: ${unfounded.check}, ${unfounded.where}`);
  writeFileSync(mark, passed);
}
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
    for (const file of texts.keys()) restore(file);
  }
  console.log(`| ${fault.name} | ${line} |`);
}
console.log(`${chosen.length} faults, ${missed} not found`);
process.exit(missed > 0 ? 1 : 0);
