// A stand-in for Workers KV, which is a remote service: it speaks what workerd speaks to one, keeps its limits, and does
// what the real one may do and a local one never does: it is stale, slow, or fails.
import { createServer } from "node:http";
import { sleep } from "./process.mjs";

/** The shortest expiry in seconds, and the shortest time between two writes of a key in milliseconds. */
const LEAST_EXPIRY = 60;
const SPACING = 1000;

/**
 * Starts it and resolves to a `Kv`:
 * - `values`: key to `{ value, expiration }`; `puts`: every write that was taken: `{ key, value, expiration, at }`
 * - `refused`: what was asked against its limits
 * - `failing` (a status), `delay` (milliseconds), `frozen` (reads see what was there then): set as a test likes
 * - `gate(method, take)`: answers in its place; `take()` does what was asked and gives the answer
 */
export async function startKv() {
  const kv = new Kv();
  await new Promise((resolve) => kv.server.listen(0, "127.0.0.1", resolve));
  return kv;
}

/** Holds up the next write until `release`; `arrived` once it is here. Others pass. */
export function holdNextWrite(kv) {
  const [arrival, released] = [Promise.withResolvers(), Promise.withResolvers()];
  let isNext = true;
  kv.gate = async (method, take) => {
    if (method === "PUT" && isNext) {
      isNext = false;
      arrival.resolve();
      await released.promise;
    }
    return take();
  };
  return { arrived: arrival.promise, release: released.resolve };
}

class Kv {
  values = new Map();
  puts = [];
  gets = [];
  refused = [];
  failing = 0;
  delay = 0;
  gate = undefined;
  #frozen;

  server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://kv");
    const key = decodeURIComponent(url.pathname.slice(1));
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    await sleep(this.delay);
    if (this.failing) return response.writeHead(this.failing).end("the stand-in fails");
    const take = () => this[`_${request.method}`]?.(key, Buffer.concat(pieces), url.searchParams) ?? 405;
    const status = await (this.gate ? this.gate(request.method, take) : take());
    if (Buffer.isBuffer(status)) response.writeHead(200).end(status);
    else response.writeHead(status).end();
  });

  /** What workerd is to connect to. */
  get address() {
    return `127.0.0.1:${this.server.address().port}`;
  }

  set frozen(frozen) {
    this.#frozen = frozen ? new Map(this.values) : undefined;
  }

  _GET(key) {
    this.gets.push(key);
    const found = (this.#frozen ?? this.values).get(key);
    return found && found.expiration > Date.now() / 1000 ? found.value : 404;
  }

  _PUT(key, value, query) {
    const last = this.puts.findLast((put) => put.key === key);
    const expiration = Number(query.get("expiration") ?? Infinity);
    const at = Date.now();
    if (last && at - last.at < SPACING) return this.#refuse(429, `${key}: ${at - last.at} ms after the last write`);
    if (expiration < at / 1000 + LEAST_EXPIRY) return this.#refuse(400, `${key}: expires too soon`);
    this.values.set(key, { value, expiration });
    this.puts.push({ key, value, expiration, at });
    return 200;
  }

  _DELETE(key) {
    this.values.delete(key);
    return 200;
  }

  #refuse(status, why) {
    this.refused.push(why);
    return status;
  }

  close() {
    return new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }
}
