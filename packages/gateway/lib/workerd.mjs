// The configuration of plain workerd: the Worker, its variables, and Durable Objects with SQLite on a disk. Pure.
//
// Unlike at Cloudflare there is one machine: no regions, no visitor's place, no bot scores, and no KV or Hyperdrive.

import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS } from "./compatibility.mjs";

const CLASSES = { SESSIONS: "SessionActor", DIRECTORY: "RegionDirectory" };

// Strings are written as in JSON, which Cap'n Proto's text format reads alike for what a variable may hold.
const quote = JSON.stringify;
const list = (items) => `[\n    ${items.join(",\n    ")}\n  ]`;

/**
 * The text of a configuration.
 *
 * - `modules`: the Worker's, by the name that they import each other by; the first is its main module
 * - `storage`: the folder for sessions
 * - `host`, `port`: where it listens; `variables`: names and values
 * - `behindProxy`: a proxy in front ends TLS, and says the scheme in X-Forwarded-Proto and the client's address in CF-Connecting-IP
 */
export function configuration({ modules, storage, host, port, variables, behindProxy }) {
  const embedded = modules.map((name) => {
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
  compatibilityFlags = ${list(COMPATIBILITY_FLAGS.map(quote))},
  modules = ${list(embedded)},
  bindings = ${list([...texts, ...namespaces])},
  durableObjectNamespaces = ${list(objects)},
  durableObjectStorage = (localDisk = "storage") );
`;
}
