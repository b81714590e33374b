// Auth0 on this machine, by its stand-in: the npm package @simulacrum/auth0-simulator. What the simulator lacks is added
// here: a login that needs no script from elsewhere, revocation, and OpenID Connect's logout. Every user comes in.
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

const USERS = ["ada", "grace"];
const NAMES = { ada: "Ada Lovelace", grace: "Grace Hopper" };

/**
 * Starts the simulator and resolves to `{ origin, close }`, an https origin.
 *
 * - `folder`: where it may put files; `certificate`: `{ certificateChain, privateKey }` for localhost
 * - `accessTokenSeconds`: what `expires_in` says
 * - `metadata`: more of it, for the discovery document
 */
export async function startSimulator({ folder, certificate, accessTokenSeconds, metadata = {} }) {
  // It takes its certificate from the home folder, wherever that is when it is loaded.
  const { HOME } = process.env;
  const certificates = path.join(folder, ".simulacrum/certs");
  mkdirSync(certificates, { recursive: true });
  writeFileSync(path.join(certificates, "localhost.pem"), certificate.certificateChain);
  writeFileSync(path.join(certificates, "localhost-key.pem"), certificate.privateKey);
  process.env.HOME = folder;
  // As a CommonJS module: its other form trips over one of its own dependencies.
  const { simulation } = createRequire(import.meta.url)("@simulacrum/auth0-simulator");
  const users = USERS.map((id) => ({ id: `auth0|${id}`, name: NAMES[id], email: `${id}@example.com` }));
  const additions = {
    "/oauth/token": { expires_in: accessTokenSeconds },
    "/.well-known/openid-configuration": metadata,
  };
  const extendRouter = (router) => {
    router.use((request, response, next) => {
      const more = additions[request.path];
      const json = response.json.bind(response);
      if (more) response.json = (body) => json(body.error ? body : { ...body, ...more });
      next();
    });
    router.get("/authorize", (request, response) => response.redirect(302, loggedIn(new URL(request.url, "http://x"))));
    router.get("/oidc/logout", (request, response) => response.redirect(302, loggedOut(new URL(request.url, "http://x"))));
    router.post("/oauth/revoke", (_, response) => response.status(200).end());
  };
  const { port, ensureClose } = await simulation({ initialState: { users }, extend: { extendRouter } }).listen(0, "127.0.0.1");
  process.env.HOME = HOME;
  return { origin: `https://localhost:${port}`, close: ensureClose };
}

/** For people: what their browsers see of it is served without https, as no browser trusts its certificate. */
export async function startAuth0(options) {
  const pages = createServer((request, response) => {
    const url = new URL(request.url, "http://x");
    const location = { "/authorize": loggedIn, "/oidc/logout": loggedOut }[url.pathname]?.(url);
    response.writeHead(location ? 302 : 404, location && { location }).end();
  });
  await new Promise((resolve, reject) => pages.once("error", reject).listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${pages.address().port}`;
  const metadata = { authorization_endpoint: `${origin}/authorize`, end_session_endpoint: `${origin}/oidc/logout` };
  const simulator = await startSimulator({ ...options, metadata });
  return {
    origin: simulator.origin,
    close: async () => {
      pages.close();
      pages.closeAllConnections();
      await simulator.close();
    },
  };
}

/** Where the browser goes back to with a code of the simulator's making, for the user that `login_hint` names. */
function loggedIn({ searchParams }) {
  const hint = searchParams.get("login_hint") ?? USERS[0];
  const email = hint.includes("@") ? hint : `${hint}@example.com`;
  const url = new URL(searchParams.get("redirect_uri"));
  url.searchParams.set("code", Buffer.from(`${searchParams.get("nonce")}:${email}`).toString("base64url"));
  url.searchParams.set("state", searchParams.get("state"));
  return url.href;
}

function loggedOut({ searchParams }) {
  const url = new URL(searchParams.get("post_logout_redirect_uri"));
  if (searchParams.has("state")) url.searchParams.set("state", searchParams.get("state"));
  return url.href;
}
