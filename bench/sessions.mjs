// Many sessions, for `make bench`: what each takes in memory, what the first request of each costs after a restart, when its
// actor has to be built and its record read, and what requests cost that go round all of them.
import { memory, watchOthers } from "./processes.mjs";
import { CONNECTIONS, once, takeRounds } from "./rounds.mjs";
import { GATEWAY, HANDWRITTEN } from "./world.mjs";

/** Users who log in at the same time. */
const WIDTH = 8;

/** Resolves to the lines of the table, `notes` beside it, and `others`. */
export async function sessions(world, options) {
  const names = [GATEWAY, HANDWRITTEN];
  const entries = [];
  const notes = [];
  const touched = { first: [], second: [] };
  const watched = watchOthers(world.pids().slice(0, 3));
  for (const name of names) {
    const contestant = await world.contestant(name);
    const requests = await logInAll(contestant, options.sessions);
    await contestant.gateway.restart();
    const entry = { name, contestant, requests };
    // The code is compiled before anything is counted, by requests that reach no session.
    await once(world, { ...entry, requests: [{ path: "/", method: "GET" }], status: 401 }, 1);
    const before = memory(contestant.gateway.pid);
    for (const touch of Object.keys(touched)) touched[touch].push([await once(world, entry)]);
    const each = (memory(contestant.gateway.pid) - before) / 1024 / options.sessions;
    notes.push(`${name}: ${each.toFixed(1)} KB of memory for each of ${options.sessions} sessions that are in use`);
    entries.push(entry);
  }
  watched();
  const { results, others } = await takeRounds(world, entries, options);
  const lines = [
    { name: "sessions", what: `small, ${options.sessions} sessions in turn`, sides: names.map((name) => results[name]) },
    { name: "first", what: "the first request of each after a restart", sides: touched.first },
    { name: "second", what: "the second request of each", sides: touched.second },
  ];
  return { lines, others, notes };
}

/** The request of each of so many users who have logged in. */
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
