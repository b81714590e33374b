
// What the console shows: the list of a user's sessions, and one of them. What comes from outside is only ever put in as text.

const $ = (id) => document.getElementById(id);
// Where the list goes on, and the session that is shown.
let next;
let shown;

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const time = (at) => (at ? element("time", { dateTime: at, title: exact(at) }, relative(at)) : "–");
const both = (at) => at && element("span", {}, time(at), " ", element("small", {}, exact(at)));
const bound = ({ device: { bound_at: at } }) => ["bound to a device since ", element("time", { dateTime: at }, day(at))];

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
      element("small", {}, `${regionOf(session.region)}${country} · ${session.provider ? `${session.provider} · ` : ""}`, ...used),
      element("small", {}, element("code", {}, short(session.id)), " · logged in ", time(session.created_at), ...end),
      ...(session.device ? [element("small", {}, ...bound(session))] : [])));
  Object.assign(made.dataset, { id: session.id, region: session.region });
  return made;
}

/** The list says which of its sessions is open beside it. */
function mark() {
  for (const item of $("sessions").children) item.firstChild.ariaCurrent = item.dataset.id === shown?.id ? "true" : null;
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
