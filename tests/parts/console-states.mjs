// Every state of the administrators' console, with prepared answers of the API: what its pictures and its check for accessibility go through.

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
const DAY = 86_400;
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "curl/8.14.1",
  null,
];
const REGIONS = [["weur", "DE"], ["enam", "US"], ["oc", "NZ"]];
const idOf = (number) => (0x3f2a1000 + number * 7919).toString(16).padStart(8, "0").repeat(8);

/** The session with this number, in this state. */
function summary(number, state = "active") {
  const [region, country] = REGIONS[number % 3];
  return {
    id: idOf(number), region, country, state, user_agent: AGENTS[number % AGENTS.length],
    created_at: ago(DAY + number * 5000), last_used_at: ago(40 + number * 997), expires_at: ago(-6 * DAY + number * 5000),
    ...(number % 4 === 1 && { device: { bound_at: ago(DAY) } }),
  };
}

const ledger = () => [
  { at: ago(DAY), event: "complete", outcome: "ok", cause: "request", region: "weur", duration_ms: 212, detail: "the user logged in" },
  { at: ago(7000), event: "refresh", outcome: "ok", cause: "alarm", region: "weur", duration_ms: 87, detail: "a new access token came" },
];
const ends = () => ({
  active: [],
  moved: [{ at: ago(300), event: "migrate", outcome: "ok", cause: "admin", by: "access:grace@example.com", region: "weur", duration_ms: 31, detail: `the session moved to ${idOf(1)}` }],
  ended: [{ at: ago(260), event: "end", outcome: "revoked", cause: "admin", by: "access:grace@example.com", region: "weur", duration_ms: 12, detail: "an administrator revoked the session" }],
});

const detail = (number, state) => ({
  ...summary(number, state), subject: "auth0|5f7c8ec7c33c6c004bbafe82", issuer: "https://login.example.com/", provider: "corp",
  store: "durable", epoch: state === "moved" ? 1 : 0, generation: 3, next_alarm_at: state === "active" ? ago(-2400) : null,
  access_token_expires_at: state === "active" ? ago(-3100) : null, ...(state === "moved" && { moved_to: idOf(1) }),
  ledger: [...ledger(), ...ends()[state]],
});

const SUBJECT = "auth0|5f7c8ec7c33c6c004bbafe82";
const json = (status, body, headers = {}) => ({ status, contentType: status < 400 ? "application/json" : "application/problem+json", headers, body: JSON.stringify(body) });
const problem = (status, title, text) => json(status, { type: "about:blank", title, status, detail: text, ray: "9f2c1b7e4d3a2b10-FRA" }, { "retry-after": "5" });

/** Answers the API's calls of a page from here; the page itself is the gateway's. `change` may answer in its place. */
async function prepare(page, { count = 3, next, state = "active", change = () => undefined }) {
  let present = state;
  let all = false;
  await page.route(/\/admin\/(users|sessions)\//, async (route) => {
    const request = route.request();
    const { pathname } = new URL(request.url());
    const method = request.method();
    const changed = change({ pathname, method });
    if (changed) return route.fulfill(changed);
    if (request.headers().authorization !== "Bearer right") return route.fulfill(problem(401, "Invalid token", "This needs the administrators' token as a bearer token."));
    if (pathname.endsWith("/users/-/sessions")) return route.fulfill(json(200, { subject: "-", issuer: "i", sessions: [] }));
    if (pathname.includes("/users/")) {
      if (method === "DELETE") {
        [present, all] = ["ended", true];
        return route.fulfill(json(200, { revoked: count }));
      }
      const others = Array.from({ length: Math.max(count - 1, 0) }, (_, i) => summary(i + 1, all || i > count * 0.7 ? "ended" : "active"));
      const sessions = count === 0 ? [] : [...others, summary(0, present)].toSorted((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
      return route.fulfill(json(200, { subject: SUBJECT, issuer: "i", sessions, ...(next && { next }) }));
    }
    if (method === "DELETE") {
      present = "ended";
      return route.fulfill({ status: 204 });
    }
    if (pathname.endsWith("/migrate")) return route.fulfill(json(200, { ...detail(1, "active"), region: "oc" }));
    if (pathname.endsWith("/refresh")) {
      const refreshed = detail(0, "active");
      refreshed.ledger.push({ ...ledger()[1], at: ago(1), cause: "admin", by: "token" });
      return route.fulfill(json(200, refreshed));
    }
    if (pathname.includes(idOf(1))) return route.fulfill(json(200, detail(1, "active")));
    return route.fulfill(pathname.includes(idOf(0)) ? json(200, detail(0, present)) : problem(404, "Not found", "There is nothing at this address."));
  });
}
const STATES = ["active", "moved", "ended"];

const unlock = async (page, token = "right") => {
  await page.getByLabel("Administrators’ token").fill(token);
  await page.getByRole("button", { name: "Unlock" }).click();
};
const find = async (page, wanted = SUBJECT) => {
  await unlock(page);
  await page.getByLabel("User or session").fill(wanted);
  await page.getByRole("button", { name: "Find" }).click();
};
const open = async (page) => {
  await find(page);
  await page.locator(`#sessions a[href$="${idOf(0)}"]`).click();
  await page.locator("#session").waitFor();
};
const press = async (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const status = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
const alert = (page) => page.getByRole("alert").filter({ hasText: /./ }).waitFor();

/** Each state: its name, and how a page gets there. */
export const CONSOLE_STATES = {
  locked: { reach: async () => {} },
  "token-wrong": { reach: async (page) => { await unlock(page, "wrong"); await alert(page); } },
  empty: { reach: async (page) => { await unlock(page); await page.locator("#welcome").waitFor(); } },
  "list-of-1": { count: 1, reach: async (page) => { await find(page); await status(page, "1 session found"); } },
  "list-of-30": { count: 30, next: "n", reach: async (page) => { await find(page); await status(page, "30 sessions found"); } },
  filtered: { count: 30, reach: async (page) => { await find(page); await status(page, "30 sessions found"); await page.getByLabel("User or session").fill(idOf(3).slice(0, 6)); await page.getByText("begins with").waitFor(); } },
  "nothing-found": { count: 0, reach: async (page) => { await find(page, "nobody"); await page.getByText("No sessions found.").waitFor(); } },
  "no-such-session": { count: 0, reach: async (page) => { await find(page, "0".repeat(64)); await alert(page); } },
  "half-a-cookie": { reach: async (page) => { await find(page, "edge-session=weur.3f2a"); await alert(page); } },
  "detail-active": { reach: open },
  "detail-of-30": { count: 30, reach: open },
  "detail-moved": { state: "moved", reach: open },
  "detail-ended": { state: "ended", reach: open },
  refreshed: { reach: async (page) => { await open(page); await press(page, "Refresh the token"); await status(page, "access token"); } },
  moved: { reach: async (page) => { await open(page); await page.getByLabel("Move to").selectOption("oc"); await press(page, "Move"); await status(page, "Oceania"); } },
  "revoke-asks": { reach: async (page) => { await open(page); await press(page, "Revoke …"); await page.getByRole("dialog").waitFor(); } },
  revoked: { reach: async (page) => { await open(page); await press(page, "Revoke …"); await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click(); await status(page, "revoked"); } },
  "all-revoked": { count: 4, reach: async (page) => { await find(page); await press(page, "Revoke all …"); await page.getByRole("dialog").getByRole("button", { name: "Revoke all" }).click(); await status(page, "4 sessions revoked."); } },
  "api-503": {
    change: ({ pathname }) => (pathname.includes("auth0") ? problem(503, "Sessions unavailable", "Sessions cannot be read at the moment.") : undefined),
    reach: async (page) => { await find(page); await alert(page); },
  },
};

/** Brings a fresh page of the console into a state. */
export async function reach(page, name, address) {
  const { reach: way, ...answers } = CONSOLE_STATES[name];
  await prepare(page, answers);
  await page.goto(address);
  await way(page);
}
