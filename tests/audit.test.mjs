// docs/audit.md: its Tail Worker runs as it stands there, and its queries find what they say.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { request } from "./parts/http.mjs";
import { BIN, freePort, removeFolder, ROOT, start, stop, temporaryFolder, until } from "./parts/process.mjs";

const text = readFileSync(path.join(ROOT, "docs/audit.md"), "utf8");
const block = (language) => new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "m").exec(text)[1];
const end = { event: "end", actor: "ab".repeat(32), class: "SessionActor", region: "weur", outcome: "revoked", cause: "admin", by: "access:ada@example.com", user: "5ba5c5b74904250b", duration_ms: 1, next_alarm_at: null, detail: "an administrator revoked the session" };
const refresh = { ...end, event: "refresh", outcome: "refused", cause: "alarm", by: undefined };
const login = { ...end, event: "complete", outcome: "ok", cause: "request", by: undefined };
const refused = { event: "request", outcome: "csrf_rejected", status: 403 };
const all = { ...end, class: "RegionDirectory", event: "revoke", outcome: "ok", user: undefined };
const failed = { ...login, outcome: "callback_rejected", user: undefined };
const stolen = { ...login, actor: "cd".repeat(32), event: "device", outcome: "refused", user: "0123456789abcdef" };
const LINES = [end, refresh, login, failed, refused, all, stolen].map((line) => JSON.stringify(line));

describe("audit", () => {
  test("the Tail Worker of docs/audit.md keeps what administrators did and every end, and nothing else", async (t) => {
    const folder = temporaryFolder();
    const port = await freePort();
    const file = (name, content) => writeFileSync(path.join(folder, name), content);
    file("audit.mjs", block("js"));
    file("audit.toml", block("toml"));
    const printed = [...LINES, "a warning in plain text"];
    file(
      "gateway.mjs",
      `export default {
        async fetch(request, env) {
          if (new URL(request.url).pathname === "/kept") {
            const { objects } = await env.AUDIT.list();
            return Response.json(await Promise.all(objects.map(async ({ key }) => ({ key, text: await (await env.AUDIT.get(key)).text() }))));
          }
          for (const line of ${JSON.stringify(printed)}) console.log(line);
          console.error({ an: "object" });
          return new Response("ok");
        },
      };`,
    );
    const bucket = { binding: "AUDIT", bucket_name: "gateway-audit" };
    const [tail] = /tail_consumers = \[.*?\]/.exec(text);
    file("gateway.toml", `name = "gateway"\nmain = "gateway.mjs"\ncompatibility_date = "2026-11-01"\n${tail}\nr2_buckets = [{ binding = "${bucket.binding}", bucket_name = "${bucket.bucket_name}" }]\n`);
    const env = { PATH: `${BIN}:${process.env.PATH}`, CI: "1", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
    const place = ["--port", String(port), "--ip", "127.0.0.1", "--inspector-port", String(await freePort()), "--persist-to", path.join(folder, "state")];
    const child = start(path.join(BIN, "wrangler"), ["dev", "--config", "gateway.toml", "--config", "audit.toml", ...place], { env, group: true, cwd: folder });
    t.after(async () => {
      await stop(child);
      removeFolder(folder);
    });
    const origin = `http://127.0.0.1:${port}`;
    await until("wrangler dev answers", () => {
      assert.equal(child.exitCode, null, child.output);
      return request(`${origin}/kept`, { limit: 5000 }).catch(() => undefined);
    }, 60_000);
    assert.equal((await request(`${origin}/auth/callback?code=the-code`)).text, "ok");
    const [{ key, text: kept }] = await until("the bucket has a file", async () => {
      const objects = (await request(`${origin}/kept`)).json();
      return objects.length > 0 && objects;
    });
    assert.match(key, /^\d{4}-\d\d-\d\d\/\d+-[0-9a-f-]{36}\.ndjson$/);
    const lines = kept.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ at, ...line }) => line), [end, all].map((line) => JSON.parse(JSON.stringify(line))));
    assert.ok(lines.every(({ at }) => !Number.isNaN(Date.parse(at))));
    assert.ok(!kept.includes("the-code"));
  });

  test("every query of docs/audit.md finds its lines", () => {
    const queries = [...text.matchAll(/^\| [A-Z][^|]*\? \| `(jq .*? lines\.ndjson[^`]*)`/gm)].map(([, query]) => query.replaceAll("\\|", "|"));
    assert.equal(queries.length, 11);
    const found = queries.map((query) => {
      const script = query.replace("lines.ndjson", "-");
      const env = { ...process.env, user: end.user, id: end.actor };
      const output = execFileSync("bash", ["-c", `set -eo pipefail; ${script.replace(" - ", " ").replace(/ -$/, "")}`], { input: LINES.join("\n"), env });
      return output.toString().trimEnd().split("\n").length;
    });
    // In the order of the table: by administrators, by this one, counted, of this user, of this session, ends, of all, failed, refused by the provider, without proof, refused.
    assert.deepEqual(found, [2, 2, 2, 3, 5, 1, 1, 1, 1, 1, 1]);
  });

  test("a user's name in the lines is made as docs/audit.md says", () => {
    const [, command] = /^ {4}(user=\$\(.*\))$/m.exec(text);
    const env = { ...process.env, issuer: "https://op.example", subject: "ada" };
    assert.equal(execFileSync("bash", ["-c", `${command}; printf %s "$user"`], { env }).toString(), end.user);
  });
});
