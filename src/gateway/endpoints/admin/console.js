
// The administrators' console: calls beside this page's address, and their answers in words. The token lives in one variable.
// What comes from outside is only ever put in as text. The address' fragment says what is shown.

const $ = (id) => document.getElementById(id);
// Cloudflare Access says who the administrator is: there is no token to type.
const access = Boolean(document.querySelector("[data-access]"));
let unlocked = false;
let token;
let listed; // whose sessions are shown: { subject, issuer }
let next; // where their list goes on
let shown; // the session that is shown
let routed = ""; // the fragment that is shown
let anew = false; // it is to be asked for, whatever is shown
let fading; // takes the last message away
let decide = () => {}; // what the open question is answered with

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const time = (at) => (at ? element("time", { dateTime: at, title: exact(at) }, relative(at)) : "–");
const both = (at) => at && element("span", {}, time(at), " ", element("small", {}, exact(at)));
const bound = ({ device: { bound_at: at } }) => ["bound to this device since ", element("time", { dateTime: at }, day(at))];

/** One call; throws an Error with words for a person. */
async function call(path, method = "GET", json = undefined) {
  let answer;
  try {
    const headers = { accept: "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const body = json && JSON.stringify(json);
    const credentials = access ? "same-origin" : "omit";
    answer = await fetch(path, { method, headers, body, credentials, cache: "no-store", redirect: "error" });
  } catch {
    throw new Error("The gateway cannot be reached. Check your network. What you asked for may or may not have happened: look again.");
  }
  if (answer.status === 204) return undefined;
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  if (answer.status === 401) lock();
  throw Object.assign(new Error(explain(answer.status, content, answer.headers.get("retry-after"))), { status: answer.status });
}

/** Says what came of something; it goes away again. `quiet`: what is on the page says it, too. */
function say(text, quiet) {
  clearTimeout(fading);
  $("said").className = quiet ? "quiet" : "";
  $("said").textContent = text;
  fading = setTimeout(() => ($("said").textContent = ""), 8000);
}

/** Does what the user asked for, one thing at a time, and says what came of it. */
async function perform(work, quiet) {
  if (document.body.ariaBusy === "true") return;
  document.body.ariaBusy = "true";
  $("problem").textContent = "";
  say("Working …", quiet);
  try {
    say((await work()) ?? "", quiet);
  } catch (error) {
    say("");
    $("problem").textContent = error.message;
    // It is not what is shown any more.
    if (error.status === 409) await show(shown.id).catch(() => {});
  } finally {
    document.body.ariaBusy = "false";
  }
  // The way back was taken meanwhile.
  if (unlocked && routed !== location.hash) perform(route, true);
}

/** Nothing is shown. */
function clear() {
  [listed, next] = [];
  close();
  $("user").hidden = true;
  $("sessions").replaceChildren();
}

/** No session is shown. */
function close() {
  shown = undefined;
  $("session").hidden = true;
  document.body.classList.remove("detail");
  for (const id of ["facts", "ledger"]) $(id).replaceChildren();
}

/** What is there while the console is locked, or while it is not. */
function reveal(open) {
  unlocked = open;
  for (const id of ["find", "lock", "welcome"]) $(id).hidden = !open;
  $("lock").hidden ||= access;
  $("unlock").hidden = open;
  $(open ? "wanted" : "token").focus();
}

function lock() {
  clear();
  token = undefined;
  $("wanted").value = "";
  reveal(false);
}

async function unlock() {
  token = $("token").value.trim() || undefined;
  $("token").value = "";
  try {
    new Headers({ authorization: token ?? "" });
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
  reveal(true);
  return (await route()) ?? "Unlocked.";
}

/** The address of a user, in the API or in the fragment. */
function addressOf({ subject, issuer }, behind = "", query = {}) {
  const parameters = new URLSearchParams({ ...(issuer && { issuer }), ...query }).toString();
  return `users/${encodeURIComponent(subject)}${behind}${parameters && `?${parameters}`}`;
}

/** Shows what the fragment says; the rest of the page stays as it is. */
async function route() {
  routed = location.hash;
  const fresh = anew;
  anew = false;
  const [, kind, name = "", query] = /^#\/(users|sessions)\/([^?]+)\??(.*)$/.exec(routed) ?? [];
  $("welcome").hidden = Boolean(kind);
  if (kind === "sessions") return open(name);
  const last = shown?.id;
  close();
  if (!kind) return clear();
  const user = { subject: decodeURIComponent(name), issuer: new URLSearchParams(query).get("issuer") ?? undefined };
  if (!fresh && last && addressOf(user) === (listed && addressOf(listed))) {
    mark();
    return void $("sessions").querySelector(`[href$="${last}"]`)?.focus();
  }
  clear();
  const said = await list(user);
  $("user-title").focus();
  return said;
}

/** Goes to a fragment; to the present one, too. */
function go(fragment) {
  anew = true;
  if (location.hash === fragment) perform(route, true);
  else location.hash = fragment;
}

/** Opens a session, beside the sessions of its user. */
async function open(id) {
  const isListed = [...$("sessions").children].some((item) => item.dataset.id === id);
  if (!isListed) clear();
  let said;
  try {
    await show(id);
  } catch (error) {
    // The subjects of some providers look like an id.
    if (error.status !== 404 || !/^[0-9a-f]{64}$/.test(id)) throw error;
    said = await list({ subject: id, issuer: issuerTyped() }).catch(() => {});
    if ($("sessions").children.length > 0) return said;
    clear();
    throw error;
  }
  const { subject, issuer } = shown;
  if (!isListed && subject) said = await list({ subject, issuer: $("whose").hidden ? undefined : issuer });
  $("session-title").focus();
  return said ?? "";
}

const issuerTyped = () => ($("whose").hidden ? undefined : $("issuer").value.trim() || undefined);

async function list(user) {
  const { sessions, next: cursor } = await call(addressOf(user, "/sessions"));
  [listed, next] = [user, cursor];
  $("user").hidden = false;
  $("user-title").textContent = user.subject;
  $("back").textContent = `← All sessions of ${user.subject}`;
  $("back").href = `#/${addressOf(user)}`;
  $("sessions").replaceChildren(...sessions.map(line));
  return summarize();
}

/** The next page, below what is shown. */
async function more() {
  const { sessions, next: cursor } = await call(addressOf(listed, "/sessions", { cursor: next }));
  next = cursor;
  $("sessions").append(...sessions.map(line));
  return summarize();
}

/** What is said of the sessions that are shown. */
function summarize() {
  const items = [...$("sessions").children];
  const active = items.filter((item) => item.className === "active");
  const and = next ? ", and there are more" : "";
  $("more").hidden = !next;
  $("revoke-all").hidden = active.length === 0;
  $("user-summary").textContent = items.length
    ? `${next ? `${items.length} sessions shown` : sessionsIn(items.length)}, ${active.length} active${and}. Ended ones are kept for 7 days.`
    : "No sessions found. Is this exactly the user’s sub at the provider?";
  const counts = Map.groupBy(active, (item) => item.dataset.region);
  $("places").replaceChildren(...[...counts].map(([region, there]) => element("li", {}, `${regionOf(region)}: ${there.length}`)));
  filter();
  mark();
  return `${sessionsIn(items.length)} found, ${active.length} active${and}.`;
}

/** Of the list, those whose id begins as what was typed; all where none does. */
function filter() {
  const typed = $("wanted").value.trim();
  const items = [...$("sessions").children];
  const begins = /^[0-9a-f]{4,63}$/.test(typed) ? items.filter((item) => item.dataset.id.startsWith(typed)) : [];
  for (const item of items) item.hidden = begins.length > 0 && !begins.includes(item);
  $("filtered").textContent = begins.length ? `${begins.length} of ${items.length} begins with ${typed}.` : "";
  if (begins.length > 1) $("filtered").textContent = $("filtered").textContent.replace("begins", "begin");
  return begins;
}

function line(session) {
  // What is active has a last use. Without one, its directory has answered for a session that did not.
  const used = session.state === "active" && !session.last_used_at ? ["not reachable now"] : ["last used ", time(session.last_used_at)];
  const end = session.state === "active" ? [" · ends ", time(session.expires_at)] : [];
  const country = session.country ? ` (${session.country})` : "";
  const made = element("li", { className: session.state },
    element("a", { href: `#/sessions/${session.id}` },
      element("span", { className: "head" },
        element("strong", {}, device(session.user_agent)),
        element("span", { className: `state ${session.state}` }, STATES[session.state])),
      element("small", {}, `${regionOf(session.region)}${country} · `, ...used),
      element("small", {}, element("code", {}, short(session.id)), " · logged in ", time(session.created_at), ...end),
      ...(session.device ? [element("small", {}, ...bound(session))] : [])));
  Object.assign(made.dataset, { id: session.id, region: session.region });
  return made;
}

/** The list says which of its sessions is open beside it. */
function mark() {
  for (const item of $("sessions").children) item.firstChild.ariaCurrent = item.dataset.id === shown?.id ? "true" : null;
}

async function show(id) {
  display(await call(`sessions/${id}`));
}

function display(session) {
  shown = session;
  $("session").hidden = false;
  document.body.classList.add("detail");
  $("session-title").textContent = device(session.user_agent);
  $("state").textContent = STATES[session.state];
  $("state").className = `state ${session.state}`;
  $("session-id").textContent = session.id;
  const end = session.ledger.findLast(({ event }) => event === "end");
  const verdict = {
    active: ["Ends ", time(session.expires_at), " at the latest."],
    ended: end ? ["Ended ", time(end.at), `: ${sentence(end)}`] : ["Ended. The ledger does not say why."],
    moved: ["It lives on in another region, under another id. What you do here is done there."],
  };
  $("verdict").replaceChildren(...verdict[session.state]);
  const lives = session.state !== "ended";
  const facts = {
    "Moved to": session.moved_to && element("a", { href: `#/sessions/${session.moved_to}` }, `session ${short(session.moved_to)}`),
    User: session.subject,
    Provider: session.provider ? `${session.provider} (${session.issuer})` : session.issuer,
    Region: `${regionOf(session.region)} (${session.region})`,
    "Country at login": session.country,
    Device: session.device && element("span", {}, ...bound(session)),
    Browser: session.user_agent,
    "Logged in": both(session.created_at),
    "Last used": both(session.last_used_at),
    "Ends at the latest": lives && both(session.expires_at),
    "Token valid until": both(session.access_token_expires_at),
    "Next scheduled action": lives && both(session.next_alarm_at),
    Stored: `${session.store}, written ${times(session.generation)}, moved ${times(session.epoch)}`,
  };
  const known = Object.entries(facts).filter(([, fact]) => fact);
  $("facts").replaceChildren(...known.flatMap(([name, fact]) => [element("dt", {}, name), element("dd", {}, fact)]));
  $("actions").hidden = !lives;
  $("region").value = session.region;
  offer();
  $("ledger").replaceChildren(...session.ledger.toReversed().map((entry) =>
    element("li", {},
      element("p", {}, sentence(entry)),
      element("small", {}, time(entry.at), ` · ${entry.by ? `by ${entry.by}` : CAUSES[entry.cause]} · ${entry.duration_ms} ms · `, element("code", {}, `${entry.event} ${entry.outcome}`)))));
  mark();
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

/** After a change: what is listed is how it is now. */
async function again() {
  if (listed) await list(listed);
}

/** Shows a session in place of the one that is shown; the address says so, too. */
function replace(session) {
  history.replaceState(null, "", `#/sessions/${session.id}`);
  routed = location.hash;
  display(session);
  $("session-title").focus();
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
    work();
  });
}
const onClick = (button, work) => $(button).addEventListener("click", work);

$("region").append(...Object.entries(REGIONS).map(([code, name]) => new Option(`${name} (${code})`, code)));
onSubmit("unlock", () => perform(unlock, true));
onSubmit("find", () => {
  const { id, cookie, subject } = meaning($("wanted").value.trim());
  if (cookie) {
    $("wanted").value = "";
    return ($("problem").textContent = "This looks like a cookie, but there is no whole session id in it. Nothing was sent.");
  }
  const [first, ...others] = filter();
  if (others.length > 0) return say($("filtered").textContent, true);
  const found = id ?? first?.dataset.id;
  go(found ? `#/sessions/${found}` : `#/${addressOf({ subject, issuer: issuerTyped() })}`);
});
// A cookie's secret is gone before it is to be seen.
$("wanted").addEventListener("paste", (event) => {
  const { id } = meaning(event.clipboardData.getData("text").trim());
  if (!id) return;
  event.preventDefault();
  $("wanted").value = id;
});
$("wanted").addEventListener("input", () => {
  const { id } = meaning($("wanted").value.trim());
  if (id) $("wanted").value = id;
  filter();
});
addEventListener("hashchange", () => unlocked && routed !== location.hash && perform(route, true));
$("region").addEventListener("change", offer);
onSubmit("migrate", () => perform(async () => {
  const moved = await call(`sessions/${shown.id}/migrate`, "POST", { region: $("region").value });
  await again();
  replace(moved);
  return `The session lives in ${regionOf(moved.region)} now, as ${short(moved.id)}.`;
}));
onClick("refresh", () => perform(async () => {
  const before = refreshOf(await living(shown.id));
  const refreshed = await call(`sessions/${shown.id}/refresh`, "POST");
  const last = refreshOf(refreshed);
  if (refreshed.id === shown.id) display(refreshed);
  else replace(refreshed);
  if (!last) return "Nothing was done: the session has no refresh token.";
  if (last.at !== before?.at) return sentence(last);
  return last.outcome === "ok" ? "Nothing was done: the token was refreshed less than 30 seconds ago." : `Nothing was done. The last time: ${sentence(last)}`;
}));
onClick("revoke", async () => {
  if (!(await confirmed("Revoke this session?", `The user is logged out there with the next request. ${AGAIN}`, "Revoke"))) return;
  perform(async () => {
    const { id, moved_to } = shown;
    await call(`sessions/${id}`, "DELETE");
    await again();
    replace(await call(`sessions/${moved_to ?? id}`));
    return "The session is revoked.";
  });
});
onClick("revoke-all", async () => {
  if (!(await confirmed(`Revoke all sessions of ${listed.subject}?`, `The user is logged out everywhere with the next request. ${AGAIN}`, "Revoke all"))) return;
  perform(async () => {
    const { revoked, pending } = await call(addressOf(listed, "/sessions"), "DELETE");
    await again();
    if (shown) await show(shown.id);
    $("user-title").focus();
    const rest = pending ? ` ${pending} more are being revoked.` : "";
    return `${sessionsIn(revoked)} revoked.${rest}`;
  });
});
onClick("more", () => perform(more, true));
onClick("confirm-no", () => answer(false));
onClick("confirm-yes", () => answer(true));
// The key Escape closes it, too. The event comes late: it may be open again by then.
$("confirm").addEventListener("close", () => $("confirm").open || decide(false));
onClick("lock", () => {
  history.replaceState(null, "", location.pathname);
  lock();
  $("problem").textContent = "";
  say("The token is forgotten.");
});
setInterval(() => {
  for (const shownTime of document.querySelectorAll("time[title]")) shownTime.textContent = relative(shownTime.dateTime);
}, 30_000);
if (access) perform(unlock, true);
else $("token").focus();
