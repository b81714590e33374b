// Counts requests in Workers Analytics Engine, where the binding METRICS is: docs/metrics.md has the columns. src/platform/metrics.rs
// counts what happens to sessions.

/** One request of so many is counted. */
const ONE_OF = 10;

/** Whether this request is counted. */
export const isCounted = (env) => env.METRICS !== undefined && Math.random() * ONE_OF < 1;

/** Counts a request once it is answered, and hands the answer on. `serve` serves it, and notes the times of others. */
export async function counted(dataset, { method }, release, serve) {
  const began = Date.now();
  const times = { replied: 0, answered: 0 };
  const response = await serve(times);
  const { replied, answered } = times;
  const ofSession = replied === 0 ? 0 : replied - began;
  const ofApplication = answered === 0 ? 0 : answered - (replied || began);
  dataset.writeDataPoint({
    indexes: ["request"],
    blobs: ["request", String(response.status), method, "", "", release],
    doubles: [Date.now() - began, ofSession, ofApplication, ONE_OF],
  });
  return response;
}
