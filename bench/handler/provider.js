// The hand-written token handler's side of OpenID Connect: the provider's metadata, kept for an hour, and its token endpoint.

const HOUR = 3_600_000;
/** Milliseconds before its end at which a token is replaced, at most; of a short life it is a fifth. */
const AHEAD = 60_000;
let known;

/** The provider's metadata. */
export async function metadata(env) {
  if (known === undefined || known.until < Date.now()) {
    const response = await fetch(`${env.OIDC_ISSUER}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`the provider's metadata: ${response.status}`);
    known = { until: Date.now() + HOUR, document: await response.json() };
  }
  return known.document;
}

const form = (text) => new URLSearchParams([["", text]]).toString().slice(1);

/** Asks the token endpoint: `{ grant, idToken }`, the grant as a session keeps it. */
export async function tokens(env, parameters) {
  const { token_endpoint } = await metadata(env);
  const credentials = btoa(`${form(env.OIDC_CLIENT_ID)}:${form(env.OIDC_CLIENT_SECRET)}`);
  const response = await fetch(token_endpoint, {
    method: "POST",
    headers: { authorization: `Basic ${credentials}`, accept: "application/json" },
    body: new URLSearchParams(parameters),
    redirect: "manual",
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error("the token endpoint refused"), { code: answer.error });
  const life = answer.expires_in * 1000;
  const expires = Date.now() + life;
  const grant = { authorization: `Bearer ${answer.access_token}`, refresh: answer.refresh_token, expires, renewAt: expires - Math.min(AHEAD, life / 5) };
  return { grant, idToken: answer.id_token };
}

/** The claims of an ID token that came from the token endpoint itself: TLS stands for its signature (OpenID Connect Core 3.1.3.7). */
export function claims(env, idToken, nonce) {
  const bytes = Uint8Array.fromBase64(idToken.split(".")[1], { alphabet: "base64url" });
  const claims = JSON.parse(new TextDecoder().decode(bytes));
  const fits = claims.iss === env.OIDC_ISSUER && claims.aud === env.OIDC_CLIENT_ID && claims.nonce === nonce && claims.exp * 1000 > Date.now();
  return fits ? claims : undefined;
}
