// A real PgBouncer, Debian's, in front of a test's Postgres: a pooler in transaction mode, where each transaction may meet
// another server connection.
import { chownSync, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { owner } from "./postgres.mjs";
import { freePort, removeFolder, start, stop, temporaryFolder, until } from "./process.mjs";

const PROGRAM = "/usr/sbin/pgbouncer";

/**
 * Starts one for everything in the server `postgres`, with at most `pool` server connections for each database. Resolves to
 * `{ port, close() }`.
 */
export async function startPgBouncer(postgres, { pool = 2 } = {}) {
  if (!existsSync(PROGRAM)) throw new Error("PgBouncer is missing: run scripts/install.sh database");
  const folder = temporaryFolder();
  const port = await freePort();
  const { login } = postgres;
  const users = path.join(folder, "users.txt");
  writeFileSync(users, `"${login.user}" "${login.password}"\n`);
  const file = path.join(folder, "pgbouncer.ini");
  writeFileSync(
    file,
    `[databases]
* = host=127.0.0.1 port=${postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
admin_users = ${login.user}
pool_mode = transaction
default_pool_size = ${pool}
`,
  );
  const user = owner();
  if (user.uid) for (const name of [folder, users, file]) chownSync(name, user.uid, user.gid);
  const child = start(PROGRAM, [file], { cwd: folder, user });
  const address = { host: "127.0.0.1", port, ...login, database: "pgbouncer" };
  await until("PgBouncer answers", () => answers(address), 20_000);
  return {
    port,
    close: async () => {
      await stop(child);
      removeFolder(folder);
    },
  };
}

/** Whether its console does, which speaks the simple protocol alone. */
async function answers(address) {
  const client = new pg.Client(address);
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query("SHOW VERSION")).rows.length > 0;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
