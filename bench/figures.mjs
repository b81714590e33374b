// Figures as people read them: medians with their range, and a table.

const sorted = (values) => values.toSorted((one, other) => one - other);

export function median(values) {
  const [all, middle] = [sorted(values), values.length >> 1];
  return values.length % 2 === 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
}

/** Three digits, or as many as there are before the point. */
const short = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** `median (least..most)`. */
export function range(values) {
  const all = sorted(values);
  return `${short(median(all))} (${short(all[0])}..${short(all.at(-1))})`;
}

/** The quotients of two lists, round by round. */
export const quotients = (values, by) => values.map((value, at) => value / by[at]);

/** Lines of cells under their heads, in columns. The first column is text. */
export function table(heads, lines) {
  const all = [heads, ...lines].map((line) => heads.map((_, at) => `${line[at] ?? ""}`));
  const widths = heads.map((_, at) => Math.max(...all.map((line) => line[at].length)));
  const pad = (cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]));
  return all.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}
