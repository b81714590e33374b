// The load of `make bench`, in a process of its own: so many connections, each with one request at a time, for so long. What it
// is asked and what it answers are messages of its parent's.
import { Pool } from "undici";

/** A request that takes longer is an error. */
const LIMIT = 10_000;

process.on("message", async (order) => process.send(await run(order)));
process.on("disconnect", () => process.exit());
process.send("ready");

/**
 * Sends `requests` (`{ path, method, headers, body }`) in turn over `connections` for `seconds`, or each of them once where
 * `seconds` is missing. `status` is the one that is right. Resolves to `{ count, wrong, seconds, p50, p99 }`,
 * times in milliseconds; `wrong` is what else came, a status or an error each.
 */
async function run({ origin, requests, connections, seconds, status }) {
  // A contestant over TLS has a certificate of its own.
  const connect = origin.startsWith("https:") ? { rejectUnauthorized: false } : undefined;
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: LIMIT, bodyTimeout: LIMIT, connect });
  const times = [];
  const wrong = [];
  let next = 0;
  const began = performance.now();
  const end = began + (seconds ?? 600) * 1000;
  const over = () => (seconds === undefined ? next >= requests.length : performance.now() >= end);
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (!over()) {
        const request = requests[next++ % requests.length];
        const sent = performance.now();
        const got = await send(pool, request).catch((error) => error.message);
        times.push(performance.now() - sent);
        if (got !== status) wrong.push(got);
      }
    }),
  );
  const took = (performance.now() - began) / 1000;
  await pool.destroy();
  times.sort((one, other) => one - other);
  const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
  return { count: times.length, wrong, seconds: took, p50: at(0.5), p99: at(0.99) };
}

/** Sends one request; resolves to its status when the last byte has come, with the text of a failure. */
function send(pool, request) {
  return new Promise((resolve, reject) => {
    let status;
    let text = "";
    pool.dispatch(request, {
      onRequestStart() {},
      onResponseStart(_, code) {
        status = code;
      },
      onResponseData(_, bytes) {
        if (status >= 500) text += bytes;
      },
      onResponseEnd() {
        resolve(text === "" ? status : `${status} ${text.slice(0, 500)}`);
      },
      onResponseError(_, error) {
        reject(error);
      },
    });
  });
}
