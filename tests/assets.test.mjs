// Static assets as an application: Workers Static Assets behind a binding, as `wrangler dev` runs them.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { Browser } from "./parts/browser.mjs";
import { RELEASE, settings } from "./parts/bundle.mjs";
import { startHostileProvider } from "./parts/hostile.mjs";
import { request } from "./parts/http.mjs";
import { BIN, freePort, removeFolder, ROOT, start, stop, temporaryFolder, until } from "./parts/process.mjs";

const MINUTES = 60_000;

describe("assets", () => {
  test("an assets binding is an application: for everybody or behind a session, with its own redirects, 304s and ranges", { timeout: 5 * MINUTES }, async (t) => {
    const folder = temporaryFolder();
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const provider = await startHostileProvider();
    for (const [name, text] of Object.entries({ "index.html": "<h1>home</h1>", "app/index.html": "<h1>app</h1>", "public/style.css": "h1{color:red}" })) {
      const file = path.join(folder, "assets", name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const { compatibility_date, compatibility_flags, durable_objects, migrations } = await settings(RELEASE);
    const config = path.join(folder, "wrangler.json");
    writeFileSync(
      config,
      JSON.stringify({
        name: "assets-test",
        main: path.join(ROOT, "entry.mjs"),
        compatibility_date,
        compatibility_flags,
        durable_objects,
        migrations,
        // The gateway comes first. Assets that are served without it would have no protection.
        assets: { directory: path.join(folder, "assets"), binding: "ASSETS", run_worker_first: true },
        vars: {
          OIDC_ISSUER: provider.issuer,
          OIDC_CLIENT_ID: provider.clientId,
          OIDC_CLIENT_SECRET: provider.clientSecret,
          PUBLIC_ORIGIN: origin,
          ROUTES: [
            { match: "/public/*", upstream: "binding:ASSETS", session: "none" },
            { match: "/*", upstream: "binding:ASSETS" },
          ],
        },
      }),
    );
    const env = { PATH: `${BIN}:${process.env.PATH}`, CI: "1", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
    const place = ["--port", String(port), "--ip", "127.0.0.1", "--inspector-port", String(await freePort()), "--persist-to", path.join(folder, "state")];
    const child = start(path.join(BIN, "wrangler"), ["dev", "--config", config, ...place], { env, group: true, cwd: folder });
    t.after(async () => {
      await stop(child);
      await provider.close();
      removeFolder(folder);
    });
    const health = await until("wrangler dev answers", () => {
      assert.equal(child.exitCode, null, child.output);
      return request(`${origin}/auth/healthz`, { limit: 5000 }).catch(() => undefined);
    }, 3 * MINUTES);
    assert.equal(health.status, 200, health.text);

    const style = await request(`${origin}/public/style.css`);
    assert.deepEqual([style.status, style.text], [200, "h1{color:red}"]);
    const unchanged = await request(`${origin}/public/style.css`, { headers: { "if-none-match": style.headers.etag } });
    assert.equal(unchanged.status, 304);
    assert.equal((await request(`${origin}/app/`)).status, 401);
    const browser = new Browser({ origin, cookie: { session: "edge-session" } });
    const page = await browser.login({ returnTo: "/app/" });
    assert.equal(page.text, "<h1>app</h1>");
    assert.equal(page.headers["cache-control"], "no-store");
    const redirect = await browser.navigate("/app/index.html", { follow: false });
    assert.deepEqual([redirect.status, redirect.headers.location], [307, "/app/"]);
    assert.equal((await browser.api("/missing")).status, 404);
  });
});
