"use strict";
// The administrators' console: calls beside this page's address, and their answers in words. The token lives in
// one variable; what comes from outside is only ever put in as text.

const REGIONS = {
  wnam: "North America, west", enam: "North America, east", sam: "South America", weur: "Europe, west", eeur: "Europe, east",
  apac: "Asia-Pacific", oc: "Oceania", afr: "Africa", me: "Middle East",
};
const STATES = { active: "Active", moved: "Moved", ended: "Ended" };
const CAUSES = {
  request: "by the browser", alarm: "by itself", admin: "by an administrator", directory: "by its directory", backchannel: "by the provider",
};
const AGAIN =
  "This cannot be undone. But they can log in again at once, where the provider still knows them: to lock somebody out, block the user at the provider first, or end their session there.";

const $ = (id) => document.getElementById(id);
let token;
let user; // whose sessions are shown
let next; // where their list goes on
let shown; // the session that is shown
let decide = () => {}; // what the open question is answered with

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const regionOf = (code) => REGIONS[code] ?? "place unknown";
const short = (id) => id.slice(0, 8);
const times = (count) => (count === 1 ? "once" : `${count} times`);
const time = (text) =>
  text ? element("time", { dateTime: text }, new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" })) : "–";

/** What the ledger says of an event: as a sentence, with ids as short as in the lists. */
const sentence = ({ detail }) =>
  `${detail.charAt(0).toUpperCase()}${detail.slice(1).replace(/\.$/, "").replace(/\b[0-9a-f]{64}\b/g, short)}.`;

/** The last time that somebody tried to refresh it. */
const refreshOf = ({ ledger }) => ledger.findLast(({ event, outcome }) => event === "refresh" && !outcome.endsWith("registered"));

/** What went wrong, for a person. */
function explain(status, problem, retryAfter) {
  const reference = problem.ray ? ` (Reference: ${problem.ray})` : "";
  if (status === 401) return "This token is not the administrators’ token. Type it in again.";
  if (status === 404) return "There is no session with this id.";
  if (status === 409) return problem.detail ?? "The session has ended.";
  if (status === 503) return `${problem.detail ?? "The gateway is out of order."} Try again in ${retryAfter ?? "a few"} seconds.${reference}`;
  return `${problem.title ?? `The gateway answered ${status}`}. ${problem.detail ?? ""}${reference}`;
}

/** One call; throws an Error with words for a person. */
async function call(path, method = "GET", json = undefined) {
  let answer;
  try {
    const headers = { accept: "application/json", authorization: `Bearer ${token}` };
    const body = json && JSON.stringify(json);
    answer = await fetch(path, { method, headers, body, credentials: "omit", cache: "no-store", redirect: "error" });
  } catch {
    throw new Error("The gateway cannot be reached. Is the network there? Nothing is known of what you asked for: look again.");
  }
  if (answer.status === 204) return undefined;
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  if (answer.status === 401) lock();
  throw Object.assign(new Error(explain(answer.status, content, answer.headers.get("retry-after"))), { status: answer.status });
}

/** Does what the user asked for, one thing at a time, and says what came of it. */
async function perform(work) {
  if (document.body.ariaBusy === "true") return;
  document.body.ariaBusy = "true";
  $("problem").textContent = "";
  $("said").textContent = "Working …";
  try {
    $("said").textContent = (await work()) ?? "";
  } catch (error) {
    $("said").textContent = "";
    $("problem").textContent = error.message;
    // It is not what is shown any more.
    if (error.status === 409) await show(shown.id).catch(() => {});
  } finally {
    document.body.ariaBusy = "false";
  }
}

/** Nothing is shown. */
function clear() {
  [user, shown, next] = [];
  for (const id of ["user", "session"]) $(id).hidden = true;
  for (const id of ["sessions", "facts", "ledger"]) $(id).replaceChildren();
}

function lock() {
  clear();
  token = undefined;
  for (const id of ["find", "lock"]) $(id).hidden = true;
  $("unlock").hidden = false;
  $("subject").value = "";
  $("token").focus();
}

async function unlock() {
  token = $("token").value.trim();
  $("token").value = "";
  try {
    new Headers({ authorization: token });
    // Nobody's sessions: what matters is who may ask.
    await call("users/-/sessions");
  } catch (error) {
    // Users of several issuers log in here: which one is meant has to be said.
    $("whose").hidden = error.status !== 400;
    if (![400, 503].includes(error.status)) {
      lock();
      throw error instanceof TypeError ? new Error(explain(401, {})) : error;
    }
  }
  $("unlock").hidden = true;
  for (const id of ["find", "lock"]) $(id).hidden = false;
  $("subject").focus();
  return "Unlocked.";
}

/** The address of a user's sessions. */
function sessionsOf(subject, query = {}) {
  const issuer = $("whose").hidden ? "" : $("issuer").value.trim();
  const parameters = new URLSearchParams({ ...(issuer && { issuer }), ...query }).toString();
  return `users/${encodeURIComponent(subject)}/sessions${parameters && `?${parameters}`}`;
}

async function list(subject) {
  const { sessions, next: cursor } = await call(sessionsOf(subject));
  user = subject;
  next = cursor;
  $("user").hidden = false;
  $("user-title").textContent = `Sessions of ${subject}`;
  $("sessions").replaceChildren(...sessions.map(line));
  $("revoke-all").hidden = !$("sessions").querySelector(".active");
  return summarize();
}

/** The next page, below what is shown. */
async function more() {
  const { sessions, next: cursor } = await call(sessionsOf(user, { cursor: next }));
  next = cursor;
  $("sessions").append(...sessions.map(line));
  return summarize();
}

/** What is said of the sessions that are shown. */
function summarize() {
  const known = $("sessions").children.length;
  const active = $("sessions").querySelectorAll(".active").length;
  const and = next ? ", and there are more" : "";
  $("more").hidden = !next;
  $("user-summary").textContent = known
    ? `${known} ${next ? "shown" : "known"}, ${active} active${and}. Those that ended are kept for seven more days.`
    : "There are none. Is this the user’s sub, exactly as the provider has it?";
  mark();
  return `${known} ${known === 1 ? "session" : "sessions"} found, ${active} active${and}.`;
}

function line(session) {
  const open = element("button", { type: "button", className: "link", onclick: () => perform(() => show(session.id, true)) });
  open.append("Session ", element("span", { className: "id" }, short(session.id)));
  // What is active has a last use. Without one, its directory has answered for a session that did not.
  const used = session.state === "active" && !session.last_used_at ? ["not reachable now"] : ["last used ", time(session.last_used_at)];
  const made = element("li", { className: session.state },
    element("p", {}, open, " ", element("span", { className: "state" }, STATES[session.state])),
    element("p", {}, `${regionOf(session.region)}${session.country ? ` (${session.country})` : ""} · logged in `, time(session.created_at), " · ", ...used),
    element("p", {}, element("small", {}, session.user_agent ?? "device unknown")));
  made.dataset.id = session.id;
  return made;
}

/** The list says which of its sessions is open below. */
function mark() {
  for (const item of $("sessions").children) item.ariaCurrent = item.dataset.id === shown?.id ? "true" : null;
}

async function show(id, focus) {
  display(await call(`sessions/${id}`), focus);
}

function display(session, focus) {
  shown = session;
  $("session").hidden = false;
  $("session-title").textContent = `Session ${short(session.id)}: ${STATES[session.state].toLowerCase()}`;
  const end = session.ledger.findLast(({ event }) => event === "end");
  $("verdict").textContent =
    session.state === "ended" ? `Why it ended: ${end ? sentence(end) : "its ledger does not say."}`
    : session.state === "moved" ? "It lives on under another id. What you do here is done there." : "";
  const facts = {
    Id: element("span", { className: "id" }, session.id),
    User: session.subject, Provider: session.issuer,
    Home: `${regionOf(session.region)} (${session.region})`, "Country at login": session.country ?? "–", Device: session.user_agent ?? "–",
    "Logged in": time(session.created_at), "Last used": time(session.last_used_at), "Ends at the latest": time(session.expires_at),
    "Token valid until": time(session.access_token_expires_at), "Acts by itself next": time(session.next_alarm_at),
    "Kept in": `${session.store}, written ${times(session.generation)}, moved ${times(session.epoch)}`,
  };
  $("facts").replaceChildren(...Object.entries(facts).flatMap(([name, fact]) => [element("dt", {}, name), element("dd", {}, fact)]));
  if (session.moved_to) {
    const go = element("button", { type: "button", className: "link", onclick: () => perform(() => show(session.moved_to, true)) }, `session ${short(session.moved_to)}`);
    $("facts").append(element("dt", {}, "Moved to"), element("dd", {}, go));
  }
  $("actions").hidden = session.state === "ended";
  $("region").value = session.region;
  offer();
  $("ledger").replaceChildren(...session.ledger.map((entry) =>
    element("li", {},
      element("p", {}, sentence(entry)),
      element("small", {}, time(entry.at), ` · ${CAUSES[entry.cause]} · ${entry.duration_ms} ms · `, element("code", {}, `${entry.event} ${entry.outcome}`)))));
  mark();
  if (focus) $("session-title").focus();
}

/** A session is not moved to where it is. Where one lives that has moved, its former home does not say. */
function offer() {
  $("move").disabled = shown.state === "active" && $("region").value === shown.region;
}

/** The session as it is now, where it lives now. */
async function living(id) {
  const session = await call(`sessions/${id}`);
  return session.moved_to ? living(session.moved_to) : session;
}

/** After a change: what is shown is how it is now. */
async function again() {
  if (user !== undefined) await list(user);
}

/** Asks before something that cannot be undone. */
function confirmed(title, text, yes) {
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = yes;
  decide(false);
  $("confirm").showModal();
  return new Promise((resolve) => (decide = resolve));
}

function answer(yes) {
  decide(yes);
  $("confirm").close();
}

function onSubmit(form, work) {
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    perform(work);
  });
}
const onClick = (button, work) => $(button).addEventListener("click", work);

$("region").append(...Object.entries(REGIONS).map(([code, name]) => new Option(`${name} (${code})`, code)));
onSubmit("unlock", unlock);
onSubmit("find", async () => {
  const wanted = $("subject").value.trim();
  clear();
  if (/^[0-9a-f]{64}$/.test(wanted)) return show(wanted, true);
  const said = await list(wanted);
  $("user-title").focus();
  return said;
});
$("region").addEventListener("change", offer);
onSubmit("migrate", async () => {
  const moved = await call(`sessions/${shown.id}/migrate`, "POST", { region: $("region").value });
  await again();
  display(moved, true);
  return `Its home is ${regionOf(moved.region)} now, as session ${short(moved.id)}.`;
});
onClick("refresh", () => perform(async () => {
  const before = refreshOf(await living(shown.id));
  const refreshed = await call(`sessions/${shown.id}/refresh`, "POST");
  const last = refreshOf(refreshed);
  display(refreshed);
  if (!last) return "There is no refresh token to do that with.";
  if (last.at !== before?.at) return sentence(last);
  return last.outcome === "ok" ? "It was refreshed less than 30 s ago: nothing was done." : `Nothing was done. The last time: ${sentence(last)}`;
}));
onClick("revoke", async () => {
  if (!(await confirmed("Revoke this session?", `The user is logged out there with the next request. ${AGAIN}`, "Revoke"))) return;
  perform(async () => {
    const { id, moved_to } = shown;
    await call(`sessions/${id}`, "DELETE");
    await again();
    await show(moved_to ?? id, true);
    return "Revoked.";
  });
});
onClick("revoke-all", async () => {
  if (!(await confirmed(`Revoke all sessions of ${user}?`, `The user is logged out everywhere with the next request. ${AGAIN}`, "Revoke all"))) return;
  perform(async () => {
    const { revoked, pending } = await call(sessionsOf(user), "DELETE");
    await again();
    if (shown) await show(shown.id);
    $("user-title").focus();
    const rest = pending ? ` ${pending} more are being revoked.` : "";
    return `${revoked} ${revoked === 1 ? "session was" : "sessions were"} revoked.${rest}`;
  });
});
onClick("more", () => perform(more));
onClick("confirm-no", () => answer(false));
onClick("confirm-yes", () => answer(true));
// The key Escape closes it, too. The event comes late: it may be open again by then.
$("confirm").addEventListener("close", () => $("confirm").open || decide(false));
onClick("lock", () => {
  lock();
  $("problem").textContent = "";
  $("said").textContent = "The token is forgotten.";
});
$("token").focus();
