// An OpenID provider of another make than oidc-provider: the npm package oauth2-mock-server. It checks PKCE and little
// else, knows public clients alone, and calls everybody by one name.
import { OAuth2Server } from "oauth2-mock-server";
import { startRecorder } from "./recorder.mjs";

const PATHS = {
  "/.well-known/openid-configuration": "discovery",
  "/jwks": "jwks",
  "/authorize": "authorization",
  "/token": "token",
  "/userinfo": "userinfo",
  "/revoke": "revocation",
  "/endsession": "endSession",
};
const SUBJECT = "johndoe";

/** Starts it with a proxy before it; see recorder.mjs. */
export async function startAnotherProvider({ accessTokenSeconds = 300 } = {}) {
  const server = new OAuth2Server();
  await server.issuer.keys.generate("ES256");
  await server.start(0, "127.0.0.1");
  server.service.on("beforeResponse", ({ body }) => Object.assign(body, { expires_in: accessTokenSeconds }));
  server.service.on("beforeUserinfo", (response) => {
    response.body = { sub: SUBJECT, email: "ada@example.com" };
  });
  const recorder = await startRecorder({ target: `http://127.0.0.1:${server.address().port}`, paths: PATHS });
  server.issuer.url = recorder.origin;
  return {
    ...recorder,
    issuer: recorder.origin,
    clientId: "the-gateway",
    clientSecret: undefined,
    subjectOf: () => SUBJECT,
    close: async () => {
      await recorder.close();
      await server.stop();
    },
  };
}
