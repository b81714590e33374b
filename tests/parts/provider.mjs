// A real OpenID provider: the certified npm package oidc-provider, in this process. Opaque access tokens, refresh
// tokens that rotate and of which a used one ends the whole grant, logout and revocation. Users log in by
// themselves, unless a test wants the form.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { errors, Provider } from "oidc-provider";
import MemoryAdapter from "oidc-provider/lib/adapters/memory_adapter.js";
import { signingKey } from "./keys.mjs";

const CLIENT_ID = "the-gateway";
const CLIENT_SECRET = "client-secret with+signs/that%need=encoding";

/** Names of the endpoints by path, as `calls` and `around` use them. */
const ENDPOINTS = {
  "/.well-known/openid-configuration": "discovery",
  "/jwks": "jwks",
  "/auth": "authorization",
  "/request": "par",
  "/token": "token",
  "/reg": "registration",
  "/me": "userinfo",
  "/token/revocation": "revocation",
  "/session/end": "endSession",
};

/**
 * Starts the provider. Options: `accessTokenSeconds`, `par` ("required" or "offered"), `auth` (the client's
 * authentication method), `clientJwks` (its public keys), `alg` (of ID tokens), `userInfoAlg` (UserInfo is signed with it), `scopes` (in place of its scopes_supported), `interactive` (a login
 * form), `discovery` (more metadata), `resources` (APIs with access tokens of their own, RFC 8707), `registration` (clients register themselves, RFC 7591), `acr` (what a login is, by the values
 * that it is asked for), `port`, `consent` (no refresh token without `prompt=consent`), `backchannel` (it
 * tells the gateway of logouts).
 *
 * The result has, beside what a client needs to know:
 * - `allow(origin)`: registers a gateway's redirect URIs
 * - `notified`: what came of each notification of a logout: "ok", or the error
 * - `calls.<endpoint>`: what was asked: `{ params, headers, status, body, at }`
 * - `around.<endpoint> = async (next, call) => …`: something before or after the endpoint does its work
 */
export async function startProvider(options = {}) {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve));
  server.keepAliveTimeout = 60_000;
  return new RealProvider(server, options);
}

class RealProvider {
  calls = Object.fromEntries(Object.values(ENDPOINTS).map((name) => [name, []]));
  around = {};
  notified = [];
  clientId = CLIENT_ID;
  clientSecret;
  interactive;
  #accounts = 0;
  #provider;

  constructor(server, options) {
    this.server = server;
    this.issuer = `http://127.0.0.1:${server.address().port}`;
    this.accessTokenSeconds = options.accessTokenSeconds ?? 300;
    this.interactive = options.interactive ?? false;
    this.acr = options.acr ?? ((values) => values?.split(" ")[0]);
    this.clientSecret = ["none", "private_key_jwt"].includes(options.auth) ? undefined : CLIENT_SECRET;
    this.backchannel = Boolean(options.backchannel);
    this.client = {
      client_id: CLIENT_ID,
      client_secret: this.clientSecret,
      token_endpoint_auth_method: options.auth ?? "client_secret_basic",
      ...(options.clientJwks && { jwks: options.clientJwks }),
      id_token_signed_response_alg: options.alg ?? "RS256",
      ...(options.userInfoAlg && { userinfo_signed_response_alg: options.userInfoAlg }),
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: [],
      post_logout_redirect_uris: [],
      ...(this.backchannel && { backchannel_logout_session_required: true }),
    };
    this.#provider = new Provider(this.issuer, this.#configuration(options));
    this.#provider.on("server_error", (_, error) => console.error("provider:", error));
    this.#provider.on("backchannel.success", () => this.notified.push("ok"));
    this.#provider.on("backchannel.error", (_, error) => this.notified.push(error));
    this.#provider.use((ctx, next) => this.#serve(ctx, next));
    server.on("request", this.#provider.callback());
  }

  /** Registers the redirect URIs of a gateway at this origin, which knows this provider by a name, or as its only one. */
  allow(origin, prefix = "/auth", name) {
    this.client.redirect_uris.push(`${origin}${prefix}/callback${name ? `/${name}` : ""}`);
    this.client.post_logout_redirect_uris.push(`${origin}${prefix}/logged-out`);
    if (this.backchannel) this.client.backchannel_logout_uri = `${origin}${prefix}/backchannel-logout`;
  }

  /** Whether an access token is known and not revoked; its age doesn't matter. */
  async knows(accessToken) {
    return Boolean(await this.#provider.AccessToken.find(accessToken, { ignoreExpiration: true }));
  }

  /** "live", "used" or "gone". */
  async refreshToken(value) {
    const token = await this.#provider.RefreshToken.find(value, { ignoreExpiration: true });
    if (!token) return "gone";
    return token.consumed ? "used" : "live";
  }

  /** The token calls with this grant type. */
  tokenCalls(grantType) {
    return this.calls.token.filter(({ params }) => params?.grant_type === grantType);
  }

  get refreshes() {
    return this.tokenCalls("refresh_token");
  }

  /** Every refresh token that was ever presented, in order. */
  get presented() {
    return this.refreshes.map(({ params }) => params.refresh_token);
  }

  close() {
    return new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }

  #configuration({ resources, registration, par, backchannel, alg = "RS256", userInfoAlg, scopes = ["openid", "offline_access"], discovery = {}, consent = false }) {
    const { client } = this;
    return {
      adapter: withClient(client),
      jwks: { keys: [...new Set(["RS256", alg, userInfoAlg ?? alg])].map((name) => signingKey(name).privateJwk) },
      cookies: { keys: [randomBytes(24).toString("base64url")] },
      scopes,
      discovery,
      claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"] },
      findAccount: (_, id) => ({ accountId: id, claims: () => claims(id) }),
      loadExistingGrant: grantWhatIsAsked,
      acrValues: ["pwd", "mfa"],
      pkce: { required: () => true },
      clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
      enabledJWA: {
        clientAuthSigningAlgValues: ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
        idTokenSigningAlgValues: [...new Set(["RS256", alg])],
        ...(userInfoAlg && { userinfoSigningAlgValues: ["RS256", userInfoAlg] }),
      },
      // It drops offline_access from a request without prompt=consent; this client gets its refresh token all the same.
      issueRefreshToken: async (_, { grantTypes }, code) => grantTypes.includes("refresh_token") && (!consent || code.scopes.has("offline_access")),
      expiresWithSession: async () => false,
      rotateRefreshToken: true,
      clockTolerance: 0,
      ttl: {
        AccessToken: () => this.accessTokenSeconds,
        AuthorizationCode: 60,
        Grant: 86_400,
        IdToken: 3600,
        Interaction: 600,
        RefreshToken: 86_400,
        Session: 86_400,
      },
      // Without its dispatcher, which refuses loopback addresses.
      fetch: (url, { dispatcher: _, ...more }) => fetch(url, more),
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      features: {
        devInteractions: { enabled: false },
        revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
        pushedAuthorizationRequests: {
          enabled: Boolean(par),
          requirePushedAuthorizationRequests: par === "required",
        },
        resourceIndicators: {
          enabled: Boolean(resources),
          getResourceServerInfo: (_, resource) => {
            if (!resources.includes(resource)) throw new errors.InvalidTarget();
            return { scope: "read", accessTokenFormat: "jwt", accessTokenTTL: this.accessTokenSeconds };
          },
        },
        registration: { enabled: Boolean(registration) },
        jwtUserinfo: { enabled: Boolean(userInfoAlg) },
        backchannelLogout: { enabled: Boolean(backchannel) },
        rpInitiatedLogout: { enabled: true, logoutSource: logoutPage, postLogoutSuccessSource: loggedOutPage },
      },
      renderError: (ctx, { error, error_description }) => {
        ctx.type = "html";
        ctx.body = `<h1>provider error</h1><p>${error}: ${error_description}</p>`;
      },
    };
  }

  async #serve(ctx, next) {
    if (ctx.path.startsWith("/interaction/")) return this.#interaction(ctx);
    const endpoint = ENDPOINTS[ctx.path];
    if (!endpoint) return next();
    const call = { at: Date.now(), headers: ctx.headers, query: ctx.query };
    this.calls[endpoint].push(call);
    const answer = async () => {
      await next();
      call.params = { ...ctx.oidc?.params };
      call.form = { ...ctx.oidc?.body };
      call.status = ctx.status;
      call.body = ctx.body;
    };
    // A test that wants to see the parameters before the answer waits for `next`.
    await (this.around[endpoint] ? this.around[endpoint](answer, call, ctx) : answer());
  }

  async #interaction(ctx) {
    const { req, res } = ctx;
    const details = await this.#provider.interactionDetails(req, res);
    if (details.prompt.name === "consent") {
      await this.#provider.interactionFinished(req, res, { consent: {} }, { mergeWithLastSubmission: true });
      ctx.respond = false;
      return;
    }
    const hint = details.params.login_hint;
    if (this.interactive && ctx.method === "GET") {
      ctx.type = "html";
      ctx.body = `<form method="post" action="${ctx.path}"><button name="user" value="${hint ?? "ada"}">Log in</button></form>`;
      return;
    }
    const accountId = hint ?? details.session?.accountId ?? `user-${++this.#accounts}`;
    await this.#provider.interactionFinished(req, res, { login: { accountId, acr: this.acr(details.params.acr_values) } }, { mergeWithLastSubmission: false });
    ctx.respond = false;
  }
}

/** The provider reads its clients from this adapter at every use, so that redirect URIs can be added later. */
function withClient(client) {
  return class extends MemoryAdapter {
    async find(id) {
      return this.model === "Client" && id === client.client_id ? client : super.find(id);
    }
  };
}

const claims = (id) => ({
  sub: id,
  name: `Name of ${id}`,
  preferred_username: id,
  email: `${id}@example.com`,
  email_verified: true,
});

async function grantWhatIsAsked({ oidc: { client, session, provider, params } }) {
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope([...new Set(["openid", "offline_access", "profile", "email", ...(params.scope ?? "").split(" ")])].join(" "));
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, "read");
  await grant.save();
  return grant;
}

/** Goes on by itself, as a provider does that knows the user. */
function logoutPage(ctx, form) {
  ctx.body = `${form}<input form="op.logoutForm" type="hidden" name="logout" value="yes"><script>document.forms[0].submit()</script>`;
}

function loggedOutPage(ctx) {
  ctx.body = "<h1>Logged out of the provider</h1>";
}
