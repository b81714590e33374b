
// The administrators' console: what it asks the API, and when. The token lives in one variable. The address' fragment says what is
// shown.

// Cloudflare Access says who the administrator is: there is no token to type.
const access = Boolean(document.querySelector("[data-access]"));
let unlocked = false;
let token;
// Whose sessions are shown: { subject, issuer }.
let listed;
// The fragment that is shown, and whether it is to be asked for although it is.
let routed = "";
let anew = false;
// Takes the last message away.
let fading;
// What the open question is answered with.
let decide = () => {};

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
  const typed = token !== undefined;
  try {
    new Headers({ authorization: token ?? "" });
    // Nobody's sessions: what matters is who may ask.
    await call("users/-/sessions");
  } catch (error) {
    // Users of several issuers log in here: which one is meant has to be said.
    $("whose").hidden = error.status !== 400;
    if (![400, 503].includes(error.status)) {
      lock();
      if (typed) throw error instanceof TypeError ? new Error(explain(401, {})) : error;
      throw error.status === 401 ? new Error("Cloudflare Access did not let you in as an administrator. Load the page again, or type in the token.") : error;
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
  $("wanted").value ||= user.subject;
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

async function show(id) {
  display(await call(`sessions/${id}`));
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
const NO_ID = "This looks like a cookie, but there is no whole session id in it. Nothing was sent.";
const onClick = (button, work) => $(button).addEventListener("click", work);

$("region").append(...Object.entries(REGIONS).map(([code, name]) => new Option(`${name} (${code})`, code)));
onSubmit("unlock", () => perform(unlock, true));
onSubmit("find", () => {
  const { id, cookie, subject } = meaning($("wanted").value.trim());
  if (cookie) {
    $("wanted").value = "";
    return ($("problem").textContent = NO_ID);
  }
  const [first, ...others] = filter();
  if (others.length > 0) return say($("filtered").textContent, true);
  const found = id ?? first?.dataset.id;
  go(found ? `#/sessions/${found}` : `#/${addressOf({ subject, issuer: issuerTyped() })}`);
});
// A cookie's secret is gone before it is to be seen.
$("wanted").addEventListener("paste", (event) => {
  const { id, cookie } = meaning(event.clipboardData.getData("text").trim());
  if (!id && !cookie) return;
  event.preventDefault();
  $("wanted").value = id ?? "";
  if (!id) $("problem").textContent = NO_ID;
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
