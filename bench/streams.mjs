// What open streams cost: `make bench-streams`. So many sessions each have an application's WebSocket open, over which the gateway watches.
// Printed are the memory and the processor time that they take while nothing happens, and how long after an administrator's revocation a
// stream is closed. All of it on this machine: what the network adds is to be added.
import { administer } from "../tests/parts/administration.mjs";
import { cookieOf } from "../tests/parts/places.mjs";
import { sleep } from "../tests/parts/process.mjs";
import { echoWebSockets, openWebSocket } from "../tests/parts/websocket.mjs";
import { createWorld } from "../tests/parts/world.mjs";
import { cpu, memory } from "./processes.mjs";

const number = (name, value) => Number(process.env[name] ?? value);
const [SESSIONS, REVOKED, IDLE, AT_ONCE] = [number("SESSIONS", 1000), number("REVOKED", 100), number("IDLE_SECONDS", 60), 20];
/** Actors are put to sleep after 10 s. */
const ASLEEP = 15_000;
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const world = await createWorld(undefined, { hostile: { accessTokenSeconds: 3600 }, vars: { STREAM_CHECK_SECONDS: "600", SESSIONS_PER_USER: "0" } });
echoWebSockets(world.upstream);
const { pid, origin } = world.gateway;
const streams = [];
await inParallel(SESSIONS, async () => {
  const browser = await world.login();
  streams.push({ browser });
});
await sleep(ASLEEP);
const before = memory(pid);
await inParallel(SESSIONS, async (index) => {
  const { browser } = streams[index];
  streams[index].socket = await openWebSocket(origin, "/socket", [`cookie: ${browser.sessionHeader}`, `origin: ${origin}`]);
  streams[index].socket.socket.setTimeout(0);
});
await sleep(ASLEEP);
const open = memory(pid);
const [busy, began] = [cpu(pid), performance.now()];
await sleep(IDLE * 1000);
const share = (cpu(pid) - busy) / ((performance.now() - began) * 1000);
console.log(`${SESSIONS} streams of ${SESSIONS} sessions: ${mib(open - before)} more, ${((open - before) / SESSIONS / 1024).toFixed(1)} KiB a stream`);
console.log(`while nothing happens for ${IDLE} s: ${(share * 100).toFixed(2)} % of a core`);

const times = [];
for (const { browser, socket } of streams.slice(0, REVOKED)) {
  const since = performance.now();
  const revoked = administer(world.gateway, `/sessions/${cookieOf(browser).actor}`, { method: "DELETE" });
  const { code } = await socket.closed;
  if (code !== 4401) throw new Error(`a stream was closed with ${code}`);
  times.push(performance.now() - since);
  await revoked;
}
times.sort((one, other) => one - other);
console.log(`from a revocation to the closed stream: ${times[times.length >> 1].toFixed(0)} ms (median), ${times.at(-1).toFixed(0)} ms (worst of ${REVOKED})`);
for (const { socket } of streams) socket.socket.destroy();
await world.close();
process.exit(0);

async function inParallel(count, work) {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) await work(next++);
  }));
}
