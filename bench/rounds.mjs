// Rounds of `make bench`: all that are compared take turns, and the order turns round with each round (A B, B A, …), so that
// what changes slowly on the machine falls on all alike. The figure is processor time of the contestant's workerd by request.
import { cpu, watchOthers } from "./processes.mjs";

/** Seconds of load before the rounds: code is compiled, connections are there. */
const WARM = 1;
export const CONNECTIONS = 16;

/**
 * Takes rounds of `entries`: `{ name, contestant, requests, status }`. Resolves to the rounds by name, each
 * `{ cpu, p50, p99, rate, wrong, count }`, and to `others`: how many cores other processes kept busy, by round.
 */
export async function takeRounds(world, entries, { rounds, seconds }) {
  for (const entry of entries) await once(world, entry, WARM);
  return takeTurns(world, entries, rounds, (entry) => once(world, entry, seconds));
}

/** The same with any `work`, which resolves to what one round of an entry came to. */
export async function takeTurns(world, entries, rounds, work) {
  const others = [];
  const results = await inTurns(entries, rounds, async (entry) => {
    const watched = watchOthers(world.pids());
    const result = await work(entry);
    others.push(watched());
    return result;
  });
  return { results, others };
}

/** What `work` came to, by name. It may start processes and end them. */
export async function inTurns(entries, rounds, work) {
  const results = Object.fromEntries(entries.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const entry of round % 2 === 0 ? entries : entries.toReversed()) results[entry.name].push(await work(entry));
  }
  return results;
}

/** One load of a contestant: for `seconds`, or each request once. */
export async function once(world, { contestant, requests, status = 200, connections = CONNECTIONS }, seconds) {
  const { origin, pid } = contestant.gateway;
  const before = cpu(pid);
  const { count, wrong, p50, p99, seconds: took } = await world.load({ origin, requests, connections, seconds, status });
  return { cpu: (cpu(pid) - before) / count, p50, p99, rate: count / took, wrong, count };
}
