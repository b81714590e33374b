// A real provider: the certified `oidc-provider`, in this process, with a login that answers itself, counters, and
// switches for what a test wants to be slow, strict or down.
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Provider } from "oidc-provider";

const KEYS = {
  RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  EdDSA: generateKeyPairSync("ed25519").privateKey,
};

/**
 * - `accessTokenSeconds`: how long access tokens live
 * - `alg`: what ID tokens are signed with
 * - `auth`: the client's authentication, `none` for a public client
 * - `requirePar`, `scopes`: what discovery says of PAR and of `scopes_supported`
 */
export async function startProvider({ accessTokenSeconds = 3600, alg = "RS256", auth = "client_secret_basic", requirePar = false, scopes, redirectUris = [] } = {}) {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const clientSecret = auth === "none" ? undefined : "a secret: with+signs/that need=encoding";
  const client = {
    client_id: "gateway", client_secret: clientSecret, token_endpoint_auth_method: auth, grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: redirectUris, post_logout_redirect_uris: redirectUris.map((uri) => uri.replace("/callback", "/logged-out")),
    id_token_signed_response_alg: alg, application_type: redirectUris[0]?.startsWith("https") ? "web" : "native",
  };
  const oidc = new Provider(issuer, {
    clients: [client],
    jwks: { keys: [{ ...KEYS[alg].export({ format: "jwk" }), use: "sig", alg, kid: alg }] },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
    scopes: scopes ?? ["openid", "offline_access", "profile", "email"],
    claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `User ${id}`, email: `${id}@example.com`, email_verified: true }) }),
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: (ctx, form) => { ctx.body = `<html><body>${form}</body></html>`; } },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: requirePar },
    },
    responseModes: ["query", "form_post"],
    interactions: { url: (_, { uid }) => `/login/${uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: () => true,
    pkce: { required: () => true },
    ttl: { AccessToken: accessTokenSeconds, IdToken: 3600, RefreshToken: 86_400, Grant: 86_400, Session: 86_400, Interaction: 600 },
    cookies: { keys: ["a key of the tests"] },
  });

  const provider = { issuer, clientId: client.client_id, clientSecret, oidc, calls: [], user: "ada", pause: {}, fail: {} };
  /** How many calls an endpoint has had; of one grant type where that is given. */
  provider.count = (path, grant) => provider.calls.filter((call) => call.path === path && (!grant || call.body.get("grant_type") === grant)).length;
  const answer = oidc.callback();
  server.on("request", async (request, response) => {
    const { pathname } = new URL(request.url, issuer);
    const chunks = [];
    if (request.method === "POST") for await (const chunk of request) chunks.push(chunk);
    request.body = Buffer.concat(chunks);
    provider.calls.push({ path: pathname, method: request.method, headers: request.headers, body: new URLSearchParams(request.body.toString()) });
    if (provider.pause[pathname]) await sleep(provider.pause[pathname]);
    if (provider.fail[pathname]) return provider.fail[pathname](request, response);
    if (pathname.startsWith("/login/")) return login(oidc, provider.user, request, response);
    answer(request, response);
  });
  provider.port = server.address().port;
  /** Nobody can reach the provider any more; `up` undoes it. */
  provider.down = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  provider.up = async () => {
    server.listen(provider.port, "127.0.0.1");
    await once(server, "listening");
  };
  provider.stop = async () => {
    if (server.listening) await provider.down();
  };
  return provider;
}

/** The login form answers itself: whoever `provider.user` is logs in and agrees to everything. */
async function login(oidc, accountId, request, response) {
  const { prompt, params, grantId, session } = await oidc.interactionDetails(request, response);
  if (prompt.name === "login") {
    return oidc.interactionFinished(request, response, { login: { accountId } }, { mergeWithLastSubmission: false });
  }
  const grant = grantId ? await oidc.Grant.find(grantId) : new oidc.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return oidc.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}
