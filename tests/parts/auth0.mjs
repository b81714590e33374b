// Auth0, by its stand-in (see demo/auth0.mjs), with a proxy before it that writes down what the gateway asks: the
// stand-in accepts any secret and any code.
import { startSimulator } from "../../demo/auth0.mjs";
import { certificate } from "./certificate.mjs";
import { freePort, temporaryFolder } from "./process.mjs";
import { oneASecond, startRecorder } from "./recorder.mjs";
import { createWorld } from "./world.mjs";

const PATHS = {
  "/.well-known/openid-configuration": "discovery",
  "/.well-known/jwks.json": "jwks",
  "/authorize": "authorization",
  "/oauth/token": "token",
  "/oauth/revoke": "revocation",
  "/userinfo": "userinfo",
  "/v2/logout": "v2Logout",
};

/** Starts both; see recorder.mjs. */
export async function startAuth0({ accessTokenSeconds = 300 } = {}) {
  const tls = certificate();
  const simulator = await startSimulator({ folder: temporaryFolder(), certificate: tls, accessTokenSeconds });
  // Its tokens differ by the second.
  const own = { token: oneASecond() };
  const recorder = await startRecorder({ target: simulator.origin, ca: tls.ca, paths: PATHS, tls, own });
  return {
    ...recorder,
    issuer: `${recorder.origin}/`,
    clientId: "the-gateway",
    clientSecret: "client-secret with+signs/that%need=encoding",
    ca: tls.ca,
    vars: { PROVIDER: "auth0", AUTH0_DOMAIN: new URL(recorder.origin).host, OIDC_ISSUER: undefined },
    subjectOf: (id) => `auth0|${id}`,
    close: async () => {
      await recorder.close();
      await simulator.close();
    },
  };
}

/** A gateway in front of the hostile stand-in, which plays a tenant of Auth0's. */
export async function hostileTenant(t, { hostile = {}, vars, ...more } = {}) {
  const port = await freePort();
  const discovery = { authorization_response_iss_parameter_supported: false, ...hostile.discovery };
  return createWorld(t, {
    hostile: { slash: true, port, ...hostile, discovery },
    vars: { PROVIDER: "auth0", AUTH0_DOMAIN: `http://127.0.0.1:${port}`, OIDC_ISSUER: undefined, ...vars },
    ...more,
  });
}
