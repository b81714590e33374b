// A main module around the bundle's that shows and turns what a test could not reach otherwise: it counts the calls
// to Durable Object storage, and moves the isolate's clock. The product's code runs unchanged below it.

/** What to give a gateway as `entry`. */
export const INSTRUMENTS = `
import bundle, * as exported from "./entry.js";
export * from "./entry.js";

let ahead = 0;
let alarmsWithin;
const now = Date.now;
Date.now = () => now() + ahead;

let actors = 0;
const counts = {};
const wrapped = new Set();
function count(name, object) {
  const prototype = object && Object.getPrototypeOf(object);
  if (!prototype || wrapped.has(prototype)) return;
  wrapped.add(prototype);
  for (const key of Object.getOwnPropertyNames(prototype)) {
    const { value } = Object.getOwnPropertyDescriptor(prototype, key);
    if (typeof value !== "function" || key === "constructor") continue;
    prototype[key] = function (...args) {
      if (key === "setAlarm" && alarmsWithin !== undefined) args[0] = new Date(now() + alarmsWithin);
      counts[name + "." + key] = (counts[name + "." + key] ?? 0) + 1;
      return value.apply(this, args);
    };
  }
}

export class SessionActor extends exported.SessionActor {
  constructor(state, env) {
    count("storage", state.storage);
    count("sql", state.storage.sql);
    count("kv", state.storage.kv);
    actors += 1;
    super(state, env);
  }
}

export default {
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/__instruments/storage") return Response.json(counts);
    if (pathname === "/__instruments/actors") return Response.json(actors);
    if (pathname === "/__instruments/clock") {
      ahead = Number(searchParams.get("ahead")) * 1000;
      return Response.json({ ahead });
    }
    if (pathname === "/__instruments/alarms") {
      alarmsWithin = Number(searchParams.get("within"));
      return Response.json({ alarmsWithin });
    }
    return bundle.fetch(request, env, context);
  }
}
`;

/** How many calls storage has had so far, in all. */
export async function storageCalls(gateway) {
  const counts = (await gateway.request("/__instruments/storage")).json();
  return { counts, total: Object.values(counts).reduce((sum, count) => sum + count, 0) };
}

/** How many session actors have come to be so far. */
export const actorCount = async (gateway) => (await gateway.request("/__instruments/actors")).json();

/** From now on every alarm that is set fires so many milliseconds later, whatever it was set to. */
export const setAlarmsWithin = (gateway, ms) => gateway.request(`/__instruments/alarms?within=${ms}`);

/** Sets the gateway's clock this many seconds ahead of the machine's. Alarms keep to the machine's. */
export const setClockAhead = (gateway, seconds) => gateway.request(`/__instruments/clock?ahead=${seconds}`);
