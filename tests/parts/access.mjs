// A stand-in for a team of Cloudflare Access: it publishes keys where Access does, and signs the JWTs that Access sends along. Nothing of it
// stands in front of the gateway: a test says itself what Access would have added to a request.
import { startHostileProvider } from "./hostile.mjs";
import { jwt } from "./jwt.mjs";
import { signingKey } from "./keys.mjs";

const now = () => Math.floor(Date.now() / 1000);

/** Starts the team. `vars` are the gateway's; `certs` are the calls for its keys. */
export async function startAccess() {
  const team = await startHostileProvider({ paths: { "/cdn-cgi/access/certs": "jwks" } });
  const aud = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228";
  const access = {
    team,
    aud,
    key: signingKey("RS256", "access"),
    vars: { ADMIN_ACCESS: JSON.stringify({ team: team.origin, aud }) },
    certs: team.calls.jwks,
    /** The key is another one from now on, and the former one is published no more. */
    rotate(kid) {
      access.key = signingKey("RS256", kid);
      team.published = [access.key.publicJwk];
    },
    claims: (more) => ({
      aud: [aud],
      email: "ada@example.com",
      exp: now() + 300,
      iat: now(),
      nbf: now(),
      iss: team.origin,
      type: "app",
      identity_nonce: "6ei69kawdKzMIAPF",
      sub: "7335d417-61da-459d-899c-0a01c76a2f94",
      country: "DE",
      ...more,
    }),
    /** The JWT of a user; `more` are other claims, `undefined` takes one away. */
    jwt: (more, header) => jwt({ alg: "RS256", kid: access.key.kid, typ: "JWT", ...header }, access.claims(more), access.key),
    /** The JWT of a service token. */
    service: (more) => access.jwt({ email: undefined, identity_nonce: undefined, country: undefined, sub: "", common_name: "e367826f93b8d71185e03fe518aff3b4.access", ...more }),
    close: () => team.close(),
  };
  // Access publishes keys for RS256 alone. This one shows that another algorithm is refused even if there were a key for it.
  access.otherKey = signingKey("ES256", "access-es256");
  team.published = [access.key.publicJwk, access.otherKey.publicJwk];
  return access;
}
