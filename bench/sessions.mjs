// Many sessions, for `make bench`: what a request costs that goes to each in turn, what it costs when the session's actor has
// to be built and its record read first, and what a session takes in memory.
import { median } from "./report.mjs";
import { memory } from "./processes.mjs";
import { inTurns, once, takeRounds } from "./rounds.mjs";
import { GATEWAY, HANDWRITTEN } from "./world.mjs";

/** Users who log in at the same time. */
const WIDTH = 8;

export async function sessions(world, options) {
  const names = [GATEWAY, HANDWRITTEN];
  const entries = [];
  for (const name of names) {
    const contestant = await world.contestant(name);
    entries.push({ name, contestant, requests: await logInAll(contestant, options.sessions) });
  }
  const restarts = await inTurns(entries, options.rounds, (entry) => restart(world, entry));
  const { results, others } = await takeRounds(world, entries, options);
  const sides = (touch) => names.map((name) => restarts[name].map((round) => round[touch]));
  const lines = [
    { name: "sessions", what: `small, ${options.sessions} sessions in turn`, sides: names.map((name) => results[name]) },
    { name: "first", what: "small, the actor is not in memory", sides: sides("first") },
    { name: "second", what: "the second request to each of these", sides: sides("second") },
  ];
  const kilobytes = (name) => median(restarts[name].map(({ bytes }) => bytes / 1024 / options.sessions)).toFixed(1);
  const notes = [`A session in use takes ${names.map((name) => `${kilobytes(name)} KB (${name})`).join(", ")} of memory.`];
  return { lines, others, notes };
}

/** After a restart, a request of each session, and another. One session goes first, so that the code has been compiled. */
async function restart(world, { contestant, requests }) {
  const { gateway } = contestant;
  await gateway.restart();
  const [one, ...rest] = requests;
  await once(world, { contestant, requests: [one] }, 1);
  const before = memory(gateway.pid);
  const first = await once(world, { contestant, requests: rest });
  const second = await once(world, { contestant, requests: rest });
  return { first, second, bytes: memory(gateway.pid) - before };
}

/** The requests of so many users who have logged in. */
async function logInAll({ browser }, count) {
  const requests = [];
  const more = async () => {
    while (requests.length < count) {
      const at = requests.push(undefined) - 1;
      const user = browser();
      await user.login();
      requests[at] = { path: "/", method: "GET", headers: { cookie: user.sessionHeader } };
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, more));
  return requests;
}
