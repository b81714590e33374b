// The description of the API is held to the gateway's real answers: each is in it, and fits its schema.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { actorOf } from "./parts/actors.mjs";
import { administer } from "./parts/administration.mjs";
import { BREAKABLE_DIRECTORY, setDirectory } from "./parts/directory.mjs";
import { createWorld } from "./parts/world.mjs";

const UNKNOWN = "0123456789abcdef".repeat(4);

describe("openapi", () => {
  let world;
  let gateway;
  let document;
  let ajv;
  before(async () => {
    world = await createWorld(undefined, { provider: {}, entry: BREAKABLE_DIRECTORY });
    gateway = world.gateway;
    const answer = await gateway.request("/auth/admin/openapi.json");
    assert.equal(answer.status, 200, "it needs no token");
    assert.equal(answer.headers["content-type"], "application/json");
    document = answer.json();
    ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema(document, "openapi.json");
  });
  after(() => world.close());

  const resolve = (value) =>
    value?.$ref ? value.$ref.slice(2).split("/").reduce((at, name) => at[name], document) : value;
  const pointer = (...names) => names.map((name) => `/${encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

  /** Whether an answer is as `path` and `method` of the description say. */
  function check(path, method, answer, status) {
    const what = `${method} ${path} ${answer.status}: ${answer.text}`;
    assert.equal(answer.status, status, what);
    const { responses } = document.paths[path][method.toLowerCase()];
    const response = resolve(responses[answer.status] ?? responses.default);
    assert.ok(responses[answer.status] || [404, 405].includes(status), `${what} is not in it`);
    for (const [name, header] of Object.entries(response.headers ?? {})) {
      const value = answer.headers[name.toLowerCase()];
      if (name === "Set-Cookie") continue; // where there is one to set
      const { schema } = resolve(header);
      assert.ok(value !== undefined, `${what} lacks ${name}`);
      assert.ok(ajv.validate(schema, schema.type === "integer" ? Number(value) : value), `${name}: ${value}`);
    }
    const type = answer.headers["content-type"]?.split(";")[0];
    if (!response.content) {
      assert.equal(answer.text, "", what);
      return;
    }
    assert.ok(response.content[type], `${what} is ${type}`);
    if (!/json$/.test(type)) return;
    const schema = response === responses[answer.status]
      ? `openapi.json#${pointer("paths", path, method.toLowerCase(), "responses", String(answer.status), "content", type, "schema")}`
      : `openapi.json#${pointer("components", "responses", (responses[answer.status] ?? responses.default).$ref.split("/").at(-1), "content", type, "schema")}`;
    const validate = ajv.compile({ $ref: schema });
    assert.ok(validate(answer.json()), `${what}\n${JSON.stringify(validate.errors, undefined, 1)}`);
  }

  test("the document is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.ok(result.valid, JSON.stringify(result.errors));
    assert.equal(validator.version, "3.1");
  });

  test("each example in it fits the schema beside it", () => {
    let examples = 0;
    const walk = (node, path) => {
      if (node === null || typeof node !== "object") return;
      if (node.example !== undefined && node.schema) {
        const validate = ajv.compile({ $ref: `openapi.json#${pointer(...path, "schema")}` });
        assert.ok(validate(node.example), `${path.join(" ")}: ${JSON.stringify(validate.errors)}`);
        examples += 1;
      }
      for (const [name, value] of Object.entries(node)) walk(value, [...path, name]);
    };
    walk(document, []);
    assert.ok(examples > 15, `${examples}`);
  });

  test("the schemas refuse what is not in them", () => {
    for (const name of ["Session", "SessionSummary", "OwnSession", "SessionDetail", "LedgerEntry", "Problem"]) {
      const validate = ajv.compile({ $ref: `openapi.json#${pointer("components", "schemas", name)}` });
      assert.ok(!validate({}), name);
      assert.ok(!validate({ access_token: "secret" }) && validate.errors.some(({ keyword }) => /(additional|unevaluated)Properties/.test(keyword)), name);
    }
  });

  test("the real answers of every address fit", async () => {
    const browser = await world.login({ hint: "ada" });
    const other = await world.login({ hint: "ada" });
    const id = actorOf(browser.session);
    const visitor = world.browser();
    const once = (target) => visitor.navigate(target, { follow: false });

    check("/login", "GET", await once("/auth/login"), 302);
    check("/login", "GET", await visitor.api("/auth/login?return_to=//evil.example"), 400);
    check("/callback", "GET", await visitor.api("/auth/callback?state=x"), 400);
    check("/callback", "GET", await once("/auth/callback?state=x"), 400);
    check("/callback", "POST", await visitor.api("/auth/callback", { method: "POST" }), 400);
    check("/logout", "GET", await visitor.api("/auth/logout"), 200);
    check("/logout", "POST", await visitor.api("/auth/logout", { method: "POST" }), 303);
    check("/logout", "POST", await visitor.api("/auth/logout", { method: "POST", headers: { "sec-fetch-site": "cross-site" } }), 403);
    check("/logged-out", "GET", await visitor.api("/auth/logged-out"), 200);
    check("/healthz", "GET", await visitor.api("/auth/healthz"), 200);
    check("/session", "GET", await browser.api("/auth/session"), 200);
    check("/session", "GET", await visitor.api("/auth/session"), 401);
    check("/session", "GET", await once("/auth/session"), 401);
    check("/refresh", "POST", await browser.api("/auth/refresh", { method: "POST" }), 200);
    check("/refresh", "POST", await visitor.api("/auth/refresh", { method: "POST" }), 401);
    check("/captcha", "POST", await visitor.api("/auth/captcha", { method: "POST" }), 404);
    check("/sessions", "GET", await browser.api("/auth/sessions"), 200);
    check("/sessions", "GET", await browser.api("/auth/sessions?limit=1"), 200);
    check("/sessions", "GET", await browser.api("/auth/sessions?limit=0"), 400);
    check("/sessions", "GET", await visitor.api("/auth/sessions"), 401);
    check("/sessions/{id}", "DELETE", await browser.api(`/auth/sessions/${UNKNOWN}`, { method: "DELETE" }), 404);
    check("/sessions/{id}", "DELETE", await browser.api(`/auth/sessions/${actorOf(other.session)}`, { method: "DELETE" }), 204);
    check("/backchannel-logout", "POST", await visitor.api("/auth/backchannel-logout", { method: "POST" }), 400);

    check("/admin", "GET", await gateway.atConsole("/auth/admin"), 308);
    check("/admin/", "GET", await gateway.atConsole("/auth/admin/"), 200);
    check("/admin/", "GET", await administer(gateway, "/", { token: undefined }), 404);
    check("/admin/openapi.json", "GET", await administer(gateway, "/openapi.json"), 200);
    const user = "/admin/users/{subject}/sessions";
    check(user, "GET", await administer(gateway, "/users/ada/sessions"), 200);
    check(user, "GET", await administer(gateway, "/users/ada/sessions?limit=1"), 200);
    check(user, "GET", await administer(gateway, "/users/ada/sessions?cursor=x"), 400);
    check(user, "GET", await administer(gateway, "/users/ada/sessions", { token: "x" }), 401);
    const post = (what, more) => administer(gateway, `/sessions/${id}/${what}`, { method: "POST", ...more });
    check("/admin/sessions/{id}", "GET", await administer(gateway, `/sessions/${id}`), 200);
    check("/admin/sessions/{id}", "GET", await administer(gateway, `/sessions/${actorOf(other.session)}`), 200);
    check("/admin/sessions/{id}", "GET", await administer(gateway, `/sessions/${UNKNOWN}`), 404);
    check("/admin/sessions/{id}/refresh", "POST", await post("refresh"), 200);
    check("/admin/sessions/{id}/migrate", "POST", await post("migrate", { json: { region: "mars" } }), 400);
    check("/admin/sessions/{id}/migrate", "POST", await post("migrate", { body: " ".repeat(70_000) }), 413);
    check("/admin/sessions/{id}/migrate", "POST", await post("migrate", { json: { region: "oc" } }), 200);
    check("/admin/sessions/{id}", "GET", await administer(gateway, `/sessions/${id}`), 200);
    check(user, "GET", await administer(gateway, "/users/ada/sessions"), 200);
    await setDirectory(gateway, "down");
    check(user, "GET", await administer(gateway, "/users/ada/sessions"), 503);
    check("/sessions", "GET", await browser.api("/auth/sessions"), 503);
    await setDirectory(gateway, "well");
    check("/admin/sessions/{id}", "DELETE", await administer(gateway, `/sessions/${id}`, { method: "DELETE" }), 204);
    check("/admin/sessions/{id}/refresh", "POST", await post("refresh"), 409);
    check("/session", "GET", await browser.api("/auth/session"), 401);
    check(user, "DELETE", await administer(gateway, "/users/ada/sessions", { method: "DELETE" }), 200);
    check("/admin/sessions/{id}", "DELETE", await administer(gateway, `/sessions/${id}`, { method: "DELETE", headers: { "sec-fetch-site": "cross-site" } }), 403);
  });

  test("what a gateway without a configuration answers fits, too, and under another prefix the server is another", async (t) => {
    const broken = await createWorld(t, { vars: { OIDC_ISSUER: "ftp://x" } });
    check("/healthz", "GET", await broken.gateway.request("/auth/healthz"), 500);
    const moved = await createWorld(t, { vars: { AUTH_PREFIX: "/gate" } });
    const answer = await moved.gateway.request("/gate/admin/openapi.json");
    assert.deepEqual(answer.json().servers.map(({ url }) => url), ["/gate"]);
    assert.equal(document.servers[0].url, "/auth");
  });
});
