// The gateway's log as a person reads it: each JSON line of an event, or of a request that failed, becomes one short
// coloured line; of what wrangler prints besides, only errors and the progress of a rebuild are shown.

const COLOURS = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, grey: 90 };
const EVENT_COLOURS = { complete: "green", refresh: "cyan", alarm: "magenta", end: "yellow", revoke: "yellow" };
const ESCAPES = /\x1b\[[\d;]*m/g;
const ERROR = /^(\[wrangler:error\]|✘|fatal|uncaught|\w*error\b)|panicked/i;
// What `make build` says: that it builds, or why it can't.
const BUILD = /^\[custom build\] (?!Running:|make\[)(.*\S)/;
// What wrangler complains of where there is no internet.
const HARMLESS = /Request\.cf|workers\.cloudflare\.com|ENOTFOUND|EAI_AGAIN/;

/**
 * One line of the gateway's output for people, or null where there is nothing to show.
 * `colour` false leaves out the escape sequences, as for a file.
 */
export function readable(line, { colour = true, now = new Date() } = {}) {
  const paint = (name, text) => (colour && name ? `\x1b[${COLOURS[name]}m${text}\x1b[0m` : text);
  const event = parse(line);
  if (!event) {
    const plain = line.replace(ESCAPES, "").trimEnd();
    const built = BUILD.exec(plain)?.[1];
    if (built) return paint(/^(building|compiling|installing) /.test(built) ? null : "red", built);
    return ERROR.test(plain) && !HARMLESS.test(plain) ? paint("red", plain) : null;
  }
  if (event.event === "request") return failedRequest(event, paint, now);
  const { class: kind, outcome = "", actor = "", cause, duration_ms, next_alarm_at, detail } = event;
  const parts = [
    paint("grey", time(now)),
    paint(EVENT_COLOURS[event.event], event.event.padEnd(10)),
    paint("grey", `${(kind === "RegionDirectory" ? "directory" : "session").padEnd(9)} ${actor.slice(0, 6)}`),
    `${duration_ms} ms`.padStart(8),
    `by ${cause}`.padEnd(10),
    // From here on nothing stands in columns: outcomes are of all lengths.
    paint(outcome === "ok" ? "green" : "yellow", outcome),
    detail && paint("grey", detail),
    next_alarm_at && paint("grey", `(next alarm ${ahead(next_alarm_at, now)})`),
  ];
  return parts.filter(Boolean).join("  ");
}

/** A request that failed: what its visitor saw, where to, and why. The page shows the same reference. */
function failedRequest({ outcome, status, method, path, ray, detail }, paint, now) {
  return [
    paint("grey", time(now)),
    paint("red", "request".padEnd(10)),
    `${status} ${paint("red", outcome)}`,
    `${method} ${path}`,
    paint("grey", detail),
    paint("grey", `(reference ${ray})`),
  ].join("  ");
}

function parse(line) {
  const start = line.indexOf('{"event":');
  if (start < 0) return null;
  try {
    return JSON.parse(line.slice(start, line.lastIndexOf("}") + 1));
  } catch {
    return null;
  }
}

const time = (date) => date.toTimeString().slice(0, 8);

/** How far away a time is and, where that helps, the time of day. */
function ahead(at, now) {
  const date = new Date(at);
  const seconds = Math.round((date - now) / 1000);
  if (seconds >= 48 * 3600) return `in ${Math.round(seconds / 86400)} days`;
  if (seconds >= 7200) return `in ${Math.round(seconds / 3600)} h`;
  return `${time(date)}, in ${seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}`;
}
