// The demo page's behaviour. It uses the gateway as any single-page application would: `fetch` with the cookie
// that the browser sends by itself, a look at the status, and no token anywhere.

const element = (id) => document.getElementById(id);
let session = null;
let life = 30; // seconds between a token's first sight and its expiry, the meter's full length
let lastToken = null;
let listening = null; // the connection on which the gateway says what becomes of the session

const clock = (date) => date.toLocaleTimeString([], { hour12: false });
const left = (time) => Math.round((new Date(time) - Date.now()) / 1000);

function log(text, token) {
  const [entry, time, what] = ["li", "time", "span"].map((name) => document.createElement(name));
  time.textContent = clock(new Date());
  what.textContent = text;
  entry.append(time, what);
  if (token) {
    const mark = document.createElement("span");
    mark.className = "token";
    mark.textContent = ` ${token}`;
    what.append(mark);
  }
  element("log").prepend(entry);
}

/** A call through the gateway: the JSON, or nothing when it failed. 401 means that the session is over: say so and offer to log in. */
async function call(path, options) {
  const response = await fetch(path, { headers: { accept: "application/json" }, ...options }).catch(() => null);
  if (!response) return log(`${path}: the gateway can't be reached`);
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  if (response.status === 401) signedOut(body);
  log(`${path}: ${response.status} ${body.code ?? ""} ${body.title ?? ""}`);
}

/** Nothing of a dead session stays on the page; what needs a live one can't be pressed. */
function signedOut({ detail, title }) {
  session = null;
  lastToken = null;
  element("reason").textContent = detail ?? title ?? "";
  element("login").href = `/auth/login?return_to=${encodeURIComponent(location.pathname + location.search + location.hash)}`;
  element("user").textContent = "stranger";
  element("session").replaceChildren();
  element("sessions").replaceChildren();
  element("api-result").textContent = "";
  setSignedIn(false);
}

function setSignedIn(signedIn) {
  element("signed-out").hidden = signedIn;
  for (const id of ["signed-in", "sessions-part", "logout-form"]) element(id).hidden = !signedIn;
  for (const id of ["call-api", "refresh"]) element(id).disabled = !signedIn;
}

function show(next) {
  if (!next) return;
  if (session && session.access_token_expires_at !== next.access_token_expires_at) log("the gateway has a new access token");
  const fresh = session?.access_token_expires_at !== next.access_token_expires_at;
  session = next;
  if (fresh && session.access_token_expires_at) life = Math.max(1, left(session.access_token_expires_at));
  setSignedIn(true);
  const { claims } = session;
  element("user").textContent = claims.name ?? claims.preferred_username ?? session.subject;
  draw();
}

function draw() {
  if (!session) return;
  const seconds = session.access_token_expires_at ? left(session.access_token_expires_at) : null;
  const rows = {
    "Logged in as": `${session.subject} at ${session.issuer}`,
    "Kept in region": session.region,
    "Access token": seconds === null ? "life unknown" : seconds > 0 ? `${seconds} s left` : "expired; the next call gets a new one",
    "Ends when unused": new Date(session.idle_expires_at).toLocaleString(),
    "Ends at the latest": new Date(session.expires_at).toLocaleString(),
  };
  element("session").replaceChildren(
    ...Object.entries(rows).flatMap(([term, text]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      dt.textContent = term;
      dd.textContent = text;
      return [dt, dd];
    }),
  );
  element("life").value = Math.max(0, (seconds ?? 0) / life);
}

/** Looks who is logged in, and listens from then on. */
async function look(pause) {
  show(await call("/auth/session"));
  listen(pause);
  await list();
}

/** The user's own sessions. Each can be ended from here; this one is what the button at the top is for. */
async function list() {
  const answer = session && (await call("/auth/sessions"));
  if (!answer) return;
  const live = answer.sessions.filter(({ state }) => state === "active");
  element("sessions").replaceChildren(...live.map(({ id, current, device, user_agent: browser, last_used_at: used, created_at: begun }) => {
    const [entry, text, more, end] = ["li", "span", "small", "button"].map((name) => document.createElement(name));
    text.textContent = current ? "This browser" : (browser ?? "An unknown browser");
    const bound = device ? `bound to ${current ? "this" : "its"} device` : "not bound to a device";
    more.textContent = `${bound}; last used ${new Date(used ?? begun).toLocaleString()}`;
    text.append(more);
    end.textContent = "End";
    end.hidden = current;
    end.onclick = async () => {
      await fetch(`/auth/sessions/${id}`, { method: "DELETE" });
      await list();
    };
    entry.append(text, end);
    return entry;
  }));
}

element("call-api").addEventListener("click", async () => {
  const result = await call("/api/hello");
  if (!result) return;
  const known = { true: "yes", false: "no", null: "not asked" }[result.token_accepted];
  element("api-result").dataset.token = result.token ?? "";
  element("api-result").textContent =
    `token ${result.token} arrived; the provider accepts it: ${known}\n` +
    `cookies that arrived: ${result.cookies.join(", ") || "none"}\n` +
    Object.entries(result.headers).map(([name, value]) => `${name}: ${value}`).join("\n");
  log(result.token === lastToken ? "API called with the same token" : "API called with a new token", result.token);
  lastToken = result.token;
  await look();
});

element("refresh").addEventListener("click", async () => {
  const before = session?.access_token_expires_at;
  const next = await call("/auth/refresh", { method: "POST" });
  if (next) log(next.access_token_expires_at === before ? "asked for a refresh: the last one was less than 30 s ago" : "asked for a refresh");
  show(next);
});

/** Listens to the session: the gateway says at once that it was refreshed, that it moved, and that it ended. Listening keeps nothing alive. */
function listen(pause = 1000) {
  if (!session || listening) return;
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/auth/events`);
  listening = socket;
  socket.onmessage = ({ data }) => {
    const { event, region, reason } = JSON.parse(data);
    if (event === "moved") log(`the session has moved to ${region}`);
    // A browser may take two seconds to say that the connection is closed.
    if (event !== "refreshed") listening = null;
    // After a login in another tab its cookie is still on its way to the browser.
    setTimeout(look, reason === "superseded" ? 2000 : 0);
  };
  socket.onopen = () => (pause = 1000);
  socket.onclose = () => {
    if (listening !== socket) return;
    listening = null;
    // It may have ended meanwhile. If it lives, the page listens again.
    setTimeout(() => session && look(Math.min(2 * pause, 60_000)), pause);
  };
}

setInterval(draw, 1000);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && session && look());
look();
