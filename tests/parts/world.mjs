// A gateway with a provider before it and an application behind it, for one test or for a file of tests.
import { Browser } from "./browser.mjs";
import { startGateway } from "./gateway.mjs";
import { startHostileProvider } from "./hostile.mjs";
import { startProvider } from "./provider.mjs";
import { startUpstream } from "./upstream.mjs";

/** The access token in an `Authorization` header of a flat list of names and values. */
const bearer = (headers) => /^Bearer (.+)$/.exec(headers[headers.findIndex((name) => /^authorization$/i.test(name)) + 1])?.[1];

/**
 * Starts all three and stops them after the test `t` (or, outside of one, with `close`). `hostile` is the options of
 * the scriptable provider, `provider` those of the real one, `start` starts one of another kind, which comes with `vars`
 * of its own and, where it serves https, with its `ca`; `routes` is ROUTES, where each leads to this application unless it
 * says otherwise; the rest is the gateway's, see gateway.mjs.
 */
export async function createWorld(t, { hostile, provider: options, start, routes, vars, ...gatewayOptions } = {}) {
  const upstream = await startUpstream();
  const startHostile = () => startHostileProvider(hostile === true ? {} : hostile);
  const provider = await (start ?? (hostile ? startHostile : () => startProvider(options)))();
  const table = routes && { ROUTES: routes.map((route) => ({ upstream: upstream.origin, ...route })) };
  const all = { ...provider.vars, ...table, ...vars };
  const gateway = await startGateway({ provider, upstream, vars: all, trust: provider.ca, ...gatewayOptions });
  await provider.allow?.(gateway.origin);
  const world = { upstream, provider, gateway, browser, login, token, close };
  t?.after(async () => {
    if (t.passed === false) t.diagnostic(`the gateway printed:\n${gateway.log.slice(-3000)}`);
    await close();
  });
  return world;

  /** A browser with nothing in it. */
  function browser(more) {
    const { origin, cookie, ca = provider.ca } = gateway;
    return new Browser({ origin, cookie, ca, fill: provider.fill }, more);
  }

  /** A browser that has logged in. */
  async function login(how) {
    const made = browser();
    await made.login(how);
    return made;
  }

  /** The access token that the application gets for this browser's request. */
  async function token(from, path = "/api") {
    const answer = await from.api(path);
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.text.slice(0, 400)}`);
    return bearer(answer.json().headers);
  }

  async function close() {
    await gateway.close();
    await Promise.all([provider.close(), upstream.close()]);
  }
}
