// The requests that `make bench` sends, by scenario: those that the gateway and the hand-written token handler both serve.
import { cf, CF_HEADER } from "../tests/parts/workerd.mjs";

/** Where the platform says a visitor is. */
export const VISITOR = {
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
/** What a page's `fetch` sends beside the cookie. */
const FETCH = { accept: "application/json", "user-agent": "Mozilla/5.0 (bench)", "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin" };
const POST = { method: "POST", body: JSON.stringify({ message: "a small body" }), headers: { "content-type": "application/json" } };
const ANONYMOUS = { anonymous: true, status: 401 };

/** One request each, which is sent again and again. */
export const REQUESTS = {
  small: { what: "a GET with a session, 80 bytes back" },
  big: { what: "the same, 64 KB back", path: "/64k" },
  unauth: { what: "a GET without a session: 401", ...ANONYMOUS },
  post: { what: "a POST of a small body with a session", ...POST },
  "small-cf": { what: "small, with visitor data", headers: VISITOR },
  "big-cf": { what: "big, with visitor data", path: "/64k", headers: VISITOR },
  "unauth-cf": { what: "unauth, with visitor data", headers: VISITOR, ...ANONYMOUS },
};

/** The requests as a new session of this contestant sends them, or a visitor without one. */
export async function requestsOf(contestant, { anonymous = false, path = "/", method = "GET", body, headers = {} }) {
  if (anonymous) return [{ path, method, body, headers: { ...FETCH, ...headers } }];
  const user = contestant.browser();
  await user.login({ hint: "ada" });
  return [{ path, method, body, headers: { ...FETCH, cookie: user.sessionHeader, ...headers } }];
}
