// Time limits of requests that wait. A timer for each request is dear: one watch looks once a second at all who wait.

/** How long a watch goes on, in ms: the platform ends what a request left behind some 30 s after its answer. */
const LIFE = 20_000;
/** What a request hears whose time may be over. It answers in its own context, where its Response has to be made. */
export const WOKEN = Symbol("woken");

/** The requests that wait, by `reference`: themselves, or a WeakRef of one that has no time limit for now. Each has `due` and `resolve`. */
const waiting = new Set();
let lookedAt = 0;
let latest = 0;

/** Begins to watch a request. The watch runs in the context of one of them. */
export function watchOver(reference, context) {
  // A watch that has not looked for some seconds ended with its request.
  if (Date.now() - lookedAt > 3000) context.waitUntil(watch());
  waiting.add(reference);
}

/** Ends it. */
export function release(reference) {
  waiting.delete(reference);
}

async function watch() {
  latest += 1;
  const mine = latest;
  const end = Date.now() + LIFE;
  do {
    lookedAt = Date.now();
    for (const reference of waiting) {
      const request = reference.deref();
      if (request === undefined || request.due <= lookedAt) wake(reference, request);
    }
    await scheduler.wait(1000);
    // After a pause of the machine there may be another watch.
    if (mine !== latest) return;
  } while (Date.now() < end);
  lookedAt = 0;
  // A request that still waits begins the next watch.
  for (const reference of waiting) wake(reference, reference.deref());
}

function wake(reference, request) {
  waiting.delete(reference);
  request?.resolve(WOKEN);
}
