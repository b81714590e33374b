// What the parts of the hand-written token handler share: its cookies, the session's actor, the check for other sites'
// requests, and answers of its own.

const sessionName = (env) => (env.PUBLIC_ORIGIN.startsWith("https:") ? "__Host-Http-handler-session" : "handler-session");
const loginName = (env) => (env.PUBLIC_ORIGIN.startsWith("https:") ? "__Host-Http-handler-login" : "handler-login");

/** The value of a cookie, and the header without both of the handler's own. */
function read(request, env, wanted) {
  const header = request.headers.get("cookie");
  if (header === null) return { others: "" };
  const own = [sessionName(env), loginName(env)];
  let value;
  let others = "";
  for (const part of header.split(";")) {
    const pair = part.trim();
    const name = pair.slice(0, pair.indexOf("="));
    if (name === wanted) value = pair.slice(name.length + 1);
    if (!own.includes(name)) others += others === "" ? pair : `; ${pair}`;
  }
  return { value, others };
}

/** `<actor id>.<secret>`, and the cookies that go upstream. */
export function sessionCookie(request, env) {
  const { value, others } = read(request, env, sessionName(env));
  const dot = value === undefined ? -1 : value.indexOf(".");
  return dot < 0 ? { others } : { id: value.slice(0, dot), secret: value.slice(dot + 1), others };
}

/** The login that is under way. */
export const loginCookie = (request, env) => read(request, env, loginName(env)).value;

const line = (name, value, seconds, env) => {
  const secure = env.PUBLIC_ORIGIN.startsWith("https:") ? "; Secure" : "";
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`;
};
export const setSession = (value, seconds, env) => line(sessionName(env), value, seconds, env);
export const setLogin = (value, seconds, env) => line(loginName(env), value, seconds, env);

const ids = new Map();

/** The actor of a session. The platform refuses a forged id; one that it has checked is known from then on. */
export function stubOf(env, id) {
  let known = ids.get(id);
  if (known === undefined) {
    try {
      known = env.SESSIONS.idFromString(id);
    } catch {
      return undefined;
    }
    if (ids.size >= 1024) ids.clear();
    ids.set(id, known);
  }
  return env.SESSIONS.get(known);
}

/** Whether a page of another site sent this. */
export function crossSite(request, env) {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = request.headers.get("origin");
  return origin === null ? request.headers.has("cookie") : origin !== env.PUBLIC_ORIGIN;
}

const PROBLEM = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store", "x-content-type-options": "nosniff" });

/** An error as RFC 9457 has it. */
export const problem = (status, code) => new Response(`{"type":"about:blank","status":${status},"code":"${code}"}`, { status, headers: PROBLEM });

/** On to another address, with cookies. */
export function redirect(location, ...cookies) {
  const headers = new Headers({ location, "cache-control": "no-store" });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}
