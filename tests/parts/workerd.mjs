// Writes the configuration that makes plain workerd run a bundle as Cloudflare would: variables, Durable Objects
// with SQLite on a disk that survives a restart, and a network that includes loopback.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { modules, settings } from "./bundle.mjs";

/** The request header from which workerd takes `request.cf`. */
export const CF_HEADER = "MF-CF-Blob";
/** Its value for these fields, in ASCII. */
export const cf = (fields) =>
  JSON.stringify(fields).replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

const quote = JSON.stringify;
const list = (items) => `[\n    ${items.join(",\n    ")} ]`;

/**
 * Writes `config.capnp` into `folder` and returns its path.
 *
 * - `port`, `tls` (`{ certificateChain, privateKey }`): the gateway's socket
 * - `entry`: JavaScript that becomes the main module, beside the bundle's; it may call `gc()`
 * - `trust`: a certificate authority, as PEM text, that is believed beside the usual ones
 * - `probe`: `{ port, script }`, a second Worker with the gateway bound to it, its entrypoint for other Workers, and its Durable Objects
 * - `services`: service bindings by name, each the script of a Worker
 * - `kv`: the address of what stands behind `SESSION_KV`; `hyperdrive`: `{ address, database, user, password }`, what stands
 *   behind `SESSION_DB`
 */
export async function writeConfiguration({ bundle, folder, port, tls, vars, entry, probe, services = {}, kv, hyperdrive, trust }) {
  const { compatibility_date, compatibility_flags, durable_objects, migrations, vars: defaults } = await settings(bundle);
  const storage = path.join(folder, "storage");
  mkdirSync(storage, { recursive: true });
  const all = modules(bundle);
  for (const { name, file } of all) copyFileSync(file, path.join(folder, name));
  if (entry) {
    writeFileSync(path.join(folder, "wrapper.js"), entry);
    all.unshift({ name: "wrapper.js", type: "esModule" });
  }

  const sql = new Set((migrations ?? []).flatMap((migration) => migration.new_sqlite_classes ?? []));
  const objects = durable_objects?.bindings ?? [];
  const classes = [...new Set(objects.map(({ class_name }) => class_name))];
  const text = Object.entries({ ...defaults, ...vars }).map(([name, value]) =>
    typeof value === "string"
      ? `(name = ${quote(name)}, text = ${quote(value)})`
      : `(name = ${quote(name)}, json = ${quote(JSON.stringify(value))})`,
  );
  const namespaces = (service) =>
    objects.map(({ name, class_name }) => {
      const designator = service ? `(className = ${quote(class_name)}, serviceName = ${quote(service)})` : quote(class_name);
      return `(name = ${quote(name)}, durableObjectNamespace = ${designator})`;
    });
  const stores = [];
  if (kv) stores.push(`(name = "SESSION_KV", kvNamespace = "kv")`);
  if (hyperdrive) {
    const { database, user, password } = hyperdrive;
    const login = `database = ${quote(database)}, user = ${quote(user)}, password = ${quote(password)}`;
    stores.push(`(name = "SESSION_DB", hyperdrive = (designator = "database", ${login}, scheme = "postgresql"))`);
  }
  const external = [
    kv && `(name = "kv", external = (address = ${quote(kv)}, http = ()))`,
    hyperdrive && `(name = "database", external = (address = ${quote(hyperdrive.address)}, tcp = ()))`,
  ].filter(Boolean);
  const compatibility = `compatibilityDate = ${quote(compatibility_date)},
  compatibilityFlags = [${(compatibility_flags ?? []).map(quote).join(", ")}]`;
  const http = `(cfBlobHeader = "${CF_HEADER}")`;
  const socket = tls
    ? `https = (options = ${http}, tlsOptions = (keypair = (privateKey = ${quote(tls.privateKey)},
      certificateChain = ${quote(tls.certificateChain)})))`
    : `http = ${http}`;
  const probeSocket = probe ? `,\n    (name = "probe", address = "127.0.0.1:${probe.port}", service = "probe", http = ())` : "";

  const bound = Object.keys(services);

  const file = path.join(folder, "config.capnp");
  writeFileSync(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true${trust ? `, trustedCertificates = [${quote(trust)}]` : ""}))),
    (name = "disk", disk = (path = ${quote(storage)}, writable = true))${probe ? `,\n    (name = "probe", worker = .probe)` : ""}${bound
      .map((name) => `,\n    (name = "service-${name}", worker = .service${name.toLowerCase()})`)
      .join("")}${external.map((service) => `,\n    ${service}`).join("")} ],
  sockets = [
    (name = "gateway", address = "127.0.0.1:${port}", service = "main", ${socket})${probeSocket} ]${entry ? `,
  v8Flags = ["--expose-gc"]` : ""} );
const main :Workerd.Worker = (
  ${compatibility},
  modules = ${list(all.map(({ name, type }) => `(name = ${quote(name)}, ${type} = embed ${quote(name)})`))},
  bindings = ${list([...text, ...stores, ...namespaces(), ...bound.map((name) => `(name = ${quote(name)}, service = "service-${name}")`)])},
  durableObjectNamespaces = ${list(
    classes.map((name) => `(className = ${quote(name)}, uniqueKey = ${quote(`test-${name}`)}, enableSql = ${sql.has(name)})`),
  )},
  durableObjectStorage = (localDisk = "disk") );
${probe ? worker("probe", probe.script, compatibility, [...namespaces("main"), `(name = "GATEWAY", service = "main")`, `(name = "ENTRYPOINT", service = (name = "main", entrypoint = "Sessions"))`]) : ""}
${bound.map((name) => worker(`service${name.toLowerCase()}`, services[name], compatibility, [])).join("\n")}`,
  );
  return file;
}

const worker = (name, script, compatibility, bindings) => `const ${name} :Workerd.Worker = (
  ${compatibility},
  modules = [(name = "worker.js", esModule = ${quote(script)})],
  bindings = ${list(bindings)} );
`;
