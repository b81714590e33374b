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
export const routeVariables = (verifier) => ({
  JWT_AUDIENCE: AUDIENCE,
  CAPTCHA_SITE_KEY: "the-site-key",
  CAPTCHA_SECRET: verifier.secret,
  CAPTCHA_VERIFY_URL: verifier.url,
});

/** What is sent to them, by scenario: a path, and the headers that replace the session's cookie where there are any. */
export const REQUESTS = {
  require: { path: "/require/x" },
  identity: { path: "/identity/x" },
  bearer: { path: "/bearer/x" },
  jwt: { path: "/bearer/x", headers: async ({ clientToken }) => ({ authorization: `Bearer ${await clientToken(AUDIENCE)}` }) },
  captcha: { path: "/captcha/x", headers: cleared },
  patterns: { path: "/x" },
};

/** The cookies of a user who has passed the captcha. */
async function cleared({ gateway, browser }) {
  const user = browser();
  await user.login({ hint: "ada" });
  const solved = { "cf-turnstile-response": JSON.stringify({ n: Math.random() }), return_to: "/" };
  await user.navigate("/auth/captcha", { from: gateway.origin, method: "POST", form: solved, follow: false });
  const clearance = user.jar().get(gateway.cookie.clearance);
  return { "user-agent": user.userAgent, cookie: `${user.sessionHeader}; ${clearance.name}=${clearance.value}` };
}
