"use strict";
// The console's words: what the API answers, as a person reads it, and what a person typed. Nothing here touches the page.

const REGIONS = {
  wnam: "North America, west", enam: "North America, east", sam: "South America", weur: "Europe, west", eeur: "Europe, east",
  apac: "Asia-Pacific", oc: "Oceania", afr: "Africa", me: "Middle East",
};
const STATES = { active: "Active", moved: "Moved", ended: "Ended" };
const CAUSES = {
  request: "by the browser", alarm: "on schedule", admin: "by an administrator", directory: "by the user’s directory", backchannel: "by the provider",
};
const AGAIN =
  "This cannot be undone. If the provider still knows the user, they can log in again at once. To lock a user out, block them at the provider first, or end their session there.";

const regionOf = (code) => REGIONS[code] ?? "place unknown";
const short = (id) => id.slice(0, 8);
const times = (count) => (count === 1 ? "once" : `${count} times`);
const sessionsIn = (count) => `${count} ${count === 1 ? "session" : "sessions"}`;

/** What the ledger says of an event: as a sentence, with ids as short as in the lists. */
const sentence = ({ detail }) =>
  `${detail.charAt(0).toUpperCase()}${detail.slice(1).replace(/\.$/, "").replace(/\b[0-9a-f]{64}\b/g, short)}.`;

/** The last time that somebody tried to refresh it. */
const refreshOf = ({ ledger }) => ledger.findLast(({ event, outcome }) => event === "refresh" && !outcome.endsWith("registered"));

/** What a `User-Agent` stands for. The first name that fits counts: most browsers name others, too. */
const BROWSERS = [
  [/\bEdg/, "Edge"], [/\bOPR\//, "Opera"], [/SamsungBrowser/, "Samsung Internet"], [/Firefox|FxiOS/, "Firefox"],
  [/Chrom(e|ium)|CriOS/, "Chrome"], [/Version\/.*Safari/, "Safari"],
];
const SYSTEMS = [
  [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/CrOS/, "ChromeOS"], [/Linux/, "Linux"],
];
function device(userAgent) {
  if (!userAgent) return "Unknown device";
  const [browser, system] = [BROWSERS, SYSTEMS].map((known) => known.find(([pattern]) => pattern.test(userAgent))?.[1]);
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? userAgent.split(" ")[0].slice(0, 40);
}

const UNITS = [["year", 31536e6], ["month", 2592e6], ["day", 864e5], ["hour", 36e5], ["minute", 6e4], ["second", 1e3]];
const exact = (time) => new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
const day = (time) => new Date(time).toLocaleDateString([], { dateStyle: "medium" });
function relative(time, now = Date.now()) {
  const distance = Date.parse(time) - now;
  if (distance > -45e3 && distance < 5e3) return "just now";
  const [unit, size] = UNITS.find(([, size]) => Math.abs(distance) >= size);
  return new Intl.RelativeTimeFormat("en").format(Math.round(distance / size), unit);
}

/**
 * What a text in the search means: `{ id }` of a session, `{ subject }` of a user, or `{ cookie: true }` for a cookie without a
 * whole id. Of a session cookie, with its name or without, only the id is left.
 */
function meaning(text) {
  const id = /(?:^|[\s=;:"'])(?:[a-z]{2,5}(?:\.|%2e))?([0-9a-f]{64})(?:\.|%2e|[\s"';]|$)/i.exec(text)?.[1].toLowerCase();
  if (id) return { id };
  const named = /(?:^|[\s;"'])(?:__host-|__secure-|edge-)|(?:session|bound|clearance|return|login-[0-9a-f]{8})=/i.test(text);
  const cookie = named || /^"?[a-z]{2,5}(?:\.|%2e)[0-9a-f]{16,}/i.test(text) || /^"?\d{9,}\.[\w-]{43}(?:\.|$)/.test(text);
  return cookie ? { cookie } : { subject: text };
}

/** What went wrong, for a person. */
function explain(status, problem, retryAfter) {
  const reference = problem.ray ? ` (Reference: ${problem.ray})` : "";
  if (status === 401) return "This token is not the administrators’ token. Type it in again.";
  if (status === 404) return "There is no session with this id.";
  if (status === 409) return problem.detail ?? "The session has ended.";
  if (status === 503) return `${problem.detail ?? "The gateway is out of order."} Try again in ${retryAfter ?? "a few"} seconds.${reference}`;
  return `${problem.title ?? `The gateway answered ${status}`}. ${problem.detail ?? ""}${reference}`;
}
