// Whole logins, for `make bench`: from the click on "log in" over the provider to the application's page. Provider and browsers work on the
// same machine, so that processor time says more than logins a second.
import { cpu } from "./processes.mjs";
import { takeTurns } from "./rounds.mjs";
import { GATEWAY, HANDWRITTEN } from "./world.mjs";

/** Users who log in at the same time. */
const WIDTH = 4;

export async function logins(world, { rounds, seconds }) {
  const entries = [];
  for (const name of [GATEWAY, HANDWRITTEN]) entries.push({ name, contestant: await world.contestant(name) });
  const round = ({ contestant }) => take(contestant, seconds);
  // Code is compiled before anything counts.
  for (const entry of entries) await round(entry);
  const { results, others } = await takeTurns(world, entries, rounds, round);
  return { lines: [{ name: "login", what: "a login, from the click to the page", sides: [results[GATEWAY], results[HANDWRITTEN]] }], others };
}

/** Logins for so many seconds. A login that fails ends the scenario. */
async function take({ gateway, browser }, seconds) {
  const times = [];
  const [before, began] = [cpu(gateway.pid), performance.now()];
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      while (performance.now() < began + seconds * 1000) {
        const clicked = performance.now();
        await browser().login();
        times.push(performance.now() - clicked);
      }
    }),
  );
  const took = (performance.now() - began) / 1000;
  times.sort((one, other) => one - other);
  return { cpu: (cpu(gateway.pid) - before) / times.length, p99: times[Math.floor(times.length * 0.99)], rate: times.length / took, wrong: [] };
}
