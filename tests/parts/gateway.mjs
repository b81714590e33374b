// The product, running: plain workerd on the bundle that would be deployed, on a free loopback port.
import { readFileSync } from "node:fs";
import path from "node:path";
import { RELEASE } from "./bundle.mjs";
import { certificate } from "./certificate.mjs";
import { request } from "./http.mjs";
import { BIN, freePort, kill9, removeFolder, start, stop, temporaryFolder, until } from "./process.mjs";
import { writeConfiguration } from "./workerd.mjs";

export const ADMIN_TOKEN = "admin-token-admin-token-admin-token-1";
/** What a browser sends when it opens a page. */
export const NAVIGATION = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", accept: "text/html" };
/** One AES-256 key under the id `a`, as STATE_KEYS wants it. */
export const STATE_KEYS = `a:${Buffer.alloc(32, 7).toString("base64url")}`;

/**
 * Starts the gateway.
 *
 * - `vars`: variables beside, or instead of, the defaults; `undefined` takes one away
 * - `provider`: `{ issuer, clientId, clientSecret }`; `upstream`: `{ origin }`
 * - `https`: serve TLS with a certificate of our own; `host`: the name in PUBLIC_ORIGIN
 * - `bundle`, `entry`, `probe`, `services`, `kv`, `hyperdrive`, `trust`: see workerd.mjs
 */
export async function startGateway({ vars = {}, provider, upstream, https = false, host = "127.0.0.1", ...more }) {
  const gateway = new Gateway({ https, host, ...more });
  gateway.port = more.port ?? (await freePort());
  const defaults = {
    PROVIDER: "oidc",
    OIDC_ISSUER: provider?.issuer,
    OIDC_CLIENT_ID: provider?.clientId,
    OIDC_CLIENT_SECRET: provider?.clientSecret,
    PUBLIC_ORIGIN: gateway.origin,
    UPSTREAM: upstream?.origin,
    STATE_KEYS,
    ADMIN_TOKEN,
    ADMIN_ORIGIN: gateway.adminOrigin,
  };
  const given = Object.entries({ ...defaults, ...vars }).filter(([, value]) => value !== undefined);
  gateway.vars = Object.fromEntries(given);
  await gateway.start();
  return gateway;
}

class Gateway {
  #folder = temporaryFolder();
  #child;
  #before = "";

  constructor({ https, host, bundle = RELEASE, entry, probe, services, kv, hyperdrive, trust }) {
    Object.assign(this, { https, host, bundle, entry, probe, services, kv, hyperdrive, trust });
    this.tls = https ? certificate() : undefined;
    this.ca = this.tls?.ca;
  }

  get origin() {
    return `${this.https ? "https" : "http"}://${this.host}:${this.port}`;
  }

  /** Where the console is: browsers find `*.localhost` on this machine. */
  get adminOrigin() {
    return `${this.https ? "https" : "http"}://admin.localhost:${this.port}`;
  }

  /** The cookies' names at this origin: plain http has another prefix, and COOKIE_PREFIX stands behind it. */
  get cookie() {
    const prefix = `${this.https ? "__Host-Http-" : "edge-"}${this.vars?.COOKIE_PREFIX ?? ""}`;
    return { session: `${prefix}session`, clearance: `${prefix}clearance`, login: new RegExp(`^${prefix}login-[0-9a-f]{8}$`) };
  }

  async start() {
    const { bundle, port, tls, vars, entry, probe, services, kv, hyperdrive, trust } = this;
    const folder = this.#folder;
    const given = { bundle, folder, port, tls, vars, entry, probe, services, kv, hyperdrive, trust };
    const file = await writeConfiguration(given);
    this.#child = start(path.join(BIN, "workerd"), ["serve", "--experimental", file], { cwd: this.#folder });
    const child = this.#child;
    let over = false;
    child.gone.then(() => {
      over = true;
    });
    await until("workerd answers", async () => {
      if (over) throw new Error(`workerd ended:\n${child.output.slice(-4000)}`);
      return request(`${this.origin}/auth/healthz`, { ca: this.ca, limit: 5000 }).catch(() => undefined);
    });
  }

  async stop() {
    await stop(this.#child);
  }

  /** Stops, and nothing is left of it. */
  async close() {
    await this.stop();
    removeFolder(this.#folder);
  }

  /** The process of workerd. */
  get pid() {
    return this.#child.pid;
  }

  /** The memory that workerd has in use, in bytes. */
  get memory() {
    const [, pages] = readFileSync(`/proc/${this.#child.pid}/statm`, "utf8").split(" ");
    return Number(pages) * 4096;
  }

  /** A crash: no handler runs, nothing is written any more. */
  async kill9() {
    await kill9(this.#child);
  }

  /** Starts again, on the same storage and port. */
  async restart() {
    await this.stop();
    this.#before += this.#child.output;
    await this.start();
  }

  /** Everything that was printed. */
  get log() {
    return this.#before + (this.#child?.output ?? "");
  }

  /** The event log: one JSON object a line. */
  get events() {
    const objects = this.log.split("\n").filter((line) => line.startsWith("{"));
    return objects.flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return []; // a line that is still being written
      }
    });
  }

  /** The events of this name. */
  eventsOf(event) {
    return this.events.filter((line) => line.event === event);
  }

  /** Waits for an event. */
  untilEvent(event, matches = () => true, ms) {
    return until(`the log has ${event}`, () => this.eventsOf(event).find(matches), ms);
  }

  /** What a browser without cookies gets that opens this address; nothing is followed. */
  visit(target, { headers, ...options } = {}) {
    return this.request(target, { headers: { ...NAVIGATION, ...headers }, ...options });
  }

  /** The same to the administrators' host, which not every system's resolver finds. */
  atConsole(target, { headers, ...options } = {}) {
    return this.request(target, { headers: { host: new URL(this.adminOrigin).host, ...headers }, ...options });
  }

  /** A request to the gateway, without a browser's headers. */
  request(target, options = {}) {
    return request(`${this.origin}${target}`, { ca: this.ca, ...options });
  }
}
