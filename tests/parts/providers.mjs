// A gateway with several providers (PROVIDERS) before one application, and browsers at its hosts.
import { Browser } from "./browser.mjs";
import { startGateway } from "./gateway.mjs";
import { startHostileProvider } from "./hostile.mjs";
import { signingKey } from "./keys.mjs";
import { freePort } from "./process.mjs";
import { startProvider } from "./provider.mjs";
import { startUpstream } from "./upstream.mjs";

/**
 * Starts it all and stops it after the test. `providers` is `{ name: { hostile | provider: options, ...fields } }`, where the fields are further
 * ones of the element, each a value or a function of what was started; `hosts` are names in front of `.localhost` that browsers know the gateway by, beside 127.0.0.1, or `origins` all of them in a
 * function of the port; the rest is the gateway's.
 */
export async function createTable(t, { providers: wanted, hosts = [], origins, routes, vars, ...more }) {
  const upstream = await startUpstream();
  const port = await freePort();
  const publicOrigins = origins?.(port) ?? [`http://127.0.0.1:${port}`, ...hosts.map((host) => `http://${host}.localhost:${port}`)];
  const providers = {};
  const secrets = {};
  const table = [];
  for (const [name, { hostile, provider, ...fields }] of Object.entries(wanted)) {
    const started = hostile ? await startHostileProvider({ key: signingKey("RS256", name), ...(hostile === true ? {} : hostile) }) : await startProvider(provider);
    for (const origin of publicOrigins) started.allow?.(origin, "/auth", name);
    const secret = `${name.toUpperCase().replaceAll("-", "_")}_SECRET`;
    providers[name] = started;
    secrets[secret] = started.clientSecret;
    const more = Object.entries(fields).map(([field, value]) => [field, typeof value === "function" ? value(started) : value]);
    const element = { name, issuer: started.issuer, client_id: started.clientId, secret, ...Object.fromEntries(more) };
    table.push(JSON.parse(JSON.stringify(element)));
  }
  const rules = routes && { ROUTES: routes.map((route) => ({ upstream: upstream.origin, ...route })) };
  const single = { PROVIDER: undefined, OIDC_ISSUER: undefined, OIDC_CLIENT_ID: undefined, OIDC_CLIENT_SECRET: undefined };
  const all = { ...single, PROVIDERS: table, ...secrets, PUBLIC_ORIGIN: publicOrigins.join(","), ...rules, ...vars };
  const gateway = await startGateway({ upstream, port, vars: all, ...more });
  const world = { upstream, providers, table, gateway, originOf, browser, login, token, close };
  t?.after(async () => {
    if (t.passed === false) t.diagnostic(`the gateway printed:\n${gateway.log.slice(-3000)}`);
    await close();
  });
  return world;

  /** The gateway's origin at a host; without one 127.0.0.1's. */
  function originOf(host) {
    return host ? `http://${host}.localhost:${port}` : `http://127.0.0.1:${port}`;
  }

  function browser(host) {
    return new Browser({ origin: originOf(host), cookie: gateway.cookie });
  }

  /** A browser that has logged in at a provider, or where the login goes by itself. */
  async function login(name, { host, user = "ada", made = browser(host), query = {} } = {}) {
    made.user = user;
    const asked = new URLSearchParams({ return_to: "/", ...(name && { provider: name }), ...query, ...(user && { login_hint: user }) });
    const page = await made.navigate(`/auth/login?${asked}`);
    if (!made.session) throw new Error(`the login made no session: ${page.status} ${page.url} ${page.text.slice(0, 500)}`);
    return made;
  }

  /** The access token that the application gets. */
  async function token(from, path = "/api") {
    const answer = await from.api(path);
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.text.slice(0, 400)}`);
    const { headers } = answer.json();
    return /^Bearer (.+)$/.exec(headers[headers.findIndex((name) => /^authorization$/i.test(name)) + 1])?.[1];
  }

  async function close() {
    await gateway.close();
    await Promise.all([...Object.values(providers), upstream].map((one) => one.close()));
  }
}
