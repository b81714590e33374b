// Login and logout of the hand-written token handler: the authorization code flow with PKCE, state and nonce. The login that is
// under way is in a cookie of its browser, so that nothing is stored before it succeeds.
import { createHash, randomBytes } from "node:crypto";
import { loginCookie, problem, redirect, sessionCookie, setLogin, setSession, stubOf } from "./parts.js";
import { claims, metadata, tokens } from "./provider.js";
import { LIFETIME } from "./session.js";

const random = (bytes) => randomBytes(bytes).toString("base64url");
const LOGIN_SECONDS = 600;

const redirectUri = (env) => `${env.PUBLIC_ORIGIN}/auth/callback`;

/** Sends the browser to the provider. */
export async function login(url, env) {
  const { authorization_endpoint } = await metadata(env);
  const [state, nonce, verifier] = [random(16), random(16), random(32)];
  const wanted = url.searchParams.get("return_to") ?? "/";
  // A path of this origin, and nothing that a browser takes for another host's.
  const returnTo = /^\/(?![/\\])/.test(wanted) && new URL(wanted, env.PUBLIC_ORIGIN).origin === env.PUBLIC_ORIGIN ? wanted : "/";
  const query = new URLSearchParams({
    response_type: "code",
    client_id: env.OIDC_CLIENT_ID,
    redirect_uri: redirectUri(env),
    scope: "openid profile email offline_access",
    state,
    nonce,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const hint = url.searchParams.get("login_hint");
  if (hint !== null) query.set("login_hint", hint);
  const pending = [state, nonce, verifier, encodeURIComponent(returnTo)].join(".");
  return redirect(`${authorization_endpoint}?${query}`, setLogin(pending, LOGIN_SECONDS, env));
}

/** Takes the provider's answer, and begins the session. */
export async function callback(request, url, env) {
  const [state, nonce, verifier, ...returnTo] = (loginCookie(request, env) ?? "").split(".");
  const given = url.searchParams;
  const code = given.get("code");
  if (!state || given.get("state") !== state || given.get("iss") !== env.OIDC_ISSUER || !code) return problem(400, "callback_rejected");
  let answer;
  try {
    answer = await tokens(env, { grant_type: "authorization_code", code, redirect_uri: redirectUri(env), code_verifier: verifier });
  } catch {
    return problem(400, "callback_rejected");
  }
  const user = claims(env, answer.idToken, nonce);
  if (user === undefined) return problem(400, "callback_rejected");
  const id = env.SESSIONS.newUniqueId();
  const secret = random(32);
  await env.SESSIONS.get(id).begin(secret, user.sub, answer.grant);
  const cookies = [setSession(`${id}.${secret}`, LIFETIME / 1000, env), setLogin("", 0, env)];
  return redirect(decodeURIComponent(returnTo.join(".")), ...cookies);
}

/** Ends the session. */
export async function logout(request, env) {
  const { id, secret } = sessionCookie(request, env);
  const stub = id && stubOf(env, id);
  if (stub) await stub.logout(secret);
  return redirect("/", setSession("", 0, env));
}
