// `make bench`: what a request costs the gateway beside a token handler that is written by hand in JavaScript (bench/handler), on
// the same workerd, with the same provider and application. The figure that counts is the processor time of a request. The gateway
// runs beside itself first: no other ratio is more exact than that one.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { exists, RELEASE } from "../tests/parts/bundle.mjs";
import { report, wrongOf } from "./report.mjs";
import { SCENARIOS } from "./scenarios.mjs";
import { createWorld } from "./world.mjs";

const NAMES = Object.keys(SCENARIOS);

/** So many characters of each contestant's log are shown when something went wrong. */
const LOG = 3000;

const { values } = parseArgs({
  options: {
    scenarios: { type: "string", default: NAMES.join(",") },
    rounds: { type: "string", default: "4" },
    seconds: { type: "string", default: "2" },
    sessions: { type: "string", default: "500" },
  },
});
const options = { rounds: Number(values.rounds), seconds: Number(values.seconds), sessions: Number(values.sessions) };
// Without the spread no ratio says anything.
const wanted = ["same", ...values.scenarios.split(",")];
const unknown = wanted.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) stop(`there is no scenario ${unknown.join(", ")}; there are ${NAMES.join(", ")}`);
const whole = [options.rounds, options.sessions].every((number) => Number.isInteger(number) && number > 0);
if (!whole || !(options.seconds > 0)) stop("ROUNDS and SESSIONS are whole numbers above 0, SECONDS is a number above 0");
if (!existsSync("/proc/self/stat")) stop("processor time is read from /proc, which Linux alone has");
if (!exists(RELEASE)) stop("there is no build/bundle: run `make bundle` first");

const world = await createWorld();
const [lines, others, notes] = [[], [], []];
let failed = false;
for (const name of NAMES.filter((name) => wanted.includes(name))) {
  process.stderr.write(`${name} `);
  try {
    const result = await SCENARIOS[name](world, options);
    lines.push(...result.lines);
    others.push(...result.others);
    notes.push(...(result.notes ?? []));
  } catch (error) {
    failed = true;
    notes.push(`${name} FAILED: ${error.message}`);
  }
}
process.stderr.write("\n");
const wrong = lines.flatMap((line) => wrongOf(line) ?? []);
if (wrong.length > 0) for (const [name, log] of world.logs()) console.error(`${name} printed last:\n${log.slice(-LOG)}`);
await world.close();
report({ lines, others, notes: [...notes, ...wrong], ...options });
process.exit(failed || wrong.length > 0 ? 1 : 0);

function stop(why) {
  console.error(`error: ${why}`);
  process.exit(2);
}
