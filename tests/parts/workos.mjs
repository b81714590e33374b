// WorkOS, by its own emulator (see demo/workos.mjs), with a proxy before it that writes down what the gateway asks: the
// emulator accepts any secret.
import { API_KEY, CLIENT_ID, startEmulator } from "../../demo/workos.mjs";
import { claimsOf } from "./jwt.mjs";
import { startRecorder } from "./recorder.mjs";

const PATHS = {
  "/user_management/authorize": "authorization",
  "/user_management/authenticate": "token",
  "/user_management/sessions/revoke": "revocation",
  "/user_management/sessions/logout": "endSession",
  "/sso/jwks/": "jwks",
};

/** Starts both; see recorder.mjs. */
export async function startWorkOs({ accessTokenSeconds = 300 } = {}) {
  const emulator = await startEmulator({ accessTokenSeconds });
  const own = {
    // It looks users up by their address.
    authorization: (call, pass) => {
      const url = new URL(call.path, emulator.origin);
      const hint = url.searchParams.get("login_hint");
      if (hint && !hint.includes("@")) url.searchParams.set("login_hint", `${hint}@example.com`);
      call.path = url.pathname + url.search;
      return pass();
    },
  };
  const recorder = await startRecorder({ target: emulator.origin, paths: PATHS, own });
  return {
    ...recorder,
    issuer: recorder.origin,
    clientId: CLIENT_ID,
    clientSecret: API_KEY,
    vars: {
      PROVIDER: "workos",
      WORKOS_CLIENT_ID: CLIENT_ID,
      WORKOS_API_KEY: API_KEY,
      WORKOS_API_HOST: recorder.origin,
      OIDC_ISSUER: undefined,
      OIDC_CLIENT_ID: undefined,
      OIDC_CLIENT_SECRET: undefined,
    },
    subjectOf: (id) => {
      const login = recorder.calls.token.find(({ answer }) => answer?.json?.user?.email === `${id}@example.com`);
      return claimsOf(login.answer.json.access_token).sub;
    },
    close: async () => {
      await recorder.close();
      await emulator.close();
    },
  };
}
