// The yardstick of `make bench`: a token handler as an expert would write it by hand in JavaScript for this platform, for one
// provider and one application. It has the gateway's everyday duties: it takes the session's cookie out of a request and puts
// the access token in, says where the visitor is, refuses what another site's page sends, and keeps answers out of caches.
import { callback, login, logout } from "./login.js";
import { crossSite, problem, sessionCookie, stubOf } from "./parts.js";

export { Session } from "./session.js";

/** What the upstream learns of a visitor, from `request.cf`. */
const VISITOR = [
  ["city", "x-geo-city"],
  ["postalCode", "x-geo-postal-code"],
  ["region", "x-geo-region"],
  ["regionCode", "x-geo-region-code"],
  ["country", "x-geo-country"],
  ["continent", "x-geo-continent"],
  ["latitude", "x-geo-latitude"],
  ["longitude", "x-geo-longitude"],
  ["timezone", "x-geo-timezone"],
  ["asn", "cf-asn"],
];
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** Some header values may hold no other characters. A percent sign is encoded, so that the value has one meaning. */
const PLAIN = /^[ -$&-~]*$/;

export default {
  fetch(request, env) {
    const { url, method } = request;
    // `new URL` is dearer than the rest of the routing.
    const at = url.indexOf("/", 8);
    if (url.slice(0, at) !== env.PUBLIC_ORIGIN) return problem(404, "not_found");
    const target = url.slice(at);
    if (target.startsWith("/auth/")) return own(request, env, target);
    if (!SAFE.has(method) && crossSite(request, env)) return problem(403, "csrf_rejected");
    const { id, secret, others } = sessionCookie(request, env);
    const stub = id && stubOf(env, id);
    if (!stub) return anonymous(request, target);
    return forward(request, env, target, stub.token(secret), others);
  },
};

/** Sends a request on with its session's token. */
async function forward(request, env, target, token, others) {
  const authorization = await token;
  if (!authorization) return anonymous(request, target);
  const headers = new Headers(request.headers);
  headers.set("authorization", authorization);
  if (others === "") headers.delete("cookie");
  else headers.set("cookie", others);
  const { cf } = request;
  for (const [field, name] of VISITOR) {
    const value = cf?.[field];
    if (value === undefined || value === null) headers.delete(name);
    else headers.set(name, PLAIN.test(value) ? value : encodeURI(value));
  }
  const response = await fetch(env.UPSTREAM + target, { method: request.method, headers, body: request.body, redirect: "manual" });
  const answer = new Response(response.body, response);
  answer.headers.set("cache-control", "no-store");
  return answer;
}

/** The answer to a request without a session: pages are sent to log in, everything else hears 401. */
function anonymous(request, target) {
  if (request.method !== "GET" || request.headers.get("sec-fetch-mode") !== "navigate") return problem(401, "login_required");
  const location = `/auth/login?return_to=${encodeURIComponent(target)}`;
  return new Response(null, { status: 302, headers: { location, "cache-control": "no-store" } });
}

function own(request, env, target) {
  const url = new URL(target, env.PUBLIC_ORIGIN);
  const route = `${request.method} ${url.pathname}`;
  if (route === "GET /auth/login") return login(url, env);
  if (route === "GET /auth/callback") return callback(request, url, env);
  if (route === "POST /auth/logout") return crossSite(request, env) ? problem(403, "csrf_rejected") : logout(request, env);
  return problem(404, "not_found");
}
