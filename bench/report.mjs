// What `make bench` prints: medians with their range, the ratios, and what makes them doubtful.

/** Cores that other processes may keep busy while this measures. */
const QUIET = 0.3;

const sorted = (values) => values.toSorted((one, other) => one - other);

export function median(values) {
  const [all, middle] = [sorted(values), values.length >> 1];
  return values.length % 2 === 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
}

/** Prints the tables of `lines` (see scenarios.mjs), the notes, and what the cores did beside. */
export function report({ lines, notes, others, rounds, seconds }) {
  print("The gateway beside the hand-written token handler", "hand-written", lines.filter(({ alone }) => !alone));
  print("The rules of a route, beside small of a gateway without them", "small", lines.filter(({ alone }) => alone));
  for (const note of notes) console.log(note);
  console.log(`Medians of ${rounds} rounds of ${seconds} s, with the least and the most. The ratio is that of the processor time, round by round.`);
  console.log("A ratio means something where its whole range lies on one side of 1, and farther from it than that of `same`.");
  const elsewhere = others.length === 0 ? 0 : median(others);
  console.log(`Other processes kept ${elsewhere.toFixed(2)} cores busy (median), at most ${Math.max(0, ...others).toFixed(2)}.`);
  if (elsewhere > QUIET) console.log(`NOISY: that is more than ${QUIET} cores. These figures are not for the record.`);
}

/** What was answered and should not have been, in words; undefined where all was right. */
export function wrongOf({ name, sides }) {
  const of = (side) => [...new Set(wrongIn(side))].join(", ") || "nothing";
  return wrongIn(sides.flat()).length > 0 ? `${name} WENT WRONG: ${of(sides[0])} on the gateway's side, ${of(sides[1])} on the other` : undefined;
}

const wrongIn = (rounds) => rounds.flatMap(({ wrong }) => wrong);

function print(title, other, lines) {
  if (lines.length === 0) return;
  const rows = lines.map(({ name, what, sides }) => {
    const [ours, theirs] = sides.map((side) => side.map(({ cpu }) => cpu));
    const ratios = ours.map((value, round) => value / theirs[round]);
    const both = (field, digits) => sides.map((side) => median(side.map((round) => round[field])).toFixed(digits)).join(" / ");
    const wrong = wrongIn(sides.flat()).length;
    return [`${name.padEnd(9)}  ${what}`, range(ratios), range(ours), range(theirs), both("p99", 1), both("rate", 0), wrong];
  });
  const heads = ["", "ratio", "gateway, µs", `${other}, µs`, "p99, ms", "a second", "wrong"];
  console.log(`\n${title}: processor time of a request\n${table(heads, rows)}\n`);
}

/** Three digits, or as many as there are before the point. */
const short = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** `median (least..most)`. */
function range(values) {
  const all = sorted(values);
  return `${short(median(all))} (${short(all[0])}..${short(all.at(-1))})`;
}

/** Lines of cells under their heads, in columns. The first column is text. */
function table(heads, lines) {
  const all = [heads, ...lines].map((line) => line.map(String));
  const widths = heads.map((_, at) => Math.max(...all.map((line) => line[at].length)));
  const pad = (cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]));
  return all.map((line) => line.map(pad).join("  ")).join("\n");
}
