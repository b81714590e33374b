// What a store costs: `make bench-stores`. Times of a login and of a refresh on each store, and how many connections live
// sessions hold in Postgres, at rest and while all of them are refreshed. Everything runs on this machine, KV is a stand-in, and
// there is no way between the parts: what the network adds is to be added.
import { startKv } from "../tests/parts/kv.mjs";
import { startPostgres } from "../tests/parts/postgres.mjs";
import { sleep, until } from "../tests/parts/process.mjs";
import { createWorld } from "../tests/parts/world.mjs";

/** Logins and refreshes that are timed, one after the other; SESSIONS live ones, REFRESHES of them at once. */
const number = (name, value) => Number(process.env[name] ?? value);
const [ROUNDS, SESSIONS, REFRESHES] = [number("ROUNDS", 30), number("SESSIONS", 1000), number("REFRESHES", 25)];
/** So long does a session wait before its refresh, in milliseconds: KV takes one write of a key a second. */
const PAUSE = 1100;
/** So long do connections wait for more to do, and a little. */
const LINGER = 1500;

const postgres = await startPostgres({ settings: { max_connections: 300 } });
const kv = await startKv();
const stores = {
  durable: async () => ({}),
  kv: async () => ({ kv: kv.address }),
  neon: async () => ({ vars: { DATABASE_URL: (await postgres.database()).url } }),
};
try {
  console.log(`${"".padEnd(10)}${"login".padStart(24)}${"refresh".padStart(24)}   (median, 95 of 100 within; ${ROUNDS} each)`);
  for (const [store, open] of Object.entries(stores)) {
    const { vars, ...more } = await open();
    const world = await createWorld(undefined, { hostile: true, ...more, vars: { SESSION_STORE: store, ...vars } });
    await time(world, 5); // warms up
    const { logins, refreshes } = await time(world, ROUNDS);
    console.log(store.padEnd(10) + shown(logins) + shown(refreshes));
    if (store === "neon") await countConnections(world);
    await world.close();
  }
} finally {
  await kv.close();
  await postgres.close();
}
process.exit(0);

/** Milliseconds of so many logins, from the click to the application's page, and of a refresh of each session. */
async function time(world, rounds) {
  const [logins, refreshes] = [[], []];
  for (let i = 0; i < rounds; i += 1) {
    const browser = world.browser();
    logins.push(await taking(() => browser.login()));
    await sleep(PAUSE);
    refreshes.push(await taking(() => refresh(browser)));
  }
  return { logins, refreshes };
}

async function countConnections(world) {
  const began = performance.now();
  const browsers = await inParallel(REFRESHES, Array.from({ length: SESSIONS }), () => world.login());
  console.log(`\n${SESSIONS} logins, ${REFRESHES} at a time: ${perSecond(SESSIONS, began)}`);
  await sleep(LINGER);
  const atRest = await connections();
  let [most, over] = [0, false];
  const watching = (async () => {
    while (!over) {
      most = Math.max(most, await connections());
      await sleep(50);
    }
  })();
  const start = performance.now();
  await inParallel(REFRESHES, browsers, refresh);
  const rate = perSecond(SESSIONS, start);
  over = true;
  await watching;
  await until("no connection is open", async () => (await connections()) === 0, 5000).catch(() => {});
  console.log(`connections of ${SESSIONS} live sessions: ${atRest} at rest, ${most} at most while all are refreshed (${REFRESHES} at a time, ${rate}), ${await connections()} afterwards`);
}

async function refresh(browser) {
  const answer = await browser.api("/auth/refresh", { method: "POST" });
  if (answer.status !== 200) throw new Error(`the refresh answered ${answer.status}: ${answer.text}`);
}

async function connections() {
  const [{ count }] = await postgres.query("SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'gateway'");
  return count;
}

async function taking(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function inParallel(width, items, work) {
  const [results, rest] = [[], items.entries()];
  const worker = async () => {
    for (const [i, item] of rest) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

function perSecond(count, began) {
  return `${Math.round((count / (performance.now() - began)) * 1000)} a second`;
}

function shown(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part) => `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(1)} ms`;
  return `${at(0.5)}, ${at(0.95)}`.padStart(24);
}
