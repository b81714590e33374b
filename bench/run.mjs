// `make bench`: what a request costs the gateway beside a token handler that is written by hand in JavaScript (bench/handler), on
// the same workerd, with the same provider and application. The figure that counts is processor time by request. The gateway runs
// beside itself first: no other ratio is more exact than that one.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { RELEASE, exists } from "../tests/parts/bundle.mjs";
import { median, quotients, range, table } from "./figures.mjs";
import { SCENARIOS } from "./scenarios.mjs";
import { createWorld } from "./world.mjs";

/** Cores that other processes may keep busy while this measures. */
const QUIET = 0.3;

const { values } = parseArgs({
  options: {
    scenarios: { type: "string", default: Object.keys(SCENARIOS).join(",") },
    rounds: { type: "string", default: "4" },
    seconds: { type: "string", default: "2" },
    sessions: { type: "string", default: "500" },
  },
});
const options = { rounds: Number(values.rounds), seconds: Number(values.seconds), sessions: Number(values.sessions) };
const wanted = values.scenarios.split(",");
const unknown = wanted.filter((name) => !SCENARIOS[name]);
if (unknown.length > 0) stop(`there is no scenario ${unknown.join(", ")}; there are ${Object.keys(SCENARIOS).join(", ")}`);
if (Object.values(options).some((number) => !(number > 0))) stop("ROUNDS, SECONDS and SESSIONS are numbers above 0");
if (!existsSync("/proc/self/stat")) stop("processor time is read from /proc, which Linux alone has");
if (!exists(RELEASE)) stop("there is no build/bundle: run `make bundle` first");

// Without the spread no ratio says anything.
if (!wanted.includes("same")) wanted.unshift("same");
const world = await createWorld();
const [lines, others, notes] = [[], [], []];
let failed = false;
for (const name of Object.keys(SCENARIOS).filter((name) => wanted.includes(name))) {
  process.stderr.write(`${name} `);
  try {
    const result = await SCENARIOS[name](world, options);
    lines.push(...result.lines);
    others.push(...result.others);
    notes.push(...(result.notes ?? []));
  } catch (error) {
    failed = true;
    notes.push(`${name} failed: ${error.message}`);
  }
}
process.stderr.write("\n");
await world.close();

print("The gateway beside the hand-written token handler", "hand-written", lines.filter(({ alone }) => !alone));
print("Rules of a route, beside small of a gateway without them", "small", lines.filter(({ alone }) => alone));
for (const note of notes) console.log(note);
console.log(`Medians of ${options.rounds} rounds of ${options.seconds} s, with the least and the most. A ratio is of processor time, round by round.`);
const elsewhere = others.length === 0 ? 0 : median(others);
console.log(`Other processes kept ${elsewhere.toFixed(2)} cores busy (median), at most ${Math.max(0, ...others).toFixed(2)}.`);
if (elsewhere > QUIET) console.log(`That is too much: these figures are not exact. Run it again on a machine with less than ${QUIET} cores of other work.`);
process.exit(failed || lines.some(({ sides }) => wrongIn(sides) > 0) ? 1 : 0);

function print(title, base, some) {
  if (some.length === 0) return;
  const rows = some.map(({ name, what, sides }) => {
    const [ours, theirs] = sides.map((side) => side.map(({ cpu }) => cpu));
    const [p99, rate] = ["p99", "rate"].map((field) => sides.map((side) => median(side.map((round) => round[field])).toFixed(field === "p99" ? 1 : 0)).join(" / "));
    return [`${name.padEnd(9)}  ${what}`, range(quotients(ours, theirs)), range(ours), range(theirs), p99, rate, wrongIn(sides)];
  });
  console.log(`\n${title}\n${table(["", "ratio", "µs a request", `µs, ${base}`, "p99 ms, both", "a second, both", "wrong"], rows)}\n`);
}

function wrongIn(sides) {
  return sides.flat().reduce((sum, { wrong }) => sum + wrong, 0);
}

function stop(why) {
  console.error(`error: ${why}`);
  process.exit(2);
}
