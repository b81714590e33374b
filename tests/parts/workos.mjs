// WorkOS, by its stand-in: the emulator of the npm package workos. It accepts any secret, so what the gateway asks is
// written down by a proxy before it.
import path from "node:path";
import { Worker } from "node:worker_threads";
import { claimsOf } from "./jwt.mjs";
import { startRecorder } from "./recorder.mjs";

const PATHS = {
  "/user_management/authorize": "authorization",
  "/user_management/authenticate": "token",
  "/user_management/sessions/revoke": "revocation",
  "/user_management/sessions/logout": "endSession",
  "/sso/jwks/": "jwks",
};
const API_KEY = "sk_test_the-gateway";
/** What the emulator's access tokens live. */
const HOUR = 3600;

export const SEED = {
  apiKeys: { [API_KEY]: { environment: "test" } },
  users: [
    { email: "ada@example.com", first_name: "Ada", last_name: "Lovelace", email_verified: true },
    { email: "grace@example.com", first_name: "Grace", last_name: "Hopper", email_verified: true },
  ],
  organizations: [{ name: "Acme" }],
};

/** The emulator: `{ origin, close }`. */
export async function startEmulator({ accessTokenSeconds = HOUR, seed = SEED } = {}) {
  const file = path.join(import.meta.dirname, "workos-emulator.mjs");
  const thread = new Worker(file, { workerData: { seed, behind: (HOUR - accessTokenSeconds) * 1000 } });
  const { url } = await new Promise((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
  return { origin: url, close: () => thread.terminate() };
}

/** Starts the emulator with a proxy before it; see recorder.mjs. */
export async function startWorkOs({ accessTokenSeconds = 300, own } = {}) {
  const emulator = await startEmulator({ accessTokenSeconds });
  const recorder = await startRecorder({
    target: emulator.origin,
    paths: PATHS,
    own: {
      // It looks users up by their address.
      authorization: (call, pass) => {
        const url = new URL(call.path, emulator.origin);
        const hint = url.searchParams.get("login_hint");
        if (hint && !hint.includes("@")) url.searchParams.set("login_hint", `${hint}@example.com`);
        call.path = url.pathname + url.search;
        return pass();
      },
      ...own,
    },
  });
  return {
    ...recorder,
    issuer: recorder.origin,
    clientId: "client_the-gateway",
    clientSecret: API_KEY,
    vars: {
      PROVIDER: "workos",
      WORKOS_CLIENT_ID: "client_the-gateway",
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
