// A real OpenID provider of another make: Glewlwyd, from Debian's packages, in C, on a loopback port with a database of its own. Its pages
// are scripts over its API; what they call for a user who logs in or out is called here. Its refresh tokens count once, and it tells the gateway of
// logouts by logout tokens.
import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { request } from "./http.mjs";
import { claimsOf } from "./jwt.mjs";
import { signingKey } from "./keys.mjs";
import { freePort, removeFolder, start, stop, temporaryFolder, until } from "./process.mjs";
import { oneASecond, startRecorder } from "./recorder.mjs";

const PATHS = {
  "/api/oidc/.well-known/openid-configuration": "discovery",
  "/api/oidc/jwks": "jwks",
  "/api/oidc/auth": "authorization",
  "/api/oidc/token": "token",
  "/api/oidc/userinfo": "userinfo",
  "/api/oidc/revoke": "revocation",
  "/api/oidc/end_session": "endSession",
  "/login.html": "page",
};
const SCHEMA = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
const SAMPLE = "/usr/share/doc/glewlwyd/glewlwyd.conf.sample.gz";
const PASSWORD = "correct horse battery staple";
const SCOPES = ["openid", "profile", "email", "offline_access"];
const CLIENT = { clientId: "the-gateway", clientSecret: "client-secret" };

/** Whether Debian's packages are there; scripts/install.sh providers brings them. */
export const hasGlewlwyd = () => existsSync("/usr/bin/glewlwyd") && existsSync("/usr/bin/sqlite3");

/** Starts it with a proxy before it; see recorder.mjs. */
export async function startGlewlwyd({ accessTokenSeconds = 300 } = {}) {
  const port = await freePort();
  const folder = temporaryFolder();
  const target = `http://127.0.0.1:${port}`;
  const recorder = await startRecorder({ target, paths: PATHS, own: { token: oneASecond(), page: (call) => page(call, target, recorder) } });
  const database = path.join(folder, "glewlwyd.db");
  execFileSync("sqlite3", [database], { input: readFileSync(SCHEMA) });
  writeFileSync(path.join(folder, "glewlwyd.conf"), configuration({ port, origin: recorder.origin, database }));
  const child = start("glewlwyd", ["--config-file", path.join(folder, "glewlwyd.conf")]);
  let over = false;
  child.gone.then(() => {
    over = true;
  });
  await until("Glewlwyd answers", () => {
    if (over) throw new Error(`Glewlwyd ended:\n${child.output.slice(-4000)}`);
    return request(`${target}/config/`).catch(() => undefined);
  }, 30_000);
  const admin = await session(target, "admin", "password");
  await install(admin, recorder.origin, accessTokenSeconds);
  return {
    ...recorder,
    ...CLIENT,
    issuer: `${recorder.origin}/api/oidc`,
    // It draws one for each user.
    subjectOf: (id) => {
      const tokens = recorder.calls.token.flatMap(({ answer }) => answer?.json?.id_token ?? []);
      return tokens.map(claimsOf).find(({ email }) => email === `${id}@example.com`).sub;
    },
    allow: (origin) =>
      admin("POST", "client/", {
        client_id: CLIENT.clientId, name: "the gateway", enabled: true, confidential: true, client_secret: CLIENT.clientSecret, password: CLIENT.clientSecret,
        redirect_uri: [`${origin}/auth/callback`], post_logout_redirect_uris: [`${origin}/auth/logged-out`],
        backchannel_logout_uri: `${origin}/auth/backchannel-logout`, backchannel_logout_session_required: "1",
        authorization_type: ["code", "refresh_token"], scope: [], token_endpoint_auth_method: ["client_secret_basic"],
      }),
    close: async () => {
      await recorder.close();
      await stop(child);
      removeFolder(folder);
    },
  };
}

/** Calls of its API by a user who has logged in. */
async function session(target, username, password) {
  let cookie = "";
  const call = async (method, name, json) => {
    const headers = { "content-type": "application/json", ...(cookie && { cookie }) };
    const answer = await request(`${target}/api/${name}`, { method, headers, body: json && JSON.stringify(json) });
    if (answer.status >= 300) throw new Error(`Glewlwyd: ${method} ${name}: ${answer.status} ${answer.text}`);
    call.lines = answer.setCookies.length > 0 ? answer.setCookies : call.lines;
    cookie = call.lines.map((line) => line.split(";")[0]).join("; ");
    return answer;
  };
  call.lines = [];
  await call("POST", "auth/", { username, password });
  return call;
}

/** What its page does for a user who logs in, or out. */
async function page({ query, headers }, target, { calls }) {
  const back = query.callback_url;
  if (query.prompt === "end_session") {
    for (const name of [`oidc/session/${query.sid}`, "auth/"]) {
      const answer = await request(`${target}/api/${name}`, { method: "DELETE", headers: { cookie: headers.cookie } });
      if (answer.status >= 300) throw new Error(`Glewlwyd: DELETE ${name}: ${answer.status} ${answer.text}`);
    }
    return { status: 303, headers: { location: back } };
  }
  const user = calls.authorization.at(-1)?.query.login_hint ?? "ada";
  const call = await session(target, user, PASSWORD);
  await call("PUT", `auth/grant/${CLIENT.clientId}`, { scope: SCOPES.join(" ") });
  return { status: 303, headers: { location: `${back}&g_continue`, "set-cookie": call.lines } };
}

async function install(admin, origin, accessTokenSeconds) {
  for (const name of SCOPES) {
    const scope = { name, display_name: name, description: name, password_required: name === "openid", password_max_age: 0, scheme: {} };
    await admin(name === "openid" ? "PUT" : "POST", name === "openid" ? "scope/openid" : "scope/", scope);
  }
  for (const name of ["ada", "grace"]) {
    await admin("POST", "user/", { username: name, name: `Name of ${name}`, email: `${name}@example.com`, password: PASSWORD, enabled: true, scope: [...SCOPES, "g_profile"] });
  }
  const clients = (await admin("GET", "mod/client/database")).json();
  clients.parameters["data-format"].post_logout_redirect_uris = { multiple: true, read: true, write: true };
  await admin("PUT", "mod/client/database", clients);
  await admin("PUT", "mod/client/database/disable");
  await admin("PUT", "mod/client/database/enable");
  const { privateKey, publicJwk } = signingKey("RS256", "glewlwyd");
  await admin("POST", "mod/plugin/", {
    module: "oidc", name: "oidc", display_name: "oidc",
    parameters: {
      iss: `${origin}/api/oidc`, "subject-type": "public", "allowed-scope": SCOPES, claims: [],
      "jwt-type": "rsa", "jwt-key-size": "256", "jwks-show": true,
      key: privateKey.export({ type: "pkcs8", format: "pem" }),
      cert: createPublicKey({ key: publicJwk, format: "jwk" }).export({ type: "spki", format: "pem" }),
      "access-token-duration": accessTokenSeconds, "refresh-token-duration": 86_400, "code-duration": 60,
      "refresh-token-rolling": true, "refresh-token-one-use": "always", "allow-non-oidc": false,
      "auth-type-code-enabled": true, "auth-type-code-revoke-replayed": true, "auth-type-token-enabled": false, "auth-type-id-token-enabled": true,
      "auth-type-none-enabled": true, "auth-type-password-enabled": false, "auth-type-client-enabled": false, "auth-type-device-enabled": false, "auth-type-refresh-enabled": true,
      "name-claim": "mandatory", "email-claim": "mandatory", "scope-claim": "no", "address-claim": { type: "no" },
      "pkce-allowed": true, "pkce-method-plain-allowed": false, "pkce-required": true,
      "introspection-revocation-allowed": true, "introspection-revocation-allow-target-client": true,
      "session-management-allowed": true, "session-cookie-name": "GLEWLWYD2_OIDC_SID", "session-cookie-expiration": 86_400,
      "front-channel-logout-allowed": true, "back-channel-logout-allowed": true, "oauth-as-iss-id": true,
      "oauth-par-allowed": true, "oauth-par-required": false, "oauth-par-duration": 90, "oauth-par-request_uri-prefix": "urn:ietf:params:oauth:request_uri:",
    },
  });
}

function configuration({ port, origin, database }) {
  const set = { port, external_url: `"${origin}"`, cookie_domain: '"127.0.0.1"', cookie_secure: 0 };
  const sample = execFileSync("zcat", [SAMPLE]).toString().replace(/path = "\/var[^"]*"/, `path = "${database}"`);
  return Object.entries(set).reduce((text, [name, value]) => text.replace(new RegExp(`^${name}\\s*=.*$`, "m"), `${name}=${value}`), sample);
}
