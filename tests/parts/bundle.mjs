// What `make bundle` has written, and the wrangler configuration it belongs to: modules, Durable Object classes,
// compatibility date. Whatever is added to wrangler.toml comes along into the tests.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./process.mjs";

/** The bundle that would be deployed. */
export const RELEASE = { folder: path.join(ROOT, "build/bundle"), config: path.join(ROOT, "wrangler.toml") };
/** The one with the cargo feature deliberate-panic. */
export const PANIC = {
  folder: path.join(ROOT, "target/panic/bundle"),
  config: path.join(ROOT, "target/panic/wrangler.toml"),
};

const TYPES = { ".js": "esModule", ".mjs": "esModule", ".wasm": "wasm", ".html": "text", ".txt": "text", ".sql": "text" };

/** Whether a bundle has been made. */
export const exists = ({ folder }) => existsSync(path.join(folder, "entry.js"));

/** The modules of a bundle, the entry first: `{ name, type, file }`. */
export function modules(bundle) {
  if (!exists(bundle)) throw new Error(`there is no bundle in ${bundle.folder}: run \`make bundle build-panic\` first`);
  const names = readdirSync(bundle.folder).filter((name) => TYPES[path.extname(name)]);
  const entryFirst = ["entry.js", ...names.filter((name) => name !== "entry.js")];
  return entryFirst.map((name) => ({ name, type: TYPES[path.extname(name)], file: path.join(bundle.folder, name) }));
}

/** The part of a wrangler configuration that workerd needs. Reading it takes a second: the runner does so once. */
export async function settings({ config }) {
  const known = JSON.parse(process.env.TEST_WRANGLER_SETTINGS ?? "{}");
  if (known[config]) return known[config];
  const { unstable_readConfig } = await import("wrangler");
  const { compatibility_date, compatibility_flags, durable_objects, migrations, vars } = unstable_readConfig(
    { config },
    { hideWarnings: true },
  );
  const settings = { compatibility_date, compatibility_flags, durable_objects, migrations, vars };
  process.env.TEST_WRANGLER_SETTINGS = JSON.stringify({ ...known, [config]: settings });
  return settings;
}
