// Assembles the npm package in build/package/ and packs it: the built Worker, the migrations, the command and the types. Says
// where it is. Does nothing when up to date.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const at = (...parts) => join(ROOT, ...parts);
const SOURCE = at("packages/gateway");
const FOLDER = at("build/package");
const SPELLING = at("src/config/spelling.rs");
const STAMP = at("build/package.inputs");

const { version } = JSON.parse(readFileSync(at("package.json"), "utf8"));
const tarball = at("build", `edge-oauth-sessions-${version}.tgz`);

/** What goes into the package: by its place there, the file. */
function contents() {
  const files = new Map();
  const add = (from, to) => {
    if (!statSync(from).isDirectory()) return files.set(to, from);
    for (const name of readdirSync(from)) add(join(from, name), join(to, name));
  };
  for (const name of readdirSync(SOURCE)) add(join(SOURCE, name), name);
  for (const name of readdirSync(ROOT).filter((name) => name.endsWith(".mjs"))) add(at(name), join("worker", name));
  for (const name of ["index.js", "index_bg.wasm"]) add(at("build", name), join("worker/build", name));
  add(at("migrations"), "migrations");
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) add(at(name), name);
  return files;
}

/** A module with the names of all variables, as the gateway's own list of them has them. */
function variables() {
  const [, list] = /NAMES: [^=]+= &(\[[^\]]+\])/.exec(readFileSync(SPELLING, "utf8"));
  return `// The variables and bindings of the gateway.\nexport const NAMES = ${JSON.stringify(JSON.parse(list.replace(/,\s*\]/, "]")))};\n`;
}

const files = contents();
const inputs = createHash("sha256");
for (const [to, from] of files) inputs.update(`${to}\n`).update(readFileSync(from));
inputs.update(version).update(readFileSync(SPELLING)).update(readFileSync(fileURLToPath(import.meta.url)));
const digest = inputs.digest("hex");

if (!existsSync(tarball) || !existsSync(STAMP) || readFileSync(STAMP, "utf8") !== digest) {
  rmSync(FOLDER, { recursive: true, force: true });
  for (const [to, from] of files) {
    mkdirSync(join(FOLDER, to, ".."), { recursive: true });
    cpSync(from, join(FOLDER, to));
  }
  const manifest = JSON.parse(readFileSync(join(FOLDER, "package.json"), "utf8"));
  writeFileSync(join(FOLDER, "package.json"), `${JSON.stringify({ ...manifest, version }, null, 2)}\n`);
  writeFileSync(join(FOLDER, "lib/variables.mjs"), variables());
  execFileSync("npm", ["pack", "--silent", "--pack-destination", at("build"), FOLDER], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  writeFileSync(STAMP, digest);
  console.error(`packed ${relative(ROOT, tarball)} (${(statSync(tarball).size / 1024).toFixed(0)} KiB)`);
}
