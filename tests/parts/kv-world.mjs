// A gateway whose sessions are in a stand-in for Workers KV.
import { actorOf } from "./actors.mjs";
import { INSTRUMENTS, setAlarmsWithin, setClockAhead } from "./instruments.mjs";
import { startKv } from "./kv.mjs";
import { sleep, until } from "./process.mjs";
import { headerOf } from "./records.mjs";
import { inspect } from "./sessions.mjs";
import { createWorld } from "./world.mjs";

/** How long an access token lives, in seconds. */
const LIFE = 3600;
/** Past the time in which the actor keeps a copy, in seconds. */
export const SETTLED = 130;

/** Starts a world: what createWorld gives, and `kv`. */
export async function createKvWorld(t, { vars, hostile, ...more } = {}) {
  const kv = await startKv();
  t.after(() => kv.close());
  const world = await createWorld(t, {
    hostile: { accessTokenSeconds: LIFE, ...hostile },
    entry: INSTRUMENTS,
    kv: kv.address,
    // A use is written down when the last one is older than a twentieth of it.
    vars: { SESSION_STORE: "kv", SESSION_IDLE_SECONDS: "2000", ...vars },
    ...more,
  });
  return { ...world, kv };
}

/** The key of a browser's session. */
export const keyOf = (browser) => `session/${actorOf(browser.session)}`;
/** What KV has of it. */
export const recordOf = (kv, browser) => kv.values.get(keyOf(browser)).value;
/** Waits until KV has the last write of it. */
export const latest = (kv, browser, gateway) =>
  until("KV has the last write", async () => {
    const { generation } = await inspect(gateway, actorOf(browser.session));
    return kv.values.has(keyOf(browser)) && headerOf(recordOf(kv, browser)).generation === generation;
  });

/** Time passes until KV alone has the sessions' records. */
export async function handOver({ gateway, kv, token }, browsers) {
  await sleep(2500); // the spacing of writes keeps to the gateway's clock, the stand-in to the machine's
  await setAlarmsWithin(gateway, 100);
  await setClockAhead(gateway, SETTLED);
  const reads = kv.gets.length;
  // A use is written, and with it the alarm is set.
  for (const browser of browsers) await token(browser);
  await sleep(300);
  for (const browser of browsers) await latest(kv, browser, gateway);
  await setClockAhead(gateway, 2 * SETTLED);
  await until("every record was read back", () => browsers.every((browser) => kv.gets.slice(reads).includes(keyOf(browser))), 8000);
  await sleep(1200);
}

/** Has the record of a browser's session written once more, so that its actor reads it back when the clock is set on once more. */
export async function writeOnceMore({ gateway, kv, token }, browser) {
  await latest(kv, browser, gateway);
  await sleep(2500);
  await setAlarmsWithin(gateway, 100);
  await setClockAhead(gateway, SETTLED);
  await token(browser); // a use is written, and with it the alarm is set
  await latest(kv, browser, gateway);
}
