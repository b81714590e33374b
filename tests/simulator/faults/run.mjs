// `make simulate-faults`: plants the faults of planted.mjs in a copy of the last commit, as many at once as the texts allow, builds that and runs the
// simulator with one fault after the other until a check fails. It prints which check found it, at which seed and step; a fault that none finds within
// SEEDS seeds fails the run. Before that the copy passes all checks at the same seeds with no fault chosen. A fault whose text no longer applies is an
// error. The product itself is not touched, and nothing of this is part of a release.
//
//   node tests/simulator/faults/run.mjs [name, name …]     SEEDS=400 COMMIT=HEAD
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PLANTED } from "./planted.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const COPY = path.join(ROOT, "target/planted");
/** How many seeds a fault may take to be found, and about how many steps a seed has. */
const SEEDS = Number(process.env.SEEDS || 400);
if (!(SEEDS >= 1)) throw new Error(`SEEDS is ${JSON.stringify(process.env.SEEDS)}: it takes a number`);
const STEPS_A_SEED = 3_100;
// Quick to build.
const ENV = {
  ...process.env,
  CARGO_TARGET_DIR: path.join(COPY, "target"),
  CARGO_PROFILE_FUZZ_OPT_LEVEL: "1",
  CARGO_PROFILE_FUZZ_DEBUG: "0",
  CARGO_PROFILE_FUZZ_INCREMENTAL: "true",
  CARGO_PROFILE_FUZZ_CODEGEN_UNITS: "256",
};
/** Which fault is on, in the copy: by its number in the list. */
const SWITCH = `//! Which planted fault is on.
pub fn is(fault: usize) -> bool {
    static ON: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    *ON.get_or_init(|| std::env::var("FAULT").ok()?.parse().ok()) == Some(fault)
}
`;
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

/** Applies a fault to texts. False: one of its texts does not stand there exactly once. */
function plant(texts, { file, edits }, number) {
  const planted = new Map(texts);
  for (const [before, after, where = file] of edits) {
    const text = planted.get(where) ?? BASE.get(where).toString();
    if (text.split(before).length !== 2) return false;
    planted.set(where, text.replace(before, () => after.replaceAll(/\bON\b/g, `crate::planted::is(${number})`)));
  }
  for (const [where, text] of planted) texts.set(where, text);
  return true;
}

/** The faults that can stand in one copy, and its texts. */
function groups(chosen) {
  const all = [];
  for (const [number, fault] of chosen) {
    const hasSwitch = fault.edits.some(([, after]) => /\bON\b/.test(after));
    const open = hasSwitch ? all.filter((group) => group.hasSwitch) : [];
    if (open.some((group) => plant(group.texts, fault, number) && group.faults.push([number, fault]))) continue;
    const group = { hasSwitch, faults: [[number, fault]], texts: new Map() };
    if (!plant(group.texts, fault, number)) throw new Error(`its texts do not stand exactly once where they should: ${fault.name}`);
    all.push(group);
  }
  return all;
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

/** What the seeds find first with this fault. */
function simulate(executable, fault) {
  const env = { ...ENV, FAULT: String(fault), SEED: "0", STEPS: String(SEEDS * STEPS_A_SEED), ONE: "1", TRACE: "", LINES: "1" };
  const options = ["--ignored", "--exact", "simulate::simulate_from_a_seed", "--nocapture"];
  const { stdout, status } = spawnSync(executable, options, { env, encoding: "utf8", maxBuffer: 1 << 28, timeout: 600_000 });
  const found = /^violation, seed (\d+), step (\d+): ([^:]*)/m.exec(stdout);
  if (found) return { check: found[3], where: `seed ${found[1]}, step ${found[2]}` };
  return status === 0 ? undefined : { check: "the simulator itself fails", where: stdout.trim().split("\n").at(-1).slice(0, 80) };
}

/** What finds it first: the seeds, else one of the named tests. */
function find(executable, fault) {
  const found = simulate(executable, fault);
  if (found) return found;
  const env = { ...ENV, FAULT: String(fault) };
  const tests = spawnSync(executable, ["--skip", "simulate::", "--skip", "layers::", "-q"], { env, encoding: "utf8", timeout: 300_000 });
  const failed = /^    (\S+)$/m.exec(tests.stdout.split("failures:").at(-1) ?? "");
  return tests.status === 0 || !failed ? undefined : { check: `a named test: ${failed[1]}`, where: "" };
}

const names = process.argv.slice(2).flatMap((names) => names.split(",")).map((name) => name.trim()).filter(Boolean);
for (const name of names) if (!PLANTED.some((fault) => fault.name === name)) throw new Error(`there is no fault ${JSON.stringify(name)}`);
const chosen = [...PLANTED.entries()].filter(([, { name }]) => names.length === 0 || names.includes(name));
// Each applies to the commit, before anything is built.
for (const [number, fault] of PLANTED.entries()) {
  if (!plant(new Map(), fault, number)) throw new Error(`its texts do not stand exactly once where they should: ${fault.name}`);
}
for (const file of BASE.keys()) restore(file);
for (const part of ["src", "tests"]) {
  for (const name of readdirSync(path.join(COPY, part), { recursive: true })) {
    const isKnown = [...BASE.keys()].some((file) => file === `${part}/${name}` || file.startsWith(`${part}/${name}/`));
    if (!isKnown) rmSync(path.join(COPY, part, name), { recursive: true, force: true });
  }
}
console.log(`commit ${git("rev-parse", "--short", COMMIT).toString().trim()}, seeds from 0`);
let missed = 0;
console.log(`| fault | what finds it | where |\n|---|---|---|`);
for (const { faults, texts } of groups(chosen)) {
  let executable;
  try {
    for (const [file, text] of texts) writeFileSync(path.join(COPY, file), text);
    writeFileSync(path.join(COPY, "src/planted.rs"), SWITCH);
    writeFileSync(path.join(COPY, "src/lib.rs"), `${BASE.get("src/lib.rs")}#[allow(missing_docs)]\npub mod planted;\n`);
    executable = build();
  } finally {
    for (const file of [...texts.keys(), "src/lib.rs"]) restore(file);
  }
  const unfounded = faults.some(([, { edits }]) => edits.some(([, after]) => /\bON\b/.test(after))) && find(executable, "none");
  if (unfounded) throw new Error(`without a fault: ${unfounded.check}, ${unfounded.where}`);
  for (const [number, fault] of faults) {
    const found = find(executable, number);
    if (!found) missed += 1;
    console.log(`| ${fault.name} | ${found ? `${found.check} | ${found.where}` : `**nothing** within ${SEEDS} seeds | `} |`);
  }
}
console.log(`${chosen.length} faults, ${missed} not found`);
process.exit(missed > 0 ? 1 : 0);
