"use strict";
// The administrators' console: calls beside this page's address, and their answers in words. The token lives in
// one variable; what comes from outside is only ever put in as text.

const REGIONS = {
  wnam: "North America, west", enam: "North America, east", sam: "South America", weur: "Europe, west", eeur: "Europe, east",
  apac: "Asia-Pacific", oc: "Oceania", afr: "Africa", me: "Middle East",
};
const STATES = { active: "Active", moved: "Moved", ended: "Ended" };
const CAUSES = {
  request: "on a request of the browser", alarm: "by itself, on its alarm", admin: "by an administrator",
  directory: "between the session and its directory", backchannel: "by the provider",
};
const ENDS = {
  logout: "The user logged out.", idle: "It was not used for too long.", expired: "Its time was up.",
  refresh_rejected: "The provider refused to renew it.", backchannel: "The user was logged out at the provider.",
  superseded: "A newer login took its place.",
};
const EVENTS = {
  "begin ok": "A login began.",
  "complete ok": "The user was logged in.",
  "complete login_needed": "A silent login found nobody logged in at the provider.",
  "complete kept": "A silent login did not work out; the session stayed where it was.",
  "get_denied unknown": "A request came with a wrong secret, and was refused.",
  "get_denied ended": "A request came after the end, and was refused.",
  "get_denied reauthenticate": "No usable token was left; the user had to go through the provider.",
  "get_denied provider_unavailable": "No usable token was left, and the provider did not answer.",
  "get_denied store_unavailable": "The session could not be read for a request.",
  "refresh ok": "A new access token came.",
  "refresh refused": "The provider refused to renew it.",
  "refresh deferred": "The provider asked for patience; it is tried again.",
  "refresh unknown": "No answer of the provider that could be trusted; its refresh token may be lost.",
  "refresh discarded": "New tokens came too late, after the end, and were thrown away.",
  "observe stay": "It was used from another region, and stayed.",
  "observe reauthenticate": "It was used from another region, and is to be renewed there.",
  "observe migrate": "It was used from another region, and is to move there.",
  "observe no_answer": "It was used from another region; the directory did not answer, so it stayed.",
  "migrate ok": "It moved.",
  "migrate stay": "A move did not work out; it stayed.",
  "migrate superseded": "A new session in another region took its place.",
  "migrate adopted": "It arrived from another region.",
  "migrate dropped": "A move did not work out; it lives where it was.",
  "revoke ok": "The request to end it was carried out.",
  "revoke revoked": "Its refresh token was revoked at the provider.",
  "revoke not_revoked": "Its refresh token could not be revoked at the provider.",
  "alarm ok": "It was refreshed ahead of its token’s end.",
  "alarm foreign_record": "Somebody else had written in its place in the store; it has written over that.",
  "alarm settled": "The grace after its move was over.",
};

const $ = (id) => document.getElementById(id);
let token;
let user; // whose sessions are shown
let shown; // the session that is shown
let decide = () => {}; // what the open question is answered with

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const regionOf = (code) => REGIONS[code] ?? "place unknown";
const short = (id) => id.slice(0, 8);
const time = (text) =>
  text ? element("time", { dateTime: text }, new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" })) : "–";

/** Why it ended, in a sentence. */
const endOf = ({ outcome, cause }) =>
  ENDS[outcome] ?? (cause === "admin" ? "An administrator revoked it." : "The user ended it from another of their sessions.");
const wordsOf = (entry) => (entry.event === "end" ? `It ended. ${endOf(entry)}` : EVENTS[`${entry.event} ${entry.outcome}`] ?? `${entry.event}: ${entry.outcome}`);

/** What went wrong, for a person. */
function explain(status, problem, retryAfter) {
  const reference = problem.ray ? ` (Reference: ${problem.ray})` : "";
  if (status === 401) return "This token is not the administrators’ token. Type it in again.";
  if (status === 404) return "There is no session with this id.";
  if (status === 409) return `It has ended already. ${problem.detail ?? ""}`;
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
  } finally {
    document.body.ariaBusy = "false";
  }
}

function lock() {
  [token, user, shown] = [];
  for (const id of ["find", "user", "session", "lock"]) $(id).hidden = true;
  for (const id of ["sessions", "facts", "ledger"]) $(id).replaceChildren();
  $("unlock").hidden = false;
  $("subject").value = "";
  $("token").focus();
}

async function unlock() {
  token = $("token").value.trim();
  $("token").value = "";
  try {
    new Headers({ authorization: token });
    // An address that never is: only whoever may is told so.
    await call("sessions/none");
  } catch (error) {
    if (error.status !== 404) {
      lock();
      throw error instanceof TypeError ? new Error(explain(401, {})) : error;
    }
  }
  $("unlock").hidden = true;
  for (const id of ["find", "lock"]) $(id).hidden = false;
  $("subject").focus();
  return "Unlocked.";
}

async function list(subject) {
  const { sessions } = await call(`users/${encodeURIComponent(subject)}/sessions`);
  user = subject;
  const active = sessions.filter(({ state }) => state === "active").length;
  $("user").hidden = false;
  $("user-title").textContent = `Sessions of ${subject}`;
  $("user-summary").textContent = sessions.length
    ? `${sessions.length} known, ${active} active. Those that ended are kept for seven more days.`
    : "There are none. Is this the user’s sub, exactly as the provider has it?";
  $("revoke-all").hidden = active === 0;
  $("sessions").replaceChildren(...sessions.map(line));
  mark();
  return `${sessions.length} ${sessions.length === 1 ? "session" : "sessions"} found, ${active} active.`;
}

function line(session) {
  const open = element("button", { type: "button", className: "link", onclick: () => perform(() => show(session.id, true)) });
  open.append("Session ", element("span", { className: "id" }, short(session.id)));
  const made = element("li", { className: session.state },
    element("p", {}, open, " ", element("span", { className: "state" }, STATES[session.state])),
    element("p", {}, `${regionOf(session.region)}${session.country ? ` (${session.country})` : ""} · logged in `, time(session.created_at), " · last used ", time(session.last_used_at)),
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
    session.state === "ended" ? `Why it ended: ${end ? endOf(end) : "its ledger does not say."}`
    : session.state === "moved" ? "It lives on under another id. What you do here is done there." : "";
  const facts = {
    Id: element("span", { className: "id" }, session.id),
    User: session.subject, Provider: session.issuer,
    Lives: `${regionOf(session.region)} (${session.region})`, "Country at login": session.country ?? "–", Device: session.user_agent ?? "–",
    "Logged in": time(session.created_at), "Last used": time(session.last_used_at), "Ends at the latest": time(session.expires_at),
    "Token valid until": time(session.access_token_expires_at), "Acts by itself next": time(session.next_alarm_at),
    "Kept in": `${session.store}, written ${session.generation} times, moved ${session.epoch} times`,
  };
  $("facts").replaceChildren(...Object.entries(facts).flatMap(([name, fact]) => [element("dt", {}, name), element("dd", {}, fact)]));
  if (session.moved_to) {
    const go = element("button", { type: "button", className: "link", onclick: () => perform(() => show(session.moved_to, true)) }, `session ${short(session.moved_to)}`);
    $("facts").append(element("dt", {}, "Moved to"), element("dd", {}, go));
  }
  $("actions").hidden = session.state === "ended";
  $("region").value = session.region;
  $("ledger").replaceChildren(...session.ledger.map((entry) =>
    element("li", {},
      element("p", {}, wordsOf(entry)),
      element("small", {}, time(entry.at), ` · ${CAUSES[entry.cause]} · ${entry.detail} [${entry.event} ${entry.outcome}, ${entry.duration_ms} ms]`))));
  mark();
  if (focus) $("session-title").focus();
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
  if (/^[0-9a-f]{64}$/.test(wanted)) return show(wanted, true);
  shown = undefined;
  $("session").hidden = true;
  const said = await list(wanted);
  $("user-title").focus();
  return said;
});
onSubmit("migrate", async () => {
  const moved = await call(`sessions/${shown.id}/migrate`, "POST", { region: $("region").value });
  await again();
  display(moved, true);
  return `It lives in ${regionOf(moved.region)} now, as session ${short(moved.id)}.`;
});
onClick("refresh", () => perform(async () => {
  const refreshed = await call(`sessions/${shown.id}/refresh`, "POST");
  const last = refreshed.ledger.findLast(({ event }) => event === "refresh");
  display(refreshed);
  return last ? wordsOf(last) : "There is no refresh token to do that with.";
}));
onClick("revoke", async () => {
  if (!(await confirmed("Revoke this session?", "The user is logged out there with the next request. This cannot be undone.", "Revoke"))) return;
  perform(async () => {
    const { id, moved_to } = shown;
    await call(`sessions/${id}`, "DELETE");
    await again();
    await show(moved_to ?? id, true);
    return "Revoked.";
  });
});
onClick("revoke-all", async () => {
  if (!(await confirmed(`Revoke all sessions of ${user}?`, "The user is logged out everywhere with the next request. This cannot be undone.", "Revoke all"))) return;
  perform(async () => {
    const { revoked } = await call(`users/${encodeURIComponent(user)}/sessions`, "DELETE");
    await again();
    if (shown) await show(shown.id);
    $("user-title").focus();
    return `${revoked} ${revoked === 1 ? "session was" : "sessions were"} revoked.`;
  });
});
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
