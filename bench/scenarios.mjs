// What `make bench` measures. A scenario resolves to the lines that it adds to a table, and to the cores that others used. A line is
// `{ name, what, sides, alone }`: `sides` has the rounds of the gateway, and of what its processor time is compared with.
import { logins } from "./logins.mjs";
import { REQUESTS, requestsOf } from "./requests.mjs";
import { takeRounds } from "./rounds.mjs";
import { RESOURCES, RULES } from "./routes.mjs";
import { sessions } from "./sessions.mjs";
import { BOUND, Device } from "../tests/parts/device.mjs";
import { AGAIN, GATEWAY, HANDWRITTEN, ROUTED, SECURE, TARGETS } from "./world.mjs";

/** All scenarios by name, in the order in which they run: `(world, options) => { lines, others, notes }`. */
export const SCENARIOS = {
  same: (world, options) => beside(world, options, "same", { what: "small, the gateway beside itself: the spread" }, AGAIN),
  ...Object.fromEntries(Object.entries(REQUESTS).map(([name, about]) => [name, (world, options) => beside(world, options, name, about, HANDWRITTEN)])),
  login: logins,
  sessions,
  routes,
  targets,
  device,
};

/** The gateway beside another contestant, with the same requests. */
async function beside(world, options, name, { what, status, ...about }, other) {
  const entries = [];
  for (const side of [GATEWAY, other]) {
    const contestant = await world.contestant(side);
    entries.push({ name: side, contestant, status, requests: await requestsOf(contestant, about) });
  }
  const { results, others } = await takeRounds(world, entries, options);
  return { lines: [{ name, what, sides: [results[GATEWAY], results[other]] }], others };
}

/** The price of a route's rules: each beside the plain route of a gateway without any. */
async function routes(world, options) {
  const [plain, routed] = [await world.contestant(GATEWAY), await world.contestant(ROUTED)];
  const entries = [{ name: "small", contestant: plain, requests: await requestsOf(plain, {}) }];
  for (const [name, { path, headers }] of Object.entries(RULES)) {
    const own = await headers?.(routed);
    entries.push({ name, contestant: routed, requests: await requestsOf(routed, { path, anonymous: own !== undefined, headers: own }) });
  }
  const { results, others } = await takeRounds(world, entries, options);
  const lines = Object.entries(RULES).map(([name, { what }]) => ({ name, what, sides: [results[name], results.small], alone: true }));
  return { lines, others };
}

/** A session with access tokens for four APIs, whose requests take turns, beside the same session's requests with its own token. */
async function targets(world, options) {
  const contestant = await world.contestant(TARGETS);
  const [plain] = await requestsOf(contestant, {});
  const entries = [
    { name: "four APIs", contestant, requests: RESOURCES.map((_, number) => ({ ...plain, path: `/api-${number}/x` })) },
    { name: "its own", contestant, requests: [plain] },
  ];
  const { results, others } = await takeRounds(world, entries, options);
  const what = "a session with access tokens for four APIs, beside its own token";
  return { lines: [{ name: "targets", what, sides: [results["four APIs"], results["its own"]], alone: true }], others };
}

/** The price of a session that is bound to a device, with its proof, beside one that is not. */
async function device(world, options) {
  const contestant = await world.contestant(SECURE);
  const user = contestant.browser();
  await user.login({ hint: "ada" });
  await new Device().bind(user);
  const cookie = `${user.sessionHeader}; ${BOUND}=${user.jar().get(BOUND).value}`;
  const entries = [
    { name: "bound", contestant, requests: await requestsOf(contestant, { anonymous: true, headers: { cookie } }) },
    { name: "unbound", contestant, requests: await requestsOf(contestant, {}) },
  ];
  const { results, others } = await takeRounds(world, entries, options);
  const what = "over TLS, a session bound to a device, beside one that is not";
  return { lines: [{ name: "device", what, sides: [results.bound, results.unbound], alone: true }], others };
}
