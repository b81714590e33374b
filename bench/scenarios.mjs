// What `make bench` measures. A scenario resolves to the lines that it adds to the table: `{ name, what, sides, base }`, where `sides`
// has the rounds of each side and the ratio is the first side's processor time to that of `base`.
import { REQUESTS } from "./routes.mjs";
import { takeRounds, takeTurns } from "./rounds.mjs";
import { sessions } from "./sessions.mjs";
import { cf, CF_HEADER } from "../tests/parts/workerd.mjs";
import { cpu } from "./processes.mjs";
import { AGAIN, GATEWAY, HANDWRITTEN, ROUTED } from "./world.mjs";

/** Where the platform says a visitor is. */
const VISITOR = {
  [CF_HEADER]: cf({
    continent: "EU",
    country: "DE",
    city: "Köln",
    postalCode: "50667",
    region: "North Rhine-Westphalia",
    regionCode: "NW",
    latitude: "50.93",
    longitude: "6.96",
    timezone: "Europe/Berlin",
    asn: 64496,
    botManagement: { score: 90, verifiedBot: false },
  }),
};
const MESSAGE = JSON.stringify({ message: "a small body" });
const POST = { method: "POST", body: MESSAGE, headers: { "content-type": "application/json", "sec-fetch-site": "same-origin" } };
/** What a browser's `fetch` sends beside the cookie. */
const FETCH = { accept: "application/json", "user-agent": "Mozilla/5.0 (bench)", "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin" };
/** Browsers that log in at the same time. */
const BROWSERS = 4;

/** Requests of one session, beside the hand-written handler. */
const BESIDE = {
  small: { what: "a GET with a session, 80 bytes back" },
  big: { what: "the same, 64 KB back", path: "/64k" },
  unauth: { what: "a GET without a session, which is 401", anonymous: true, status: 401 },
  post: { what: "a POST of a small body with a session", ...POST },
  "small-cf": { what: "small, with the visitor's place", headers: VISITOR },
  "big-cf": { what: "big, with the visitor's place", path: "/64k", headers: VISITOR },
  "unauth-cf": { what: "unauth, with the visitor's place", anonymous: true, status: 401, headers: VISITOR },
};

const ALONE = {
  require: "a route that requires a claim",
  identity: "a route with identity headers",
  bearer: "a route that also takes clients' JWTs; here with a session",
  jwt: "the same route, with a client's JWT",
  captcha: "a route with a captcha, which the user has passed",
  patterns: "the last of 17 routes",
};

/** All scenarios by name, in the order in which they run: `(world, options) => lines`. */
export const SCENARIOS = {
  same: (world, options) => beside(world, options, "same", { ...BESIDE.small, what: "small, the gateway beside itself: the spread" }, AGAIN),
  ...Object.fromEntries(Object.entries(BESIDE).map(([name, about]) => [name, (world, options) => beside(world, options, name, about, HANDWRITTEN)])),
  login,
  sessions,
  routes,
};

/** The requests of one session, or of nobody. */
export async function requestsOf(contestant, { anonymous, path = "/", method = "GET", body, headers = {} }) {
  if (anonymous) return [{ path, method, body, headers: { ...FETCH, ...headers } }];
  const user = contestant.browser();
  await user.login({ hint: "ada" });
  return [{ path, method, body, headers: { ...FETCH, cookie: user.sessionHeader, ...headers } }];
}

async function beside(world, options, name, { what, status, ...about }, base) {
  const entries = [];
  for (const side of [GATEWAY, base]) {
    const contestant = await world.contestant(side);
    entries.push({ name: side, contestant, status, requests: await requestsOf(contestant, about) });
  }
  const { results, others } = await takeRounds(world, entries, options);
  return { lines: [{ name, what, sides: [results[GATEWAY], results[base]] }], others };
}

/** The price of a route's rules: each beside the plain route of a gateway without any. */
async function routes(world, options) {
  const plain = await world.contestant(GATEWAY);
  const routed = await world.contestant(ROUTED);
  const entries = [{ name: "small", contestant: plain, requests: await requestsOf(plain, {}) }];
  for (const [name, { path, headers }] of Object.entries(REQUESTS)) {
    const own = await headers?.(routed);
    entries.push({ name, contestant: routed, requests: await requestsOf(routed, { path, anonymous: own !== undefined, headers: own }) });
  }
  const { results, others } = await takeRounds(world, entries, options);
  const lines = Object.entries(ALONE).map(([name, what]) => ({ name, what, sides: [results[name], results.small], alone: true }));
  return { lines, others };
}

/** Whole logins, from the click to the application's page. The browsers are in this process. */
async function login(world, { rounds, seconds }) {
  const entries = [];
  for (const name of [GATEWAY, HANDWRITTEN]) entries.push({ name, contestant: await world.contestant(name) });
  const work = ({ contestant }) => logins(contestant, seconds);
  for (const entry of entries) await work(entry);
  const { results, others } = await takeTurns(world, entries, rounds, work);
  return { lines: [{ name: "login", what: "a login, from the click to the application's page", sides: [results[GATEWAY], results[HANDWRITTEN]] }], others };
}

async function logins({ gateway, browser }, seconds) {
  const times = [];
  const [before, began] = [cpu(gateway.pid), performance.now()];
  const more = async () => {
    while (performance.now() < began + seconds * 1000) {
      const sent = performance.now();
      await browser().login();
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: BROWSERS }, more));
  times.sort((one, other) => one - other);
  const rate = times.length / ((performance.now() - began) / 1000);
  return { cpu: (cpu(gateway.pid) - before) / times.length, p99: times[Math.floor(times.length * 0.99)], rate, wrong: 0, count: times.length };
}
