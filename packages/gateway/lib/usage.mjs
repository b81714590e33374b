// What the command prints when it is asked for help.
import { PROVIDERS } from "./providers.mjs";

const names = Object.keys(PROVIDERS);

export const USAGE = `usage: edge-oauth-sessions init [flags]
       edge-oauth-sessions serve [flags]
       edge-oauth-sessions health [flags]

init writes wrangler.toml, .dev.vars.example and the scripts of package.json. At a terminal it asks for what no flag says;
elsewhere it leaves a commented line.

  --provider NAME    ${names.slice(0, 9).join(", ")},
                     ${names.slice(9).join(", ")}
  --issuer URL       the provider's issuer; with auth0 its domain
  --client-id ID     the client that is registered there
  --upstream URL     your application
  --origin ORIGIN    the origin that browsers see
  --dir DIR          where to write; the current folder otherwise
  --jsonc            wrangler.jsonc in place of wrangler.toml
  --force            replace files that are there

serve runs the gateway on this machine with workerd, without Cloudflare. It takes the gateway's variables from its environment.
serve does not read wrangler.toml; put the variables into a file and use --variables FILE.
health asks a gateway that was started with the same flags whether its configuration is valid.

  --host ADDRESS     127.0.0.1 otherwise
  --port PORT        8787 otherwise
  --storage DIR      where sessions are kept; edge-oauth-sessions-data otherwise
  --variables FILE   variables that take precedence over the environment
  --behind-proxy     a proxy in front ends TLS and sets X-Forwarded-Proto and CF-Connecting-IP, whatever the client sent`;
