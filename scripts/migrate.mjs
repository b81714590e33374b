// Brings the schema of the Postgres at DATABASE_URL up to date with migrations/, and says in one sentence how that came out.
import path from "node:path";
import { runner } from "node-pg-migrate";

const ROOT = path.resolve(import.meta.dirname, "..");
const EXAMPLE = "postgres://owner:password@host/database?sslmode=verify-full";
/** Waiting for a server, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What an operator can do about an error, by its code: Node's, OpenSSL's, or Postgres's SQLSTATE. */
const ADVICE = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, "there is no such host: correct the host in DATABASE_URL"],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/, "nothing answers there: correct host and port in DATABASE_URL, or start the server"],
  [/^(ETIMEDOUT)$/, "no answer came in time: correct host and port in DATABASE_URL, or let this machine through the server's firewall"],
  [/^(28P01|28000)$/, "the server refuses this user: correct user and password in DATABASE_URL, signs in them percent-encoded"],
  [/^3D000$/, "the server has no such database: correct its name in DATABASE_URL, or create it"],
  [/^(42501|25006)$/, "this user may not change the schema: put the database's owner, on its writable server, into DATABASE_URL"],
  [/^(53300|57P03)$/, "the server takes no connection now: try again in a moment"],
  [/CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE/, "the server's certificate is not trusted here: name its authority's file with NODE_EXTRA_CA_CERTS, or correct the host in DATABASE_URL"],
];

function stop(text) {
  console.error(`error: ${text}`);
  process.exit(1);
}

/** The variable as a URL; what is wrong with it is said without quoting it, as there is a password in it. */
function target() {
  const text = process.env.DATABASE_URL ?? "";
  if (!text) stop(`DATABASE_URL is missing: make migrate DATABASE_URL='${EXAMPLE}'`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname) {
    stop(`DATABASE_URL is not the URL of a Postgres database, as in '${EXAMPLE}'; signs like / # ? @ in a password are percent-encoded`);
  }
  return { text, shown: `${url.host}${url.pathname}` };
}

const { text, shown } = target();
const quiet = () => {};
try {
  const done = await runner({
    databaseUrl: { connectionString: text, connectionTimeoutMillis: CONNECT_TIMEOUT_MS },
    dir: path.join(ROOT, "migrations"),
    direction: "up",
    migrationsTable: "migration",
    migrationsSchema: "edge_oauth",
    createMigrationsSchema: true,
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const names = done.map(({ name }) => name).join(", ");
  console.log(names ? `the schema at ${shown} is up to date now: ${names}` : `the schema at ${shown} is up to date: there was nothing to do`);
} catch (error) {
  // Node tries every address of a name, and gives one error for all.
  const first = error.errors?.[0] ?? error;
  const isLate = /timeout/i.test(first.message ?? "");
  const code = first.code ?? (isLate ? "ETIMEDOUT" : "");
  const advice = ADVICE.find(([codes]) => codes.test(code))?.[1];
  const said = first.message || code;
  stop(advice ? `${shown}: ${advice} (${said})` : `${shown}: ${said}`);
}
