// The npm package: what `init` writes, and that wrangler runs and bundles it without Rust. package-install.test.mjs installs it as a
// user does.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { isNodeTooOld } from "../packages/gateway/lib/init.mjs";
import { files } from "../packages/gateway/lib/project.mjs";
import { PROVIDERS } from "../packages/gateway/lib/providers.mjs";
import { develop, nodeAlone, run, undoing, unpack } from "./parts/package.mjs";
import { removeFolder, ROOT, temporaryFolder } from "./parts/process.mjs";

const GIVEN = { provider: "okta", issuer: "https://okta.example/oauth2/default", clientId: "0oa1", upstream: "https://app.internal", origin: "https://app.example" };

/** A project in which the tarball is unpacked where npm would put it, and wrangler is the repository's. */
async function project(t) {
  const [folder, atEnd] = [temporaryFolder(), undoing(t)];
  atEnd(() => removeFolder(folder));
  const [cwd, env] = [path.join(folder, "project"), nodeAlone(folder)];
  mkdirSync(cwd);
  const command = await unpack(cwd);
  const init = (args, code = 0) => run(path.join(env.PATH, "node"), [command, "init", ...args], { cwd, env, code });
  return { atEnd, cwd, env, init };
}

const read = async (folder, name) => {
  const { unstable_readConfig } = await import("wrangler");
  // The parsers make objects of different prototypes.
  return JSON.parse(JSON.stringify(unstable_readConfig({ config: path.join(folder, name) }, { hideWarnings: true })));
};

describe("the npm package", () => {
  test("init warns of a Node below 22.12, which wrangler does not run with", () => {
    for (const [version, old] of [["20.19.5", true], ["22.11.0", true], ["22.12.0", false], ["23.0.0", false]]) {
      assert.equal(isNodeTooOld(version), old, version);
    }
  });

  test("wrangler dev in a project that init wrote serves a login, without Rust and make", { timeout: 180_000 }, async (t) => {
    const { atEnd, cwd, env, init } = await project(t);
    const { browser, provider } = await develop(atEnd, {
      cwd,
      env,
      init: ({ issuer, clientId, upstream }) =>
        init(["--provider", "oidc", "--issuer", issuer, "--client-id", clientId, "--upstream", upstream, "--origin", "https://app.example.com"]),
    });
    const page = await browser.login({ returnTo: "/page?x=1" });
    assert.equal(page.status, 200);
    const token = /^Bearer (.+)$/.exec(page.json().headers.find((value) => value.startsWith("Bearer ")))[1];
    assert.ok(await provider.knows(token));
  });

  for (const name of ["wrangler.toml", "wrangler.jsonc"]) {
    test(`wrangler deploy --dry-run takes the ${name} that init wrote, without a warning`, { timeout: 120_000 }, async (t) => {
      const { cwd, env, init } = await project(t);
      await init(["--origin", "https://app.example", ...(name.endsWith("jsonc") ? ["--jsonc"] : [])]);
      const output = await run(path.join(env.PATH, "npx"), ["wrangler", "deploy", "--dry-run", "--outdir", "out"], { cwd, env });
      assert.match(output, /SessionActor/);
      assert.doesNotMatch(output, /WARNING/);
    });
  }

  test("both forms of the configuration say the same to wrangler, and what init was not told is a comment", async (t) => {
    const folder = temporaryFolder();
    t.after(() => removeFolder(folder));
    for (const provider of Object.keys(PROVIDERS)) {
      for (const options of [{ ...GIVEN, provider }, { provider }, {}]) {
        const [toml, jsonc] = [false, true].map((jsonc) => files({ ...options, jsonc }));
        writeFileSync(path.join(folder, "wrangler.toml"), toml["wrangler.toml"]);
        writeFileSync(path.join(folder, "wrangler.jsonc"), jsonc["wrangler.jsonc"]);
        const [{ configPath: _, userConfigPath: __, ...first }, { configPath: ___, userConfigPath: ____, ...second }] = [
          await read(folder, "wrangler.toml"),
          await read(folder, "wrangler.jsonc"),
        ];
        assert.deepEqual(first, second);
        assert.equal(first.vars.UPSTREAM, options.upstream);
        assert.equal(first.vars.PUBLIC_ORIGIN, options.origin);
        if (options.upstream === undefined) assert.match(toml["wrangler.toml"], /^# UPSTREAM = "…"/m);
      }
    }
  });

  test("the configuration of the package is that of the repository's wrangler.toml", async (t) => {
    const folder = temporaryFolder();
    t.after(() => removeFolder(folder));
    writeFileSync(path.join(folder, "wrangler.toml"), files({})["wrangler.toml"]);
    const [ours, theirs] = [await read(ROOT, "wrangler.toml"), await read(folder, "wrangler.toml")];
    for (const name of ["compatibility_date", "compatibility_flags", "keep_names", "durable_objects", "migrations", "observability"]) {
      assert.deepEqual(theirs[name], ours[name], name);
    }
  });

  test("init knows the providers that the gateway knows, and the issuers that all their customers share", () => {
    const rows = readFileSync(path.join(ROOT, "src/config/preset.rs"), "utf8").split(/name: "/).slice(1);
    const known = rows.map((row) => [row.slice(0, row.indexOf('"')), /issuer: Some\(/.test(row)]);
    assert.deepEqual(Object.keys(PROVIDERS).toSorted(), [...known.map(([name]) => name), "workos"].toSorted());
    for (const [name, shares] of known) assert.equal(PROVIDERS[name].issuer === undefined, shares, name);
  });

  test("the types name every variable and binding of the gateway", () => {
    const [, list] = /NAMES: [^=]+= &\[([^\]]+)\]/.exec(readFileSync(path.join(ROOT, "src/config/spelling.rs"), "utf8"));
    const types = readFileSync(path.join(ROOT, "packages/gateway/index.d.ts"), "utf8");
    for (const [, name] of list.matchAll(/"(\w+)"/g)) assert.match(types, new RegExp(`^  ${name}\\??:`, "m"));
  });

  test("init names what is wrong on its command line, and replaces nothing", async (t) => {
    const { cwd, init } = await project(t);
    for (const [args, says] of [
      [["--provider", "nope"], /--provider must be one of oidc, auth0/],
      [["--issuer", "login.example.com"], /--issuer must be an https URL/],
      [["--upstream", "http://app.example"], /--upstream must be an https URL/],
      [["--origin", "https://app.example/app"], /--origin must be an origin, without a path: https:\/\/app\.example/],
      [["--client-id", "a\nb"], /--client-id must not have control characters/],
      [["--isuer", "https://login.example"], /--isuer/],
    ]) {
      assert.match(await init(args, 2), says);
    }
    writeFileSync(path.join(cwd, "package.json"), '{"name":"mine","scripts":{"dev":"my own"}}');
    await init([]);
    const { name, scripts } = JSON.parse(readFileSync(path.join(cwd, "package.json"), "utf8"));
    assert.deepEqual([name, scripts.dev, scripts.deploy], ["mine", "my own", "wrangler deploy"]);
    assert.match(await init([], 2), /wrangler\.toml is there already/);
    assert.match(readFileSync(path.join(cwd, ".gitignore"), "utf8"), /^\.dev\.vars$/m);
  });
});
