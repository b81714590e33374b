// Logout tokens (OpenID Connect Back-Channel Logout 1.0) of the hostile provider, and what comes of them.
import { randomUUID } from "node:crypto";
import { jwt } from "./jwt.mjs";

export const EVENT = "http://schemas.openid.net/event/backchannel-logout";
export const FORM = { "content-type": "application/x-www-form-urlencoded" };
const seconds = () => Math.floor(Date.now() / 1000);

/** What the provider posts. */
export const post = (gateway, token, headers = {}) =>
  gateway.request("/auth/backchannel-logout", {
    method: "POST",
    headers: { ...FORM, ...headers },
    body: new URLSearchParams({ logout_token: token }).toString(),
  });

/** A logout token of the hostile provider, right unless changed; a claim that is undefined is left out. */
export function logoutToken(provider, { header, key = provider.key, ...changed } = {}) {
  const claims = {
    iss: provider.issuer,
    aud: provider.clientId,
    iat: seconds(),
    exp: seconds() + 120,
    jti: randomUUID(),
    sub: provider.subject,
    events: { [EVENT]: {} },
    ...changed,
  };
  return jwt({ typ: "logout+jwt", alg: key.alg, kid: key.kid, ...header }, claims, key);
}

/** Why the session of this cookie has ended, or that it lives. */
export async function reasonOf(gateway, cookie) {
  const answer = await gateway.request("/api", { headers: { cookie } });
  return answer.status === 200 ? "live" : answer.json().reason;
}
