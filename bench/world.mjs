// The world of `make bench`: the contestants, each on a workerd of its own, and their neighbours. A contestant counts only if it
// does its job.
import { fork } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { Browser } from "../tests/parts/browser.mjs";
import { startGateway } from "../tests/parts/gateway.mjs";
import { CF_HEADER } from "../tests/parts/workerd.mjs";
import { VISITOR } from "./requests.mjs";
import { ROUTES, routeVariables, TARGET_ROUTES } from "./routes.mjs";

/** The hand-written token handler, as a bundle. */
const HANDLER = { folder: path.join(import.meta.dirname, "handler"), config: path.join(import.meta.dirname, "handler/wrangler.jsonc") };
/** The contestants by name: the gateway, the same again, the hand-written token handler, and the gateway with routes, with tokens for APIs, and over TLS. */
export const [GATEWAY, AGAIN, HANDWRITTEN, ROUTED, TARGETS, SECURE] = ["gateway", "the same again", "hand-written", "with routes", "with tokens for APIs", "over TLS"];

// Sessions are stored in memory where the system allows it, so that the disk has no say.
try {
  accessSync("/dev/shm", constants.W_OK);
  process.env.TMPDIR = "/dev/shm";
} catch {
  // then on the disk
}

/** A process that says when it is ready, and then answers one order after the other. */
async function partner(file) {
  const child = fork(path.join(import.meta.dirname, file));
  const gone = once(child, "exit").then(([code]) => Promise.reject(new Error(`${file} ended with ${code}`)));
  gone.catch(() => {}); // who waits for a reply hears it
  const reply = () => Promise.race([once(child, "message").then(([said]) => said), gone]);
  const ask = (order) => {
    const said = reply();
    child.send(order);
    return said;
  };
  return { child, ready: await reply(), ask };
}

/** Starts the neighbours and the load; contestants start when they are first asked for. */
export async function createWorld() {
  const [neighbours, load] = await Promise.all([partner("neighbours.mjs"), partner("load.mjs")]);
  const { upstream, provider, verifier } = neighbours.ready;
  const contestants = new Map();
  return { contestant, load: load.ask, pids, logs, close };

  async function contestant(name) {
    if (!contestants.has(name)) contestants.set(name, await start(name));
    return contestants.get(name);
  }

  async function start(name) {
    const options = { provider, upstream: { origin: upstream } };
    if (name === HANDWRITTEN) options.bundle = HANDLER;
    if (name === ROUTED) options.vars = { ROUTES: ROUTES.map((route) => ({ upstream, ...route })), ...routeVariables({ provider, verifier }) };
    if (name === TARGETS) options.vars = { ROUTES: TARGET_ROUTES.map((route) => ({ upstream, ...route })) };
    if (name === SECURE) Object.assign(options, { https: true, host: "localhost" });
    const gateway = await startGateway(options);
    await neighbours.ask({ allow: gateway.origin });
    const cookie = name === HANDWRITTEN ? { session: "handler-session" } : gateway.cookie;
    const browser = () => new Browser({ origin: gateway.origin, cookie, ca: gateway.ca });
    const made = { name, gateway, browser, clientToken: async (audience) => (await neighbours.ask({ audience })).token };
    await check(made);
    return made;
  }

  /** Every process of the bench. */
  function pids() {
    const gateways = [...contestants.values()].map(({ gateway }) => gateway.pid);
    return [process.pid, neighbours.child.pid, load.child.pid, ...gateways];
  }

  /** What each contestant has printed. */
  function logs() {
    return [...contestants.values()].map(({ name, gateway }) => [name, gateway.log]);
  }

  async function close() {
    await Promise.all([...contestants.values()].map(({ gateway }) => gateway.close()));
    for (const { child } of [neighbours, load]) child.kill();
  }
}

/** Logs in, and sees that the token goes upstream, the session's cookie doesn't, and nobody else gets in. */
async function check({ name, gateway, browser }) {
  const user = browser();
  await user.login({ hint: "ada" });
  const echo = await user.api("/echo", { headers: VISITOR });
  const seen = echo.status === 200 ? echo.json() : {};
  const strange = await gateway.request("/echo", { headers: { cookie: user.sessionHeader.replace(/.$/, (last) => (last === "A" ? "B" : "A")) } });
  const { city } = JSON.parse(VISITOR[CF_HEADER]);
  const facts = {
    "the token goes upstream": /^Bearer .{20,}/.test(seen.authorization),
    "the visitor's city goes upstream": seen["x-geo-city"] === encodeURI(city),
    "the session's cookie stays": !seen.cookie,
    "the answer is no-store": echo.headers["cache-control"] === "no-store",
    "another secret is 401": strange.status === 401,
    "no session is 401": (await gateway.request("/echo")).status === 401,
  };
  const failed = Object.keys(facts).filter((fact) => !facts[fact]);
  if (failed.length > 0) throw new Error(`${name}: not so: ${failed.join(", ")} (${echo.status} ${echo.text.slice(0, 300)})`);
}
