// The providers that `make dev` can run beside the gateway, by what PROVIDER says. Each is started for a gateway at
// `origin`, with access tokens that live so many seconds and a `folder` for its files, and resolves to
//
// - `name`, `users`: for people
// - `variables`: what the gateway is to know
// - `issuer`: whom the demo application may ask about tokens, where it may
// - `environment`: what the gateway's process needs beside
// - `close`
//
// With `port` it listens there. One whose `remembers` is true keeps what it knows in the folder.
import { startAuth0 } from "./auth0.mjs";
import { makeCertificate } from "./certificate.mjs";
import { startProvider, USERS } from "./provider.mjs";
import { API_KEY, CLIENT_ID, startEmulator } from "./workos.mjs";

export const PROVIDERS = { oidc, auth0, workos };

oidc.remembers = true;

async function oidc({ origin, seconds, folder, port }) {
  const file = `${folder}/provider.json`;
  const { issuer, clientId, clientSecret, close } = await startProvider({ origins: [origin], accessTokenSeconds: seconds, port, file });
  return {
    name: issuer,
    users: `${USERS.map(({ id }) => id).join(", ")} (no passwords)`,
    issuer,
    variables: { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret },
    close,
  };
}

async function auth0({ origin, seconds, folder }) {
  const certificate = makeCertificate(folder);
  const tenant = await startAuth0({ folder, certificate, accessTokenSeconds: seconds });
  return {
    name: `${tenant.origin} (@simulacrum/auth0-simulator in place of Auth0)`,
    users: `ada, at once; ${origin}/auth/login?login_hint=grace for the other one`,
    variables: {
      PROVIDER: "auth0",
      AUTH0_DOMAIN: tenant.origin,
      OIDC_CLIENT_ID: "demo",
      OIDC_CLIENT_SECRET: "demo-secret-demo-secret-demo-secret",
    },
    environment: { NODE_EXTRA_CA_CERTS: certificate.caFile },
    close: tenant.close,
  };
}

async function workos({ origin, seconds }) {
  const emulator = await startEmulator({ accessTokenSeconds: seconds });
  return {
    name: `${emulator.origin} (the emulator of npm's workos in place of WorkOS)`,
    users: `ada@example.com, at once; ${origin}/auth/login?login_hint=grace@example.com for the other one`,
    variables: {
      PROVIDER: "workos",
      WORKOS_CLIENT_ID: CLIENT_ID,
      WORKOS_API_KEY: API_KEY,
      WORKOS_API_HOST: emulator.origin,
    },
    close: emulator.close,
  };
}
