// Stand-ins for providers that cannot be had here: each behaves as its provider's documentation says where that is not what the others do. A
// stand-in proves our reading of a page, and no more.
//
// A row: `vars` (what its users set), `hostile` (options of the scriptable provider), `prepare(provider)` (its ways), `auth` (how the client
// has to prove itself: "basic", "post", or a check of the call), and what the common list of tests has to know:
// `scopes` and `params` of the authorization request, `refreshes` (whether a refresh token comes), `logsOutAt` (the call that its logout is;
// undefined: it has none), `backchannel` and `frontchannel` (what its logout tells), `claims` (what the session has of it).
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { claimsOf } from "./jwt.mjs";
import { signingKey } from "./keys.mjs";

const TENANT = "0f8fad5b-d9cb-469f-a165-70867728950e";
const USUAL = "openid profile email offline_access";
const NO_OFFLINE_ACCESS = "openid profile email";
const BOTH = ["client_secret_basic", "client_secret_post"];

/** ID tokens with these claims beside the usual ones. */
const idToken = (more) => ({ claims: (claims, grantType) => ({ ...claims, ...more(claims, grantType) }) });
/** Members of a discovery document that a provider does not have. */
const without = (...names) => Object.fromEntries(names.map((name) => [name, undefined]));
const NO_LOGOUT = without("end_session_endpoint");
const NO_ISS = { authorization_response_iss_parameter_supported: undefined };

/** Scopes that the provider does not know are an error. */
function knowsScopes(provider, ...known) {
  provider.answers.authorization = (valid, { params }) => {
    const unknown = params.scope.split(" ").filter((scope) => !known.includes(scope));
    if (unknown.length === 0) return valid();
    const back = new URL(params.redirect_uri);
    for (const [name, value] of Object.entries({ error: "invalid_scope", error_description: unknown.join(" "), state: params.state })) back.searchParams.set(name, value);
    return { status: 303, headers: { location: back.href } };
  };
}

/** Changes what comes with tokens: `change(json, params, asked)`, where `asked` are the parameters of the last authorization request. */
function tokenAnswers(provider, change) {
  const before = provider.answers.token;
  provider.answers.token = async (valid, call) => {
    const answer = await (before ? before(valid, call) : valid());
    if (answer.json?.access_token) answer.json = change(answer.json, call.params, provider.calls.authorization.at(-1)?.params);
    return answer;
  };
}

/** A refresh token comes for the scope offline_access alone. */
const forOfflineAccess = (provider) =>
  tokenAnswers(provider, (json, _, asked) => (asked.scope.split(" ").includes("offline_access") ? json : { ...json, refresh_token: undefined }));
/** A refresh token stays what it was: a refresh brings no other one. */
function keepsRefreshTokens(provider) {
  provider.rotates = false;
  tokenAnswers(provider, (json, { grant_type }) => (grant_type === "refresh_token" ? { ...json, refresh_token: undefined } : json));
}

const appleKey = signingKey("ES256", "APPLEKEY01");
const applePem = appleKey.privateKey.export({ type: "pkcs8", format: "pem" });

export const STAND_INS = {
  entra: {
    vars: { OIDC_TENANTS: TENANT },
    hostile: {
      issuerPath: "/{tenantid}/v2.0",
      paths: { [`/${TENANT}/v2.0/.well-known/openid-configuration`]: "discovery" },
      callbackIssuer: null,
      discovery: { ...NO_ISS, ...without("revocation_endpoint", "pushed_authorization_request_endpoint"), token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"] },
    },
    prepare: (provider) => {
      provider.discovery.issuer = provider.tenantIssuer = provider.issuer.replace("{tenantid}", TENANT);
      provider.idToken = idToken(() => ({ iss: provider.tenantIssuer, tid: TENANT, oid: "1", ver: "2.0", sid: "the-session" }));
      forOfflineAccess(provider);
      tokenAnswers(provider, (json) => ({ ...json, ext_expires_in: 3599, scope: "openid profile email" }));
      provider.answers.userinfo = () => ({ status: 401, body: "" }); // it is Graph's, and takes no other API's token
    },
    auth: "basic", scopes: USUAL, refreshes: true, logsOutAt: "endSession", frontchannel: true, claims: { tid: TENANT },
  },
  google: {
    hostile: { discovery: { ...NO_LOGOUT, scopes_supported: ["openid", "email", "profile"], token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"] } },
    prepare: (provider) => {
      knowsScopes(provider, "openid", "email", "profile");
      keepsRefreshTokens(provider);
      tokenAnswers(provider, (json, _, asked) =>
        asked.access_type === "offline" && asked.prompt === "consent" ? json : { ...json, refresh_token: undefined });
      provider.idToken = idToken(({ aud }) => ({ azp: aud, hd: "example.com" }));
    },
    auth: "basic", scopes: NO_OFFLINE_ACCESS, params: { access_type: "offline", prompt: "consent" }, refreshes: true, claims: { hd: "example.com" },
  },
  okta: {
    hostile: { issuerPath: "/oauth2/default", paths: { "/oauth2/default/.well-known/openid-configuration": "discovery" } },
    prepare: (provider) => {
      forOfflineAccess(provider);
      provider.rotates = false;
      provider.idToken = idToken(() => ({ idp: "00o1", sid: "the-session", ver: 1, amr: ["pwd"] }));
    },
    auth: "basic", scopes: USUAL, refreshes: true, logsOutAt: "endSession", frontchannel: true, claims: { ver: 1 },
  },
  keycloak: {
    hostile: { issuerPath: "/realms/demo", paths: { "/realms/demo/.well-known/openid-configuration": "discovery" } },
    prepare: (provider) => {
      // With offline_access it would be an offline session, which the logout leaves alone.
      tokenAnswers(provider, (json, _, asked) => {
        assert.ok(!asked.scope.includes("offline_access"));
        return { ...json, refresh_expires_in: 1800, "not-before-policy": 0, session_state: "the-session" };
      });
      provider.idToken = idToken(({ aud }) => ({ azp: aud, sid: "the-session", typ: "ID", realm_access: { roles: ["staff"] } }));
    },
    auth: "basic", scopes: NO_OFFLINE_ACCESS, refreshes: true, logsOutAt: "endSession", frontchannel: true,
    backchannel: { sid: "the-session", typ: "Logout" }, claims: { realm_access: { roles: ["staff"] } },
  },
  cognito: {
    varsOf: (provider) => ({ COGNITO_DOMAIN: provider.origin }),
    hostile: {
      issuerPath: "/pool_1", paths: { "/pool_1/.well-known/openid-configuration": "discovery" },
      discovery: { ...NO_ISS, scopes_supported: ["openid", "email", "phone", "profile"] }, callbackIssuer: null,
    },
    prepare: (provider) => {
      knowsScopes(provider, "openid", "email", "phone", "profile");
      keepsRefreshTokens(provider);
      provider.idToken = idToken(() => ({ "cognito:groups": ["staff"], "cognito:username": "ada", token_use: "id" }));
      provider.answers.userinfo = async (valid) => ({ json: { ...(await valid()).json, email_verified: "true" } });
      // Its logout knows logout_uri, and none of the standard's parameters.
      provider.answers.endSession = (_, { params }) =>
        params.client_id === provider.clientId && params.logout_uri && !params.post_logout_redirect_uri
          ? { status: 302, headers: { location: params.logout_uri } }
          : { status: 400, body: "Required String parameter 'redirect_uri' is not present" };
    },
    auth: "basic", scopes: NO_OFFLINE_ACCESS, refreshes: true, logsOutAt: "endSession", claims: { "cognito:groups": ["staff"] },
  },
  zitadel: {
    prepare: (provider) => {
      forOfflineAccess(provider);
      provider.idToken = idToken(({ aud }) => ({ aud: [aud, "project-1"], azp: aud, client_id: aud, sid: "the-session" }));
    },
    auth: "basic", scopes: USUAL, refreshes: true, logsOutAt: "endSession", backchannel: { aud: ["the-gateway", "project-1"], azp: "the-gateway", sid: "the-session" }, claims: {},
  },
  linkedin: {
    hostile: {
      issuerPath: "/oauth", paths: { "/oauth/.well-known/openid-configuration": "discovery" }, callbackIssuer: null,
      discovery: { ...NO_ISS, ...NO_LOGOUT, ...without("revocation_endpoint", "token_endpoint_auth_methods_supported"), scopes_supported: ["openid", "profile", "email"] },
    },
    prepare: (provider) => {
      knowsScopes(provider, "openid", "profile", "email");
      tokenAnswers(provider, (json) => ({ ...json, refresh_token: undefined, scope: "email,openid,profile" }));
      provider.idToken = idToken(() => ({ nonce: undefined, locale: { country: "US", language: "en" } }));
    },
    auth: "post", scopes: NO_OFFLINE_ACCESS, refreshes: false, claims: { locale: { country: "US", language: "en" } },
  },
  apple: {
    vars: { APPLE_TEAM_ID: "TEAM123456", APPLE_KEY_ID: "APPLEKEY01", APPLE_PRIVATE_KEY: applePem, OIDC_CLIENT_SECRET: undefined },
    hostile: {
      callbackIssuer: null,
      discovery: { ...NO_ISS, ...NO_LOGOUT, ...without("userinfo_endpoint"), scopes_supported: ["openid", "email", "name"], token_endpoint_auth_methods_supported: ["client_secret_post"] },
    },
    prepare: (provider) => {
      provider.knownKey = appleKey;
      knowsScopes(provider, "openid", "email", "name");
      keepsRefreshTokens(provider);
      const before = provider.answers.authorization;
      provider.answers.authorization = async (valid, call) => {
        const answer = await before(valid, call);
        assert.equal(call.params.response_mode, "form_post", "Apple refuses scopes with another response_mode");
        // Who logs in for the first time comes with a name, which nobody has signed.
        const back = new URL(answer.headers.location);
        const fields = [...back.searchParams, ["user", JSON.stringify({ name: { firstName: "Mallory" }, email: "mallory@evil.example" })]];
        const inputs = fields.map(([name, value]) => `<input type="hidden" name="${name}" value="${value.replaceAll('"', "&quot;")}">`);
        return { headers: { "content-type": "text/html" }, body: `<form method="post" action="${back.origin}${back.pathname}">${inputs.join("")}</form><script>document.forms[0].submit()</script>` };
      };
      provider.idToken = idToken(() => ({ email: "ada@privaterelay.appleid.com", email_verified: "true", is_private_email: "true", nonce_supported: true }));
    },
    auth: (provider, { params, headers }) => {
      const [header, claims, signature] = params.client_secret.split(".");
      assert.deepEqual(JSON.parse(Buffer.from(header, "base64url")), { alg: "ES256", kid: "APPLEKEY01" });
      const { iat, exp, ...rest } = claimsOf(params.client_secret);
      assert.deepEqual(rest, { iss: "TEAM123456", aud: provider.issuer, sub: provider.clientId });
      assert.ok(exp > iat && exp - iat <= 15_777_000, "Apple accepts six months");
      const key = { key: createPublicKey({ key: provider.knownKey.publicJwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
      return !headers.authorization && verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"));
    },
    scopes: "openid name email", params: { response_mode: "form_post" }, refreshes: true, claims: { email: "ada@privaterelay.appleid.com" },
  },
  gitlab: {
    hostile: { discovery: { ...NO_ISS, ...NO_LOGOUT, scopes_supported: ["api", "read_user", "openid", "profile", "email"], token_endpoint_auth_methods_supported: BOTH }, callbackIssuer: null },
    prepare: (provider) => {
      knowsScopes(provider, "openid", "profile", "email");
      tokenAnswers(provider, (json) => ({ ...json, created_at: 1, scope: NO_OFFLINE_ACCESS }));
      provider.idToken = idToken(() => ({ groups_direct: ["staff"] }));
    },
    auth: "basic", scopes: NO_OFFLINE_ACCESS, refreshes: true, claims: { groups_direct: ["staff"] },
  },
  adfs: {
    hostile: {
      issuerPath: "/adfs", paths: { "/adfs/.well-known/openid-configuration": "discovery" }, callbackIssuer: null,
      discovery: { ...NO_ISS, ...without("revocation_endpoint"), scopes_supported: ["openid", "profile", "email", "allatclaims", "user_impersonation"], frontchannel_logout_supported: true, token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic", "private_key_jwt"] },
    },
    prepare: (provider) => {
      provider.idToken = idToken(() => ({ email: ["ada@example.com", "a@example.com"], group: "staff", sid: "the-session", auth_time: 1 }));
      provider.answers.userinfo = async (valid) => ({ json: { sub: (await valid()).json.sub } });
      keepsRefreshTokens(provider);
    },
    auth: "basic", scopes: NO_OFFLINE_ACCESS, refreshes: true, logsOutAt: "endSession", frontchannel: true, claims: { group: "staff" },
  },
  pingone: {
    hostile: { issuerPath: "/env-1/as", paths: { "/env-1/as/.well-known/openid-configuration": "discovery" } },
    prepare: (provider) => {
      provider.idToken = idToken(() => ({ sid: "the-session", env: "env-1" }));
    },
    auth: "basic", scopes: NO_OFFLINE_ACCESS, refreshes: true, logsOutAt: "endSession", claims: { env: "env-1" },
  },
  authentik: {
    hostile: { issuerPath: "/application/o/app/", paths: { "/application/o/app/.well-known/openid-configuration": "discovery" } },
    prepare: (provider) => {
      forOfflineAccess(provider);
      provider.idToken = idToken(() => ({ sid: "the-session", groups: ["staff"] }));
    },
    auth: "basic", scopes: USUAL, refreshes: true, logsOutAt: "endSession", backchannel: { sid: "the-session" }, claims: { groups: ["staff"] },
  },
  authelia: {
    hostile: { discovery: NO_LOGOUT },
    prepare: (provider) => {
      forOfflineAccess(provider);
      // The claims of a user are UserInfo's alone.
      provider.answers.userinfo = async (valid) => ({ json: { ...(await valid()).json, groups: ["staff"] } });
    },
    auth: "basic", scopes: USUAL, refreshes: true, claims: { groups: ["staff"] },
  },
  dex: {
    hostile: { discovery: { ...NO_LOGOUT, ...NO_ISS, ...without("revocation_endpoint"), scopes_supported: ["openid", "email", "groups", "profile", "offline_access"], token_endpoint_auth_methods_supported: BOTH }, callbackIssuer: null },
    prepare: (provider) => {
      knowsScopes(provider, "openid", "email", "groups", "profile", "offline_access");
      forOfflineAccess(provider);
      provider.idToken = idToken(() => ({ groups: ["staff"], federated_claims: undefined, email: "ada@example.com", email_verified: true }));
    },
    auth: "basic", scopes: "openid profile email groups offline_access", refreshes: true, claims: { groups: ["staff"] },
  },
  ory: {
    prepare: (provider) => {
      forOfflineAccess(provider);
      provider.idToken = idToken(() => ({ sid: "the-session", rat: 1, jti: "1" }));
    },
    // Hydra's logout tokens have no exp.
    auth: "basic", scopes: USUAL, refreshes: true, logsOutAt: "endSession", frontchannel: true, backchannel: { sid: "the-session", exp: undefined, sub: undefined }, claims: {},
  },
  salesforce: {
    hostile: { discovery: { scopes_supported: ["openid", "profile", "email", "offline_access", "refresh_token", "api"], token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic", "private_key_jwt"] } },
    prepare: (provider) => {
      forOfflineAccess(provider);
      keepsRefreshTokens(provider);
      // Its access tokens last as long as the session settings say, which the answer does not.
      tokenAnswers(provider, (json) => ({ ...json, expires_in: undefined, issued_at: "1700000000000", instance_url: "https://example.my.salesforce.com", id: "https://login.salesforce.com/id/1/2" }));
      provider.idToken = idToken(() => ({ custom_attributes: { org: "1" } }));
    },
    auth: "basic", scopes: USUAL, refreshes: true, logsOutAt: "endSession", unknownLife: true, claims: { custom_attributes: { org: "1" } },
  },
  twitch: {
    hostile: {
      issuerPath: "/oauth2", paths: { "/oauth2/.well-known/openid-configuration": "discovery" }, callbackIssuer: null,
      discovery: { ...NO_ISS, ...NO_LOGOUT, ...without("revocation_endpoint"), scopes_supported: ["openid"], token_endpoint_auth_methods_supported: ["client_secret_post"] },
    },
    prepare: (provider) => {
      knowsScopes(provider, "openid", "user:read:email");
      tokenAnswers(provider, (json, { grant_type }) => ({
        ...json, scope: ["openid", "user:read:email"], token_type: "bearer", expires_in: 299.5, ...(grant_type === "refresh_token" && { id_token: undefined }),
      }));
      provider.idToken = idToken(() => {
        const wanted = JSON.parse(provider.calls.authorization.at(-1).params.claims ?? "{}").id_token ?? {};
        return "preferred_username" in wanted ? { preferred_username: "ada_live" } : {};
      });
    },
    auth: "post", scopes: "openid user:read:email", refreshes: true, claims: { preferred_username: "ada_live" },
  },
};

/** Whether a call carries this client's secret as the provider wants it. */
const PROVES = {
  basic: ({ clientId, clientSecret }, { params, headers }) => {
    const [id, secret] = Buffer.from(headers.authorization?.replace(/^Basic /, "") ?? "", "base64").toString().split(":");
    return params.client_secret === undefined && id === clientId && decodeURIComponent(secret ?? "") === clientSecret;
  },
  post: ({ clientId, clientSecret }, { params, headers }) =>
    headers.authorization === undefined && params.client_id === clientId && params.client_secret === clientSecret,
};

/** Starts the stand-in of this preset. `startHostile` starts the scriptable provider. */
export async function startStandIn(name, startHostile) {
  const row = STAND_INS[name];
  const provider = await startHostile({ ...row.hostile, discovery: { ...row.hostile?.discovery } });
  row.prepare(provider);
  const proves = typeof row.auth === "function" ? row.auth : PROVES[row.auth];
  for (const endpoint of ["token", "revocation"]) {
    const before = provider.answers[endpoint];
    provider.answers[endpoint] = (valid, call) => {
      if (!proves(provider, call)) return { status: 401, json: { error: "invalid_client", error_description: "hunter2" } };
      return before ? before(valid, call) : valid();
    };
  }
  provider.vars = { PROVIDER: name, ...row.vars, ...row.varsOf?.(provider) };
  return provider;
}
