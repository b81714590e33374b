// The npm package as a user has it: installed with npm from the tarball, configured with its command, run and bundled with wrangler.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { develop, nodeAlone, run, TARBALL, undoing } from "./parts/package.mjs";
import { removeFolder, temporaryFolder } from "./parts/process.mjs";

describe("the installed package", () => {
  test("npm install, init, wrangler dev and a login, wrangler deploy --dry-run, with Node alone", { timeout: 600_000 }, async (t) => {
    const [folder, atEnd] = [temporaryFolder(), undoing(t)];
    atEnd(() => removeFolder(folder));
    const [cwd, env] = [path.join(folder, "project"), { ...nodeAlone(folder), HOME: folder }];
    const tool = (name) => path.join(env.PATH, name);
    mkdirSync(cwd);
    await run(tool("npm"), ["init", "-y"], { cwd, env });
    await run(tool("npm"), ["install", "--no-audit", "--no-fund", TARBALL], { cwd, env });
    const { browser } = await develop(atEnd, {
      cwd,
      env,
      init: ({ issuer, clientId, upstream }) =>
        run(tool("npx"), ["edge-oauth-sessions", "init", "--issuer", issuer, "--client-id", clientId, "--upstream", upstream], { cwd, env }),
    });
    assert.equal((await browser.login({ returnTo: "/page" })).status, 200);
    assert.match(await run(tool("npx"), ["wrangler", "deploy", "--dry-run", "--outdir", "out"], { cwd, env }), /dry-run: exiting now/);
  });
});
