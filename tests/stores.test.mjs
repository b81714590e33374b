// The same tests of a session on each store: the actor's own storage, a stand-in for Workers KV, a real Postgres, directly and
// through a pooler.
import { after, before, describe, test } from "node:test";
import { startKv } from "./parts/kv.mjs";
import { startPgBouncer } from "./parts/pgbouncer.mjs";
import { startPostgres } from "./parts/postgres.mjs";
import { sessionTests } from "./parts/sessions.mjs";

const stand = {};
before(async () => {
  stand.postgres = await startPostgres();
  stand.pooler = await startPgBouncer(stand.postgres);
});
after(async () => {
  await stand.pooler.close();
  await stand.postgres.close();
});

/** A database of its own, through the pooler. */
async function pooledUrl() {
  const { name } = await stand.postgres.database();
  return stand.postgres.urlOf(name, { port: stand.pooler.port });
}

const stores = [
  sessionTests("durable", async () => ({ vars: { STATE_KEYS: undefined } })),
  sessionTests("kv", async (t) => {
    const kv = await startKv();
    t.after(() => kv.close());
    return { kv: kv.address, operations: () => kv.puts.length + kv.gets.length };
  }),
  sessionTests("neon", async () => ({ vars: { DATABASE_URL: (await stand.postgres.database()).url } })),
  sessionTests("neon", async () => ({ vars: { DATABASE_URL: await pooledUrl() } }), "neon through PgBouncer in transaction mode"),
];

describe("stores", { concurrency: 3 }, () => {
  for (const [title, body] of stores.flat()) test(title, body);
});
