// The examples do what they are there to show. Each runs behind the bundle that would be deployed, and is started with the
// command that its reader would use. Those that install packages are in examples-install.test.mjs.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { unstable_readConfig } from "wrangler";
import { files } from "../packages/gateway/lib/project.mjs";
import { Browser } from "./parts/browser.mjs";
import { develop, EXAMPLES, journey, JOURNEYS } from "./parts/examples.mjs";
import { startGateway } from "./parts/gateway.mjs";
import { startHostileProvider } from "./parts/hostile.mjs";
import { BIN, freePort, removeFolder, ROOT, start as run, temporaryFolder, until } from "./parts/process.mjs";
import { openWebSocket } from "./parts/websocket.mjs";

const MINUTES = 60_000;
const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const NAMES = folders.map(({ name }) => name).sort();
/** Those that are no projects of their own. */
const PLAIN = NAMES.filter((name) => !existsSync(path.join(EXAMPLES, name, "package.json")));

/** The wrangler.toml of a folder, as wrangler reads it, and where its `main` is within the folder. */
function readConfig(folder) {
  // The parsers make objects of different prototypes.
  const config = JSON.parse(JSON.stringify(unstable_readConfig({ config: path.join(folder, "wrangler.toml") }, { hideWarnings: true })));
  return { config, main: path.relative(folder, config.main) };
}

/** The example behind a gateway, and a browser in front of it. */
async function open(t, name, claims = {}) {
  const { start } = await import(path.join(EXAMPLES, name, "start.mjs"));
  const example = await start();
  const provider = await startHostileProvider({ idToken: { claims: (plain) => ({ ...plain, ...claims }) } });
  const gateway = await startGateway({ provider, vars: { ROUTES: example.routes, STREAM_CHECK_SECONDS: "1" } });
  t.after(async () => {
    await gateway.close();
    await Promise.all([provider.close(), example.close()]);
  });
  return { gateway, browser: () => new Browser(gateway) };
}

describe("examples", () => {
  test("spa: the page is for everybody, the API on another origin for those who have logged in", async (t) => {
    const { browser } = await open(t, "spa");
    const user = browser();
    assert.match((await user.navigate("/")).text, /<title>Orders/);
    assert.match((await user.api("/app.js")).headers["content-type"], /javascript/);
    assert.equal((await user.api("/api/orders")).status, 401);
    assert.equal((await user.api("/auth/session")).status, 401);
    await user.login();
    assert.equal((await user.api("/auth/session")).json().claims.name, "Ada Lovelace");
    assert.equal((await user.api("/api/orders")).json().orders.length, 2);
    const more = await user.api("/api/orders", { method: "POST", body: JSON.stringify({ order: "tea" }), headers: { "content-type": "application/json" } });
    assert.deepEqual(more.json().orders.slice(2), ["tea"]);
  });

  test("classic: the server knows its user by headers, and the gateway keeps others out of /staff", async (t) => {
    const { browser } = await open(t, "classic", { groups: ["staff", "a,b"] });
    const user = browser();
    const page = await user.navigate("/");
    assert.match(page.text, /You are <b>ada<\/b>, in: staff, a,b\./);
    const forged = await user.api("/", { headers: { "x-forwarded-user": "root", x_forwarded_user: "root" } });
    assert.match(forged.text, /You are <b>ada<\/b>/);
    assert.match((await user.navigate("/staff")).text, /Only staff/);
    const kept = await user.navigate("/", { from: user.origin, method: "POST", form: { note: "<tea>" } });
    assert.match(kept.text, /<li>&#60;tea&#62;<\/li>/);

    const guests = await open(t, "classic", { groups: ["guests"] });
    assert.equal((await guests.browser().navigate("/staff")).status, 403);
  });

  test("chat: messages reach everybody with their sender's name, and a logout closes the connection", async (t) => {
    const { gateway, browser } = await open(t, "chat");
    const [one, two] = [browser(), browser()];
    const join = async (user) => {
      await user.login();
      return openWebSocket(gateway.origin, "/chat", [`cookie: ${user.sessionHeader}`, `origin: ${gateway.origin}`]);
    };
    const first = await join(one);
    const second = await join(two);
    t.after(() => [first, second].forEach(({ socket }) => socket.destroy()));
    await second.say("hello"); // what comes first may be somebody's arrival
    await until("the message arrives", async () => JSON.parse(await first.say("hi")).user === "ada");
    await one.api("/auth/logout", { method: "POST" });
    assert.equal((await first.closed).code, 4401);
    const refused = await openWebSocket(gateway.origin, "/chat", [`cookie: ${two.sessionHeader}`, "origin: https://evil.example"]);
    assert.equal(refused.status, 403);
    refused.socket.destroy();
  });

  for (const name of PLAIN) journey(name);

  test("every example is in the list of journeys and in the README's table, and its gateway is configured as init does it", async (t) => {
    const folder = temporaryFolder();
    t.after(() => removeFolder(folder));
    writeFileSync(path.join(folder, "wrangler.toml"), files({})["wrangler.toml"]);
    const plain = readConfig(folder);
    const table = readFileSync(path.join(EXAMPLES, "README.md"), "utf8");
    assert.deepEqual(NAMES, Object.keys(JOURNEYS).sort());
    for (const name of NAMES) {
      assert.ok(table.includes(`| \`make dev EXAMPLE=${name}\` |`), name);
      const { config, main } = readConfig(path.join(EXAMPLES, name));
      assert.equal(main, plain.main);
      for (const key of ["compatibility_date", "compatibility_flags", "keep_names", "dev", "durable_objects", "migrations", "exports", "observability"]) {
        assert.deepEqual(config[key], plain.config[key], `${name}: ${key}`);
      }
    }
  });

  test("make dev EXAMPLE=… starts each of them, and says which there are", { timeout: 8 * MINUTES }, async (t) => {
    for (const name of PLAIN) await develop(t, name);
    const unknown = run(path.join(BIN, "node"), [path.join(ROOT, "demo/run.mjs")], { env: { EXAMPLE: "nothing", PORT: String(await freePort()) } });
    await unknown.gone;
    assert.match(unknown.output, /EXAMPLE must be one of: chat, classic/);
  });
});
