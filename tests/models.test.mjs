// The simulator's models and what they stand for: tests/parts/models.json is run against the models by tests/simulator/parity.rs, and here against a
// Durable Object on workerd, Postgres, and the certified oidc-provider. So no model can come to differ from the real thing.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { startPostgres } from "./parts/postgres.mjs";
import { BIN, freePort, ROOT, sleep, start, stop, temporaryFolder, until } from "./parts/process.mjs";
import { startProvider } from "./parts/provider.mjs";

const SCRIPTS = JSON.parse(readFileSync(path.join(ROOT, "tests/parts/models.json"), "utf8"));

/** A statement of the product's, as src/store/neon.rs has it. */
function statement(name) {
  const source = readFileSync(path.join(ROOT, "src/store/neon.rs"), "utf8");
  const [, text] = new RegExp(`const ${name}: &str = "((?:[^"\\\\]|\\\\.)*)"`, "s").exec(source);
  return text.replace(/\\\n\s*/g, "");
}

describe("postgres", () => {
  let postgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.close());

  test("Postgres does with the store's statements what the simulator's model does", async () => {
    const client = new pg.Client(postgres.urlOf("template_gateway"));
    await client.connect();
    const bytes = (hex) => (hex === undefined ? null : Buffer.from(hex, "hex"));
    const write = async (actor, { generation, record, kept_for = 3600, foreign }) => {
      const now = new Date();
      const kept = new Date(now.getTime() + kept_for * 1000);
      const values = [actor, generation, bytes(record), "active", "i", "s", "oc", now, now, kept, kept, foreign?.generation ?? null, bytes(foreign?.record)];
      const { rows } = await client.query(statement("UPSERT"), values);
      return rows.length > 0;
    };
    const [actor, other] = ["a".repeat(64), "b".repeat(64)];
    for (const [at, step] of SCRIPTS.postgres.entries()) {
      if (step.write) assert.equal(await write(actor, step.write), step.taken, `step ${at}`);
      else if (step.other) assert.equal(await write(other, step.other), step.taken, `step ${at}`);
      else if (step.delete) await client.query(statement("DELETE"), [actor]);
      else {
        const { rows } = await client.query(statement("SELECT"), [actor]);
        const found = rows.map(({ generation, record }) => ({ generation: Number(generation), record: record.toString("hex") }));
        assert.deepEqual(found[0] ?? null, step.read, `step ${at}`);
      }
    }
    await client.end();
  });
});

const OBJECT = `
import { DurableObject } from "cloudflare:workers";
const into = (value) => (value?.hex === undefined ? value : Uint8Array.from(value.hex.match(/../g), (byte) => parseInt(byte, 16)));
const out = (value) => (value instanceof ArrayBuffer ? { hex: [...new Uint8Array(value)].map((byte) => byte.toString(16).padStart(2, "0")).join("") } : value);
export class Model extends DurableObject {
  exec(text, values) { this.ctx.storage.sql.exec(text, ...(values ?? []).map(into)); }
  query(text, values) { return [...this.ctx.storage.sql.exec(text, ...(values ?? []).map(into)).raw()].map((row) => row.map(out)); }
  crash(texts) { for (const text of texts) this.exec(text); this.ctx.abort("on purpose"); }
  async ring(milliseconds) { await this.ctx.storage.setAlarm(Date.now() + milliseconds); }
  async alarm() { this.fired = (this.fired ?? 0) + 1; this.seen = await this.ctx.storage.getAlarm(); }
  rang() { return { fired: this.fired, seen: this.seen ?? null }; }
  async drop() { await this.ctx.storage.deleteAll(); }
}
export default { async fetch(request, env) {
  if (request.method === "GET") return new Response();
  const { method, values } = await request.json();
  try { return Response.json({ value: (await env.MODEL.get(env.MODEL.idFromName("one"))[method](...values)) ?? null }); }
  catch (error) { return Response.json({ error: String(error) }); }
} };`;

const CONFIGURATION = (port, storage) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .main), (name = "disk", disk = (path = "${storage}", writable = true)) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ] );
const main :Workerd.Worker = (
  modules = [ (name = "main.js", esModule = embed "main.js") ],
  compatibilityDate = "2025-09-01",
  durableObjectNamespaces = [ (className = "Model", uniqueKey = "model", enableSql = true) ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [ (name = "MODEL", durableObjectNamespace = "Model") ] );
`;

test("a Durable Object's storage, its output gate and its alarm do what the simulator's model does", async () => {
  const folder = temporaryFolder();
  const port = await freePort();
  mkdirSync(path.join(folder, "storage"));
  writeFileSync(path.join(folder, "main.js"), OBJECT);
  writeFileSync(path.join(folder, "config.capnp"), CONFIGURATION(port, path.join(folder, "storage")));
  const worker = start(path.join(BIN, "workerd"), ["serve", path.join(folder, "config.capnp")]);
  await until("workerd answers", () => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false), 10_000);
  const ask = async (method, ...values) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: JSON.stringify({ method, values }) });
    return response.json();
  };
  try {
    for (const [at, step] of SCRIPTS.storage.entries()) {
      const name = `step ${at}`;
      if (step.crash) assert.ok((await ask("crash", step.crash)).error, name);
      if (step.exec) assert.equal((await ask("exec", step.exec, step.with)).error, undefined, name);
      if (step.fails) assert.ok((await ask("query", step.fails)).error, name);
      if (step.drop) assert.equal((await ask("drop")).error, undefined, name);
      if (step.alarm) {
        await ask("ring", step.alarm);
        await sleep(step.alarm + 1000);
        assert.deepEqual((await ask("rang")).value, { fired: step.fired, seen: step.alarm_in_handler }, name);
      }
      if (step.query) {
        const { value, error } = await ask("query", step.query, step.with);
        assert.equal(error, undefined, name);
        const allowed = (step.either ?? [step.rows]).map((rows) => JSON.stringify(rows));
        assert.ok(allowed.includes(JSON.stringify(value)), `${name}: ${JSON.stringify(value)}`);
      }
    }
  } finally {
    await stop(worker);
  }
});

test("the certified provider does with codes and refresh tokens what the simulator's model does", async () => {
  const provider = await startProvider();
  const redirect = "https://app.example/auth/callback";
  provider.allow("https://app.example");
  const verifier = "v".repeat(64);
  const named = { never: "never" };
  const credentials = `${encodeURIComponent(provider.clientId)}:${encodeURIComponent(provider.clientSecret)}`;
  const authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
  const post = async (endpoint, form) => {
    const response = await fetch(`${provider.issuer}${endpoint}`, { method: "POST", headers: { authorization }, body: new URLSearchParams(form) });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : {} };
  };
  const login = async () => {
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const query = new URLSearchParams({
      client_id: provider.clientId, redirect_uri: redirect, response_type: "code", scope: "openid offline_access", state: "s", nonce: "n",
      code_challenge: challenge, code_challenge_method: "S256",
    });
    let url = `${provider.issuer}/auth?${query}`;
    const cookies = new Map();
    for (let hop = 0; hop < 10 && !url.startsWith(redirect); hop += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const response = await fetch(url, { redirect: "manual", headers: { cookie } });
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
        cookies.set(name, value);
      }
      url = new URL(response.headers.get("location"), url).href;
    }
    return new URL(url).searchParams.get("code");
  };
  try {
    for (const [at, step] of SCRIPTS.provider.entries()) {
      if (step.login) {
        named[step.login] = await login();
        continue;
      }
      const { redeem, refresh, revoke } = step;
      const answer = redeem
        ? await post("/token", { grant_type: "authorization_code", code: named[redeem], redirect_uri: redirect, code_verifier: step.verifier ? step.verifier.repeat(10) : verifier })
        : refresh
          ? await post("/token", { grant_type: "refresh_token", refresh_token: named[refresh] })
          : await post("/token/revocation", { token: named[revoke] });
      const name = `step ${at}: ${JSON.stringify(answer)}`;
      assert.equal(answer.status, step.status, name);
      if (step.error) assert.equal(answer.body.error, step.error, name);
      if (step.rotates) assert.notEqual(answer.body.refresh_token, named[refresh], name);
      if (step.as) named[step.as] = answer.body.refresh_token;
    }
  } finally {
    await provider.close();
  }
});
