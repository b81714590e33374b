// The configuration of plain workerd: the Worker, its variables, and Durable Objects with SQLite on a disk. Pure.
//
// Unlike at Cloudflare there is one machine: no regions, no visitor's place, no bot scores, and no KV or Hyperdrive.

const COMPATIBILITY_DATE = "2026-11-01";
/** The modules of the Worker, by the name that they import each other by, as in its folder; the first is its main module. */
const MODULES = [
  "entry.mjs",
  "answer.mjs",
  "crossing.mjs",
  "edits.mjs",
  "exchange.mjs",
  "metrics.mjs",
  "pack.mjs",
  "stubs.mjs",
  "watch.mjs",
  "build/index.js",
  "build/index_bg.wasm",
];
const CLASSES = { SESSIONS: "SessionActor", DIRECTORY: "RegionDirectory" };

// Strings are written as in JSON, which Cap'n Proto's text format reads alike for what a variable may hold.
const quote = JSON.stringify;
const list = (items) => `[\n    ${items.join(",\n    ")}\n  ]`;

/**
 * The text of a configuration.
 *
 * - `storage`: the folder for sessions
 * - `host`, `port`: where it listens; `variables`: names and values
 * - `behindProxy`: a proxy in front ends TLS, and says the scheme in X-Forwarded-Proto and the client's address in CF-Connecting-IP
 */
export function configuration({ storage, host, port, variables, behindProxy }) {
  const modules = MODULES.map((name) => {
    const type = name.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = ${quote(name)}, ${type} = embed ${quote(`/${name}`)})`;
  });
  const texts = Object.entries(variables).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`);
  const namespaces = Object.entries(CLASSES).map(([name, type]) => `(name = ${quote(name)}, durableObjectNamespace = ${quote(type)})`);
  const objects = Object.values(CLASSES).map((type) => `(className = ${quote(type)}, uniqueKey = ${quote(type)}, enableSql = true)`);
  // Without a proxy a client could say what it likes.
  const http = behindProxy
    ? `(forwardedProtoHeader = "X-Forwarded-Proto")`
    : `(injectRequestHeaders = [(name = "CF-Connecting-IP"), (name = "CF-Ray")])`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    (name = "storage", disk = (path = ${quote(storage)}, writable = true)) ],
  sockets = [(name = "http", address = ${quote(`${host}:${port}`)}, service = "main", http = ${http})] );
const main :Workerd.Worker = (
  compatibilityDate = ${quote(COMPATIBILITY_DATE)},
  compatibilityFlags = ["enable_request_signal"],
  modules = ${list(modules)},
  bindings = ${list([...texts, ...namespaces])},
  durableObjectNamespaces = ${list(objects)},
  durableObjectStorage = (localDisk = "storage") );
`;
}
