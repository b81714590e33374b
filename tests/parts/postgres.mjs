// A real Postgres, Debian's, on a free loopback port, with the product's schema in each of its databases.
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, readdirSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { BIN, freePort, kill9, ROOT, start, stop, temporaryFolder, until } from "./process.mjs";

const PASSWORD = "p@ss word/with:signs";

/** The folder of the newest server's programs. */
function programs() {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root) : [];
  const newest = versions.toSorted((a, b) => b - a).find((version) => existsSync(path.join(root, version, "bin/postgres")));
  if (!newest) throw new Error("Postgres is missing: run scripts/install.sh database");
  return path.join(root, newest, "bin");
}

/** Postgres and PgBouncer refuse to run as root: then they run as the user that Postgres's package has made. */
export function owner() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Starts a server. `settings` are those of postgresql.conf; `tls` is a certificate of certificate.mjs. */
export async function startPostgres({ settings = {}, tls } = {}) {
  const server = new Postgres(settings);
  await server.init(tls);
  await server.start();
  await server.query("CREATE ROLE gateway LOGIN PASSWORD '" + PASSWORD + "'");
  await server.query("CREATE DATABASE template_gateway OWNER gateway");
  migrate(server.urlOf("template_gateway"));
  return server;
}

/** What `make migrate` runs. */
export function migrate(url) {
  const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}`, DATABASE_URL: url };
  return execFileSync("bash", [path.join(ROOT, "scripts/migrate.sh")], { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

class Postgres {
  #folder = temporaryFolder();
  #data = path.join(this.#folder, "data");
  #user = owner();
  #bin = programs();
  #settings;
  #databases = 0;

  constructor(settings) {
    this.#settings = settings;
  }

  async init(tls) {
    if (this.#user.uid) chownSync(this.#folder, this.#user.uid, this.#user.gid);
    this.port = await freePort();
    const run = (program, args) => execFileSync(path.join(this.#bin, program), args, { ...this.#user, cwd: this.#folder, stdio: "pipe" });
    run("initdb", ["-D", this.#data, "-U", "postgres", "--auth=scram-sha-256", "--auth-local=trust", "--no-sync", "-E", "UTF8"]);
    if (tls) {
      const { writeFileSync, chmodSync } = await import("node:fs");
      for (const [name, text] of Object.entries({ "server.crt": tls.certificateChain, "server.key": tls.privateKey })) {
        const file = path.join(this.#data, name);
        writeFileSync(file, text);
        chmodSync(file, 0o600);
        if (this.#user.uid) chownSync(file, this.#user.uid, this.#user.gid);
      }
      this.#settings.ssl = "on";
    }
  }

  async start() {
    const defaults = {
      port: this.port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: this.#folder,
      fsync: "off",
      max_connections: 40,
      shared_buffers: "16MB",
    };
    const settings = Object.entries({ ...defaults, ...this.#settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    this.child = start(path.join(this.#bin, "postgres"), ["-D", this.#data, ...settings], { cwd: this.#folder, user: this.#user });
    await until("Postgres answers", () => this.query("SELECT 1").catch(() => undefined), 20_000);
  }

  /** As root of the database, over its Unix socket. */
  async query(text, { database = "postgres", values } = {}) {
    const client = new pg.Client({ host: this.#folder, port: this.port, user: "postgres", database });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** What DATABASE_URL is for this database, through `port` where something stands between. */
  urlOf(database, { port = this.port, host = "127.0.0.1", password = PASSWORD, query = "" } = {}) {
    return `postgres://gateway:${encodeURIComponent(password)}@${host}:${port}/${database}${query}`;
  }

  /** Who the gateway logs in as. */
  get login() {
    return { user: "gateway", password: PASSWORD };
  }

  /** A database of its own with the schema in it: `{ name, url, query(text, values) }`. */
  async database() {
    const name = `gateway_${(this.#databases += 1)}`;
    await this.query(`CREATE DATABASE ${name} TEMPLATE template_gateway OWNER gateway`);
    const query = (text, values) => this.query(text, { database: name, values });
    return { name, url: this.urlOf(name), login: { database: name, ...this.login }, query };
  }

  /** Fast shutdown: every connection is ended. */
  async stop() {
    this.child.kill("SIGINT");
    await this.child.gone;
  }

  async close() {
    await stop(this.child);
    await kill9(this.child);
  }
}
