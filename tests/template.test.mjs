// The template of the Deploy to Cloudflare button: what its page asks for is what the gateway wants, and the folder is deployed as it is.
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { parseEnv } from "node:util";
import { unstable_readConfig } from "wrangler";
import { files } from "../packages/gateway/lib/project.mjs";
import { startGateway } from "./parts/gateway.mjs";
import { nodeAlone, run, unpack } from "./parts/package.mjs";
import { removeFolder, ROOT, temporaryFolder } from "./parts/process.mjs";

const TEMPLATE = path.join(ROOT, "templates/gateway");
const read = (name) => readFileSync(path.join(TEMPLATE, name), "utf8");
const manifest = JSON.parse(read("package.json"));
const { bindings } = manifest.cloudflare;
/** The parsers make objects of different prototypes. */
const configuration = (folder) =>
  JSON.parse(JSON.stringify(unstable_readConfig({ config: path.join(folder, "wrangler.jsonc") }, { hideWarnings: true })));
const config = configuration(TEMPLATE);
/** The button asks for each of these as a secret. */
const secrets = parseEnv(read(".dev.vars.example"));

/** The variables that the gateway complains about. */
async function problems(t, vars) {
  const gateway = await startGateway({ vars: { PROVIDER: undefined, PUBLIC_ORIGIN: undefined, ADMIN_TOKEN: undefined, ADMIN_ORIGIN: undefined, STATE_KEYS: undefined, ...vars } });
  t.after(() => gateway.close());
  const answer = await gateway.request("/auth/healthz");
  return answer.status === 200 ? [] : answer.json().problems.map(({ variable }) => variable);
}

describe("template", () => {
  test("every variable and secret that the template lists is the gateway's, and has a description", () => {
    const [, list] = /NAMES: [^=]+= &\[([^\]]+)\]/.exec(readFileSync(path.join(ROOT, "src/config/spelling.rs"), "utf8"));
    const names = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
    const listed = [...Object.keys(config.vars), ...Object.keys(secrets), ...config.durable_objects.bindings.map(({ name }) => name)];
    for (const name of listed) assert.ok(names.includes(name), `${name} is no variable of the gateway`);
    assert.deepEqual(Object.keys(bindings).sort(), listed.sort(), "package.json describes each of them, and nothing else");
    for (const [name, { description }] of Object.entries(bindings)) assert.ok(description.length > 40, name);
    // What stands in a comment is not asked for, and is to have a right name too.
    for (const [, name] of read(".dev.vars.example").matchAll(/^# (\w+)=/gm)) assert.ok(names.includes(name), name);
  });

  test("the button asks for everything that the gateway cannot do without, and deploys no value of its own", async (t) => {
    const missing = await problems(t, { ...config.vars, ...secrets });
    assert.deepEqual(missing.sort(), ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ISSUER", "UPSTREAM"]);
    for (const name of missing) assert.ok(bindings[name] && (name in config.vars || name in secrets), name);
    for (const [name, value] of Object.entries({ ...config.vars, ...secrets })) assert.equal(value, "", name);
    for (const name of Object.keys(config.vars)) assert.ok(!/SECRET|TOKEN|KEY/.test(name), `${name} would be shown to everybody`);
    const filled = { OIDC_ISSUER: "https://login.example.com", OIDC_CLIENT_ID: "client", OIDC_CLIENT_SECRET: "secret", UPSTREAM: "https://app.example.com" };
    assert.deepEqual(await problems(t, { ...config.vars, ...secrets, ...filled }), [], "and nothing else is needed");
  });

  test("apart from the variables it is configured as init does it, and names this version of the package", (t) => {
    const folder = temporaryFolder();
    t.after(() => removeFolder(folder));
    writeFileSync(path.join(folder, "wrangler.jsonc"), files({ jsonc: true })["wrangler.jsonc"]);
    const { main: ours, vars: _, configPath: __, userConfigPath: ___, ...first } = config;
    const { main: theirs, vars: ____, configPath: _____, userConfigPath: ______, ...second } = configuration(folder);
    assert.deepEqual(first, second);
    assert.equal(path.relative(TEMPLATE, ours), path.relative(folder, theirs));
    const { version, devDependencies } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
    assert.deepEqual([manifest.dependencies["edge-oauth-sessions"], manifest.devDependencies.wrangler], [`^${version}`, `^${devDependencies.wrangler}`]);
    for (const range of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) assert.match(range, /^\^/, "nothing outside of the folder");
  });

  test("the folder alone is enough for wrangler deploy --dry-run", { timeout: 120_000 }, async (t) => {
    const folder = temporaryFolder();
    t.after(() => removeFolder(folder));
    const [cwd, env] = [path.join(folder, "project"), nodeAlone(folder)];
    cpSync(TEMPLATE, cwd, { recursive: true });
    await unpack(cwd);
    const output = await run(path.join(env.PATH, "npm"), ["run", "deploy", "--", "--dry-run", "--outdir", "out"], { cwd, env });
    assert.match(output, /SessionActor/);
    assert.doesNotMatch(output, /WARNING/);
  });
});
