// `edge-oauth-sessions init`: writes wrangler's configuration, .dev.vars.example and the scripts of package.json.
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ask, parse, UsageError } from "./options.mjs";
import { files } from "./project.mjs";
import { PROVIDERS } from "./providers.mjs";

/** Whether wrangler runs with this version of Node. */
export function isNodeTooOld(version) {
  const [major, minor] = version.split(".").map(Number);
  return major < 22 || (major === 22 && minor < 12);
}

/** Runs the command. */
export async function init(args) {
  const given = parse(args);
  if (isNodeTooOld(process.versions.node)) console.error(`warning: wrangler needs Node 22.12 or later; this is ${process.versions.node}`);
  const options = process.stdin.isTTY && process.stdout.isTTY ? await ask(given) : given;
  const manifest = join(options.dir, "package.json");
  const texts = files(options, existsSync(manifest) ? await readFile(manifest, "utf8") : undefined);
  const configurations = ["wrangler.toml", "wrangler.json", "wrangler.jsonc", ".dev.vars.example"];
  const there = configurations.find((name) => existsSync(join(options.dir, name)));
  if (there && !options.force) throw new UsageError(`${join(options.dir, there)} is there already: move it, or add --force`);
  await mkdir(options.dir, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(join(options.dir, name), text);
    console.log(`wrote ${join(options.dir, name)}`);
  }
  await ignoreSecrets(join(options.dir, ".gitignore"));
  const origin = options.origin ?? "<PUBLIC_ORIGIN>";
  console.log(`
Next:
  1. Register at the provider: redirect URI ${origin}/auth/callback, post-logout redirect URI ${origin}/auth/logged-out and, where it has
     back-channel logout, ${origin}/auth/backchannel-logout. For development the first two with http://localhost:8787
  2. Copy .dev.vars.example to .dev.vars and fill it in. Restart wrangler dev after a change of it
  3. npx wrangler dev, and open http://localhost:8787/. http://localhost:8787/auth/healthz names what is missing
  4. npx wrangler secret put ${PROVIDERS[options.provider ?? "oidc"].secret}, and npx wrangler deploy`);
}

/** Keeps secrets and what wrangler writes out of git. */
async function ignoreSecrets(file) {
  const known = existsSync(file) ? (await readFile(file, "utf8")).split("\n") : [];
  const missing = ["node_modules/", ".wrangler/", ".dev.vars", "*.env", "edge-oauth-sessions-data/"].filter((line) => !known.includes(line));
  if (missing.length > 0) await appendFile(file, `${known.length > 1 && known.at(-1) !== "" ? "\n" : ""}${missing.join("\n")}\n`);
}
