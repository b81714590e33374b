// Auth0, by its stand-in: the npm package @simulacrum/auth0-simulator, in this process. It accepts any secret and any
// code, and lacks revocation; so what the gateway asks is written down by a proxy before it.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { certificate } from "./certificate.mjs";
import { request } from "./http.mjs";
import { sleep, temporaryFolder } from "./process.mjs";
import { startRecorder } from "./recorder.mjs";

const PATHS = {
  "/.well-known/openid-configuration": "discovery",
  "/.well-known/jwks.json": "jwks",
  "/authorize": "authorization",
  "/oauth/token": "token",
  "/oauth/revoke": "revocation",
  "/userinfo": "userinfo",
  "/oidc/logout": "endSession",
  "/v2/logout": "v2Logout",
};
const PASSWORD = "password";
const USERS = ["ada", "grace"];

/** The simulator: `{ origin, ca, close }`. It takes its certificate from the home folder, wherever that is. */
export async function startSimulator({ port = 0 } = {}) {
  const { ca, certificateChain, privateKey } = certificate();
  const { HOME } = process.env;
  const home = temporaryFolder();
  const certificates = path.join(home, ".simulacrum/certs");
  mkdirSync(certificates, { recursive: true });
  writeFileSync(path.join(certificates, "localhost.pem"), certificateChain);
  writeFileSync(path.join(certificates, "localhost-key.pem"), privateKey);
  process.env.HOME = home;
  // As a CommonJS module: its other form trips over one of its own dependencies.
  const { simulation } = createRequire(import.meta.url)("@simulacrum/auth0-simulator");
  const users = USERS.map((id) => ({ id: `auth0|${id}`, name: `Name of ${id}`, email: `${id}@example.com`, password: PASSWORD }));
  const { port: taken, ensureClose } = await simulation({ initialState: { users } }).listen(port, "127.0.0.1");
  process.env.HOME = HOME;
  return { origin: `https://localhost:${taken}`, ca, close: ensureClose };
}

/**
 * Starts the simulator with a proxy before it; see recorder.mjs. `accessTokenSeconds`: what `expires_in` says. `discovery`:
 * more metadata.
 */
export async function startAuth0({ accessTokenSeconds = 300, discovery = {} } = {}) {
  const simulator = await startSimulator();
  const tls = certificate();
  let issued = 0;
  const recorder = await startRecorder({
    target: simulator.origin,
    ca: simulator.ca,
    paths: PATHS,
    tls,
    own: {
      authorization: logIn,
      async discovery(_, pass) {
        const answer = await pass();
        return { ...answer, json: { ...answer.json, ...discovery } };
      },
      async token(_, pass) {
        // Its tokens differ by the second.
        while (Math.floor(Date.now() / 1000) === issued) await sleep(50);
        issued = Math.floor(Date.now() / 1000);
        const answer = await pass();
        if (answer.json?.expires_in) answer.json.expires_in = accessTokenSeconds;
        return answer;
      },
      revocation: () => ({ status: 200, body: "" }),
      endSession: ({ query }) => ({ status: 302, headers: { location: back(query) } }),
    },
  });
  const clientSecret = "client-secret with+signs/that%need=encoding";
  return {
    ...recorder,
    issuer: `${recorder.origin}/`,
    clientId: "the-gateway",
    clientSecret,
    ca: tls.ca,
    vars: { PROVIDER: "auth0", AUTH0_DOMAIN: new URL(recorder.origin).host, OIDC_ISSUER: undefined },
    subjectOf: (id) => `auth0|${id}`,
    close: async () => {
      await recorder.close();
      await simulator.close();
    },
  };

  /** What the script of the simulator's login page does, which needs a library from elsewhere. */
  async function logIn(call, pass) {
    const page = await pass();
    if (page.status !== 302) return page;
    const { login_hint: hint = USERS[0], ...query } = call.query;
    const at = (route) => `${simulator.origin}${route}`;
    const form = (fields) => ({
      method: "POST",
      ca: simulator.ca,
      headers: { "content-type": "application/x-www-form-urlencoded", "x-forwarded-proto": "https" },
      body: new URLSearchParams(fields).toString(),
    });
    const username = hint.includes("@") ? hint : `${hint}@example.com`;
    const login = await request(at("/usernamepassword/login"), form({ ...query, username, password: PASSWORD }));
    const wctx = /name="wctx" value="([^"]*)"/.exec(login.text)?.[1];
    if (!wctx) throw new Error(`the simulator does not log in: ${login.status} ${login.text.slice(0, 500)}`);
    const callback = await request(at("/login/callback"), form({ wctx: wctx.replaceAll("&quot;", '"').replaceAll("&amp;", "&") }));
    return { status: callback.status, headers: { location: callback.headers.location } };
  }

  function back({ post_logout_redirect_uri, state }) {
    const url = new URL(post_logout_redirect_uri);
    if (state) url.searchParams.set("state", state);
    return url.href;
  }
}
