// The files of a project that deploys the gateway. Pure.
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS } from "./compatibility.mjs";
import { PROVIDERS } from "./providers.mjs";

const MAIN = "node_modules/edge-oauth-sessions/worker/entry.mjs";

/** What [vars] holds: name, value (none: a line to fill in), what belongs there. */
function variables({ provider = "oidc", issuer, clientId, upstream, origin }) {
  const names = PROVIDERS[provider];
  const lines = [];
  if (provider !== "oidc") lines.push(["PROVIDER", provider, ""]);
  if (names.issuer) lines.push([names.issuer, issuer, `the provider, such as ${names.example}`]);
  lines.push([names.clientId, clientId, `the client registered at ${names.label}`]);
  if (provider === "apple") {
    lines.push(["APPLE_TEAM_ID", undefined, "the team id"], ["APPLE_KEY_ID", undefined, "the id of the key for Sign in with Apple"]);
  }
  if (provider === "cognito") lines.push(["COGNITO_DOMAIN", undefined, "the domain of the user pool's login pages"]);
  lines.push(["UPSTREAM", upstream, "your application, such as https://app.internal.example.com"]);
  lines.push(["PUBLIC_ORIGIN", origin, "the origin that browsers see, such as https://app.example.com"]);
  return lines;
}

/** The host of the public origin, where it is one that Cloudflare could serve. */
function customDomain(origin) {
  const host = origin && new URL(origin).protocol === "https:" ? new URL(origin).host : undefined;
  return host === undefined || host.includes(":") ? undefined : host;
}

function toml(options) {
  const text = (value) => JSON.stringify(value);
  const domain = customDomain(options.origin);
  const routes = `routes = [{ pattern = ${text(domain ?? "app.example.com")}, custom_domain = true }]`;
  const line = ([name, value, hint]) =>
    value === undefined ? `# ${name} = "…" # ${hint}` : `${name} = ${text(value)}`;
  return `# The gateway edge-oauth-sessions, from its npm package. Secrets are not set here:
#   npx wrangler secret put ${PROVIDERS[options.provider ?? "oidc"].secret}
name = "edge-oauth-sessions"
main = "${MAIN}"
compatibility_date = "${COMPATIBILITY_DATE}"
compatibility_flags = ${JSON.stringify(COMPATIBILITY_FLAGS)}
keep_names = false
workers_dev = ${domain === undefined}
${domain === undefined ? "# " : ""}${routes}

# On one's own machine: wrangler would serve the host of the routes there.
[dev]
port = 8787
host = "localhost:8787"
upstream_protocol = "http"

[vars]
${variables(options).map(line).join("\n")}

[[durable_objects.bindings]]
name = "SESSIONS"
class_name = "SessionActor"

[[durable_objects.bindings]]
name = "DIRECTORY"
class_name = "RegionDirectory"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["SessionActor", "RegionDirectory"]

# The gateway writes its own log lines. Invocation logs would record callback URLs, and authorization codes with them.
[observability]
enabled = true

[observability.logs]
enabled = true
invocation_logs = false

[observability.traces]
enabled = false
`;
}

function jsonc(options) {
  const text = (value) => JSON.stringify(value);
  const domain = customDomain(options.origin);
  const given = variables(options).filter(([, value]) => value !== undefined);
  const missing = variables(options).filter(([, value]) => value === undefined);
  const lines = [
    ...given.map(([name, value], at) => `${text(name)}: ${text(value)}${at < given.length - 1 ? "," : ""}`),
    ...missing.map(([name, , hint]) => `// ${text(name)}: "…" // ${hint}`),
  ];
  return `// The gateway edge-oauth-sessions, from its npm package. Secrets are not set here:
//   npx wrangler secret put ${PROVIDERS[options.provider ?? "oidc"].secret}
{
  "name": "edge-oauth-sessions",
  "main": "${MAIN}",
  "compatibility_date": "${COMPATIBILITY_DATE}",
  "compatibility_flags": ${JSON.stringify(COMPATIBILITY_FLAGS)},
  "keep_names": false,
  "workers_dev": ${domain === undefined},
  ${domain === undefined ? "// " : ""}"routes": [{ "pattern": ${text(domain ?? "app.example.com")}, "custom_domain": true }],
  // On one's own machine: wrangler would serve the host of the routes there.
  "dev": { "port": 8787, "host": "localhost:8787", "upstream_protocol": "http" },
  "vars": {
    ${lines.join("\n    ")}
  },
  "durable_objects": {
    "bindings": [
      { "name": "SESSIONS", "class_name": "SessionActor" },
      { "name": "DIRECTORY", "class_name": "RegionDirectory" }
    ]
  },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["SessionActor", "RegionDirectory"] }],
  // The gateway writes its own log lines. Invocation logs would record callback URLs, and authorization codes with them.
  "observability": { "enabled": true, "logs": { "enabled": true, "invocation_logs": false }, "traces": { "enabled": false } }
}
`;
}

/** What .dev.vars is to hold, on one's own machine. */
function devVars({ provider = "oidc" }) {
  return `# Copy this file to .dev.vars, which stays on your machine, and fill it in. \`npx wrangler dev\` reads it when it starts.
# JSON goes in single quotes (in backticks if it holds a single quote): # begins a comment.
# In production set each secret with \`npx wrangler secret put NAME\`.
${PROVIDERS[provider].secret}=""
# The origin of \`npx wrangler dev\`; register http://localhost:8787/auth/callback at the provider, too.
PUBLIC_ORIGIN="http://localhost:8787"
# For the administrators' API, at least 32 characters; see also ADMIN_ORIGIN.
# ADMIN_TOKEN=""
`;
}

/** The package.json with the scripts that are not there yet. */
function packageJson(existing) {
  const known = existing === undefined ? { private: true } : JSON.parse(existing);
  const scripts = { dev: "wrangler dev", deploy: "wrangler deploy", tail: "wrangler tail --format json", ...known.scripts };
  return `${JSON.stringify({ ...known, scripts }, null, 2)}\n`;
}

/** The files by name. `existing` is the package.json that is there, if any. */
export function files(options, existing) {
  return {
    [options.jsonc ? "wrangler.jsonc" : "wrangler.toml"]: options.jsonc ? jsonc(options) : toml(options),
    ".dev.vars.example": devVars(options),
    "package.json": packageJson(existing),
  };
}
