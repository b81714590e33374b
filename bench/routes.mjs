// The routes whose price `make bench` measures, each beside the plain one of the same gateway.

const AUDIENCE = "https://api.example";
/** So many patterns are tried before the last one matches. */
const PATTERNS = Array.from({ length: 12 }, (_, number) => ({ match: `/part-${number}/*` }));

/** ROUTES of that gateway; the order is that of the matching. */
export const ROUTES = [
  { match: "/require/*", require: { sub: "ada" } },
  { match: "/identity/*", identity_headers: true },
  { match: "/bearer/*", bearer: true },
  { match: "/captcha/*", captcha: "always" },
  ...PATTERNS,
  { match: "/*" },
];

/** The variables that these routes need. */
export const routeVariables = ({ provider, verifier }) => ({
  JWKS_URI: `${provider.issuer}/jwks`,
  JWT_AUDIENCE: AUDIENCE,
  CAPTCHA_SITE_KEY: "the-site-key",
  CAPTCHA_SECRET: verifier.secret,
  CAPTCHA_VERIFY_URL: verifier.url,
});

/** What is sent to them, by scenario: a path, and the headers where a session's cookie alone is not it. */
export const RULES = {
  require: { what: "a route that requires a claim", path: "/require/x" },
  identity: { what: "a route with identity headers", path: "/identity/x" },
  bearer: { what: "a route that takes clients' JWTs, with a session", path: "/bearer/x" },
  jwt: { what: "the same route, with a client's JWT", path: "/bearer/x", headers: withToken },
  captcha: { what: "a route with a captcha that was passed", path: "/captcha/x", headers: cleared },
  patterns: { what: `the last of ${ROUTES.length} routes`, path: "/x" },
};

/** APIs whose routes have an access token of their own. */
export const RESOURCES = ["orders", "mail", "files", "people"].map((name) => `https://${name}.example/api`);

/** ROUTES of the gateway in front of them. */
export const TARGET_ROUTES = [...RESOURCES.map((resource, number) => ({ match: `/api-${number}/*`, resource })), { match: "/*" }];

async function withToken({ clientToken }) {
  return { authorization: `Bearer ${await clientToken(AUDIENCE)}` };
}

/** The cookies of a user who has passed the captcha. */
async function cleared({ gateway, browser }) {
  const user = browser();
  await user.login({ hint: "ada" });
  const solved = { "cf-turnstile-response": JSON.stringify({ n: Math.random() }), return_to: "/" };
  await user.navigate("/auth/captcha", { from: gateway.origin, method: "POST", form: solved, follow: false });
  const clearance = user.jar().get(gateway.cookie.clearance);
  return { "user-agent": user.userAgent, cookie: `${user.sessionHeader}; ${clearance.name}=${clearance.value}` };
}
