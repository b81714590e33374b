// WorkOS, by its own emulator (see demo/workos.mjs), with a proxy before it that writes down what the gateway asks: the
// emulator accepts any secret, and it logs in to no organization: the proxy switches to the one that was asked for.
import { API_KEY, CLIENT_ID, startEmulator } from "../../demo/workos.mjs";
import { request } from "./http.mjs";
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
  const organizations = new Map();
  /** What the emulator itself answers to these parameters. */
  const emulated = async (params) => {
    const headers = { "content-type": "application/json" };
    const url = `${emulator.origin}/user_management/authenticate`;
    const answer = await request(url, { method: "POST", headers, body: JSON.stringify(params) });
    return { status: answer.status, json: answer.json() };
  };
  const own = {
    // It looks users up by their address.
    authorization: async (call, pass) => {
      const url = new URL(call.path, emulator.origin);
      const hint = url.searchParams.get("login_hint");
      if (hint && !hint.includes("@")) url.searchParams.set("login_hint", `${hint}@example.com`);
      call.path = url.pathname + url.search;
      const answer = await pass();
      const code = answer.headers.location && new URL(answer.headers.location).searchParams.get("code");
      if (code) organizations.set(code, url.searchParams.get("organization_id"));
      return answer;
    },
    token: async (call, pass) => {
      const answer = await pass();
      const asked = organizations.get(call.params.code);
      const organization_id = world.forceOrganization === undefined ? asked : world.forceOrganization;
      if (!call.params.code || !organization_id || answer.status !== 200) return answer;
      const { client_id, client_secret } = call.params;
      const { refresh_token } = answer.json;
      return emulated({ client_id, client_secret, grant_type: "refresh_token", refresh_token, organization_id });
    },
  };
  const recorder = await startRecorder({ target: emulator.origin, paths: PATHS, own });
  const world = {
    ...recorder,
    emulated,
    /** The organization that the user chooses on WorkOS's page, `null` for none; undefined: the one that was asked for. */
    forceOrganization: undefined,
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
  return world;
}
