// A real OpenID provider of another make than oidc-provider: Canaille, from PyPI, over authlib. Users come in by its login
// form, a password, and their consent; it registers clients dynamically (RFC 7591). Its refresh tokens rotate, are
// issued without the scope offline_access, which it does not know, and end with the access token that they came with.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { request } from "./http.mjs";
import { freePort, removeFolder, start, stop, temporaryFolder, until } from "./process.mjs";
import { oneASecond, startRecorder } from "./recorder.mjs";

const HERE = import.meta.dirname;
const PATHS = {
  "/.well-known/openid-configuration": "discovery",
  "/oauth/jwks.json": "jwks",
  "/oauth/authorize": "authorization",
  "/oauth/token": "token",
  "/oauth/userinfo": "userinfo",
  "/oauth/revoke": "revocation",
  "/oauth/end_session": "endSession",
};
const PASSWORD = "correct horse battery staple";

/** Starts it with a proxy before it; see recorder.mjs. */
export async function startCanaille({ accessTokenSeconds = 300 } = {}) {
  const port = await freePort();
  const folder = temporaryFolder();
  const settings = [port, path.join(folder, "canaille.sqlite"), accessTokenSeconds, PASSWORD];
  const child = start(python(), [path.join(HERE, "canaille-server.py"), ...settings.map(String)]);
  const target = `http://127.0.0.1:${port}`;
  let over = false;
  child.gone.then(() => {
    over = true;
  });
  await until("Canaille answers", () => {
    if (over) throw new Error(`Canaille ended:\n${child.output.slice(-4000)}`);
    return request(target).catch(() => undefined);
  }, 30_000);
  // Its access tokens are JSON Web Tokens that differ by the second.
  const recorder = await startRecorder({ target, paths: PATHS, own: { token: oneASecond() } });
  const client = await register(`${recorder.origin}/oauth/register`);
  return {
    ...recorder,
    issuer: `${recorder.origin}/`,
    clientId: client.client_id,
    clientSecret: client.client_secret,
    allow: (origin) => client.allow(origin),
    subjectOf: (id) => id,
    fill,
    close: async () => {
      await recorder.close();
      await stop(child);
      removeFolder(folder);
    },
  };
}

/** The interpreter of the environment that scripts/install.sh makes. */
function python() {
  const wanted = createHash("sha256").update(readFileSync(path.join(HERE, "canaille.txt"))).digest("hex").slice(0, 12);
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  const found = path.join(cache, "edge-oauth-sessions", `canaille-${wanted}`, "bin/python");
  if (!existsSync(found)) throw new Error("Canaille is missing: run scripts/install.sh provider");
  return found;
}

/** Registers a client, and its redirect URIs once they are known (RFC 7592). */
async function register(endpoint) {
  const metadata = {
    client_name: "the gateway",
    redirect_uris: ["http://127.0.0.1/unknown-yet"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    scope: "openid profile email",
    token_endpoint_auth_method: "client_secret_basic",
  };
  const send = async (method, url, body, token) => {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await request(url, { method, headers, body: JSON.stringify(body) });
    if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.status} ${answer.text}`);
    return answer.json();
  };
  const client = await send("POST", endpoint, metadata);
  const { client_id, client_secret, registration_client_uri, registration_access_token } = client;
  const allow = (origin) => {
    const redirect_uris = [`${origin}/auth/callback`];
    const post_logout_redirect_uris = [`${origin}/auth/logged-out`];
    const body = { ...metadata, client_id, client_secret, redirect_uris, post_logout_redirect_uris };
    return send("PUT", registration_client_uri, body, registration_access_token);
  };
  return { client_id, client_secret, allow };
}

/** What the user enters on its pages, by the name of the field. */
function fill({ text }, user) {
  if (/name="login"/.test(text)) return { login: user };
  if (/name="password"/.test(text)) return { password: PASSWORD };
  if (/name="answer"[^>]*value="accept"|value="accept"[^>]*name="answer"/.test(text)) return { answer: "accept" };
  return undefined;
}
