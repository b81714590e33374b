// Time limits of requests that wait. A timer for each request is dear: one watch looks once a second at all who wait.

/** How long a watch goes on, in ms: the platform ends what a request left behind some 30 s after its answer. */
const LIFE = 20_000;
/** Wakes a request whose time may be over. It makes its Response in its own context. */
export const WOKEN = Symbol("woken");

/**
 * The requests that wait: themselves, or a WeakRef of one that has no time limit for now, or a long one. Each has `due`, `resolve`, and the number
 * of its place here, `slot`. (A Set in place of this costs a fifth more memory, and longer pauses to collect it.)
 */
const slots = [];
const free = [];
let lookedAt = 0;
let latest = 0;

/** Begins to watch a request, by a reference to it. The watch runs in the context of one of them. */
export function watchOver(request, reference, context) {
  // A watch that has not looked for some seconds ended with its request.
  if (Date.now() - lookedAt > 3000) context.waitUntil(watch());
  request.slot = free.length > 0 ? free.pop() : slots.length;
  slots[request.slot] = reference;
}

/** Ends it. */
export function release(request) {
  if (request.slot < 0) return;
  clear(request.slot);
  request.slot = -1;
}

function clear(slot) {
  slots[slot] = undefined;
  free.push(slot);
}

async function watch() {
  latest += 1;
  const mine = latest;
  const end = Date.now() + LIFE;
  do {
    lookedAt = Date.now();
    wake((request) => request.due <= lookedAt);
    await scheduler.wait(1000);
    // After a pause of the machine there may be another watch.
    if (mine !== latest) return;
  } while (Date.now() < end);
  lookedAt = 0;
  // A request that still waits begins the next watch.
  wake(() => true);
}

function wake(isToWake) {
  for (let slot = 0; slot < slots.length; slot += 1) {
    if (slots[slot] === undefined) continue;
    const request = slots[slot].deref();
    if (request === undefined) {
      clear(slot);
    } else if (isToWake(request)) {
      release(request);
      request.resolve(WOKEN);
    }
  }
}
