// ADMIN_ACCESS: administrators whom Cloudflare Access lets in, at ADMIN_ORIGIN alone. A stand-in plays Access (parts/access.mjs).
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { startAccess } from "./parts/access.mjs";
import { actorOf } from "./parts/actors.mjs";
import { administer, assertDetail, assertProblem, inspect } from "./parts/administration.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { HANG } from "./parts/hostile.mjs";
import { INSTRUMENTS, setClockAhead } from "./parts/instruments.mjs";
import { jwt, jwtWith, withBrokenSignature } from "./parts/jwt.mjs";
import { signingKey } from "./parts/keys.mjs";
import { createWorld } from "./parts/world.mjs";

const LIST = "/auth/admin/users/ada/sessions";
const now = () => Math.floor(Date.now() / 1000);

/** A world whose administrators come by Access. */
async function createAccess(t, { vars, ...more } = {}) {
  const access = await startAccess();
  const world = await createWorld(t, { hostile: true, vars: { ...access.vars, ...vars }, ...more });
  const at = (target, assertion, { headers, ...options } = {}) =>
    world.gateway.atConsole(target, { ...options, headers: { ...(assertion !== undefined && { "cf-access-jwt-assertion": assertion }), ...headers } });
  const close = async () => {
    await access.close();
    if (!t) await world.close();
  };
  t?.after(close);
  return { ...world, access, at, close };
}

describe("admin-access", () => {
  let world;
  let access;
  before(async () => {
    world = await createAccess(undefined, { routes: [{ match: "/*" }] });
    ({ access } = world);
  });
  after(() => world.close());

  test("who comes by Cloudflare Access is an administrator, a user and a service token alike, without the token", async () => {
    for (const assertion of [access.jwt(), access.service()]) {
      const answer = await world.at(LIST, assertion);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json().subject, "ada");
    }
    assert.equal((await world.at(LIST, undefined, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).status, 200);
  });

  test("what Access did not sign for this application is refused, each for its reason", async () => {
    const { key } = access;
    const hmac = (input) => createHmac("sha256", JSON.stringify(key.publicJwk)).update(input).digest("base64url");
    const hs256 = jwtWith({ alg: "HS256", kid: key.kid }, access.claims(), "").slice(0, -1);
    const cases = {
      "without one": undefined,
      "which is empty": "",
      "which is no JWT": "ada@example.com",
      "for another application": access.jwt({ aud: ["another"] }),
      "without an audience": access.jwt({ aud: undefined }),
      "of another team": access.jwt({ iss: "https://other.cloudflareaccess.com" }),
      "of an issuer that only begins like the team": access.jwt({ iss: `${access.team.origin}.evil.example` }),
      expired: access.jwt({ exp: now() - 61 }),
      "without an end": access.jwt({ exp: undefined }),
      "not valid yet": access.jwt({ nbf: now() + 120 }),
      "with alg none": jwtWith({ alg: "none", kid: key.kid }, access.claims(), ""),
      "with the public key as the secret of an HMAC": `${hs256}.${hmac(hs256)}`,
      "with another algorithm than Access's": jwt({ alg: "ES256", kid: access.otherKey.kid }, access.claims(), access.otherKey),
      "with an unknown kid": jwt({ alg: "RS256", kid: "unknown" }, access.claims(), signingKey("RS256", "unknown")),
      "with another key of the same kid": jwt({ alg: "RS256", kid: key.kid }, access.claims(), signingKey("RS256", "forger")),
      "with a broken signature": withBrokenSignature(access.jwt()),
      "that names nobody": access.jwt({ email: undefined }),
      "that names an empty address": access.jwt({ email: "" }),
      "whose address is no text": access.jwt({ email: ["ada@example.com"] }),
      "of 20 KB": access.jwt({ padding: "x".repeat(20_000) }),
    };
    for (const [what, assertion] of Object.entries(cases)) {
      const problem = assertProblem(await world.at(LIST, assertion), 401, "invalid_token", what);
      assert.doesNotMatch(problem.detail, /ada@example/, what);
    }
    assert.equal((await world.at(LIST, access.jwt())).status, 200);
  });

  test("a bearer token that is wrong is not made up for by Access, nor is the cookie of Access read", async () => {
    const both = await world.at(LIST, access.jwt(), { headers: { authorization: "Bearer wrong" } });
    assertProblem(both, 401, "invalid_token");
    assertProblem(await world.at(LIST, undefined, { headers: { cookie: `CF_Authorization=${access.jwt()}` } }), 401, "invalid_token");
    assertProblem(await world.at(LIST, undefined, { headers: { authorization: `Bearer ${access.jwt()}` } }), 401, "invalid_token");
  });

  test("on the application's hosts Access counts for nothing, and the token does", async () => {
    const elsewhere = await world.gateway.request(LIST, { headers: { "cf-access-jwt-assertion": access.jwt() } });
    assertProblem(elsewhere, 401, "invalid_token");
    assert.equal((await administer(world.gateway, "/users/ada/sessions")).status, 200);
  });

  test("a request that changes something by Access has to come from the console's own origin", async () => {
    const user = await world.login();
    const session = `/auth/admin/sessions/${actorOf(user.session)}`;
    const origin = world.gateway.adminOrigin;
    const refused = {
      "without a proof": {},
      "with an Origin of another site": { origin: "https://evil.example" },
      "with the application's Origin": { origin: world.gateway.origin },
      "from another site": { "sec-fetch-site": "cross-site" },
      "from a sibling host": { "sec-fetch-site": "same-site", origin },
      "which the user typed": { "sec-fetch-site": "none" },
    };
    for (const [what, headers] of Object.entries(refused)) {
      for (const [method, target] of [["DELETE", session], ["POST", `${session}/refresh`], ["DELETE", LIST]]) {
        assertProblem(await world.at(target, access.jwt(), { method, headers }), 403, "csrf_rejected", `${method} ${what}`);
      }
    }
    assert.equal((await user.api("/x")).status, 200);
    const refresh = await world.at(`${session}/refresh`, access.jwt(), { method: "POST", headers: { origin } });
    assert.equal(refresh.status, 200, refresh.text);
    const revoked = await world.at(session, access.service(), { method: "DELETE", headers: { "sec-fetch-site": "same-origin", origin } });
    assert.equal(revoked.status, 204, revoked.text);
    assert.equal((await user.api("/x")).status, 401);
  });

  const own = () => ({ origin: world.gateway.adminOrigin });
  const idOf = (user) => actorOf(user.session);
  const of = (assertion) => (target, method, body) => world.at(target, assertion, { method, headers: own(), body });

  test("ledger and log say which administrator it was that refreshed, moved and ended a session", async () => {
    const ada = of(access.jwt());
    const robot = of(access.service());
    const user = await world.login();
    const former = idOf(user);
    assert.equal((await ada(`/auth/admin/sessions/${former}/refresh`, "POST")).status, 200);
    const moved = await ada(`/auth/admin/sessions/${former}/migrate`, "POST", '{"region":"oc"}');
    assert.equal(moved.status, 200, moved.text);
    const { id } = moved.json();
    assert.equal((await robot(`/auth/admin/sessions/${id}`, "DELETE")).status, 204);
    const detail = await inspect(world.gateway, id);
    assertDetail(detail);
    const by = (event, outcome) => detail.ledger.filter((entry) => entry.event === event && entry.outcome === outcome).map((entry) => entry.by);
    assert.deepEqual(by("complete", "ok"), [undefined]);
    assert.deepEqual(by("refresh", "ok"), ["access:ada@example.com"]);
    assert.deepEqual(by("migrate", "adopted"), ["access:ada@example.com"]);
    const there = await inspect(world.gateway, former);
    assert.deepEqual(there.ledger.filter(({ event }) => event === "migrate").map((entry) => entry.by), ["access:ada@example.com"], "and the former one");
    const robots = "access:e367826f93b8d71185e03fe518aff3b4.access";
    assert.deepEqual([...by("revoke", "ok"), ...by("end", "revoked"), ...by("revoke", "revoked")], [robots, robots, robots]);
    const lines = world.gateway.events.filter(({ actor }) => actor === id || actor === former);
    for (const [event, name] of [["refresh", "access:ada@example.com"], ["migrate", "access:ada@example.com"], ["end", robots]]) {
      assert.ok(lines.some((line) => line.event === event && line.cause === "admin" && line.by === name), `${event} ${name}`);
    }
    assert.ok(lines.filter(({ cause }) => cause !== "admin").every((line) => !("by" in line)));
  });

  test("the end of all sessions of a user carries the administrator's name through the directory to each of them", async () => {
    const users = [await world.login(), await world.login()];
    const answer = await of(access.jwt({ email: "eve@example.com" }))(LIST, "DELETE");
    assert.equal(answer.status, 200, answer.text);
    for (const user of users) {
      const { ledger } = await inspect(world.gateway, idOf(user));
      assert.equal(ledger.find(({ event }) => event === "end").by, "access:eve@example.com");
    }
    await world.gateway.untilEvent("revoke", ({ class: kind, by }) => kind === "RegionDirectory" && by === "access:eve@example.com");
  });

  test("what the holder of the token did is by the token, also at ADMIN_ORIGIN", async () => {
    const user = await world.login();
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "cf-access-jwt-assertion": access.jwt() };
    assert.equal((await world.at(`/auth/admin/sessions/${idOf(user)}`, undefined, { method: "DELETE", headers })).status, 204);
    const { ledger } = await inspect(world.gateway, idOf(user));
    assert.equal(ledger.find(({ event }) => event === "end").by, "token");
  });

  test("an administrator's name is cut and has nothing in it that does not show", async () => {
    const user = await world.login();
    const email = `ada\u202e\u0000\r\n${"x".repeat(300)}@example.com`;
    assert.equal((await of(access.jwt({ email }))(`/auth/admin/sessions/${idOf(user)}`, "DELETE")).status, 204);
    const { ledger } = await inspect(world.gateway, idOf(user));
    assert.equal(ledger.find(({ event }) => event === "end").by, `access:ada${"x".repeat(90)}`);
  });

  test("the console says to its script that Access lets administrators in, and only where it does", async (t) => {
    assert.match((await world.at("/auth/admin/")).text, /<html lang="en" data-access>/);
    const other = await createWorld(t, { hostile: true });
    assert.match((await other.gateway.atConsole("/auth/admin/")).text, /<html lang="en">/);
  });

  test("without ADMIN_TOKEN the administration is at ADMIN_ORIGIN alone", async (t) => {
    const other = await createAccess(t, { vars: { ADMIN_TOKEN: undefined } });
    assert.equal((await other.at(LIST, other.access.jwt())).status, 200);
    assert.equal((await other.at("/auth/admin/")).status, 200);
    assertProblem(await other.at(LIST), 401, "invalid_token");
    assertProblem(await other.at(LIST, undefined, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }), 401, "invalid_token");
    for (const path of ["/users/ada/sessions", "/openapi.json", "/"]) {
      const headers = { "cf-access-jwt-assertion": other.access.jwt() };
      assertProblem(await administer(other.gateway, path, { headers }), 404, "not_found", path);
    }
  });

  test("ADMIN_ACCESS is config_invalid without ADMIN_ORIGIN, and where it isn't a team and an application", async (t) => {
    const good = JSON.parse(world.access.vars.ADMIN_ACCESS);
    const wrong = [{ ADMIN_ORIGIN: undefined }, "name.cloudflareaccess.com", { ...good, aud: "" }, { ...good, team: "http://team.example" }, { ...good, team: `${good.team}/x` }, { ...good, more: 1 }, { team: good.team }];
    for (const value of wrong) {
      const vars = value.aud || value.team ? { ADMIN_ACCESS: JSON.stringify(value) } : typeof value === "string" ? { ADMIN_ACCESS: value } : { ...world.access.vars, ...value };
      const other = await createWorld(t, { hostile: true, vars });
      const problem = assertProblem(await other.gateway.request("/auth/healthz"), 500, "config_invalid", JSON.stringify(value));
      assert.deepEqual(problem.problems.map(({ variable }) => variable), ["ADMIN_ACCESS"], JSON.stringify(value));
    }
  });

  test("Access may change its key: one call for the new ones, and the former key signs no more", async (t) => {
    const other = await createAccess(t);
    const former = other.access.jwt();
    assert.equal((await other.at(LIST, former)).status, 200);
    other.access.rotate("next");
    assert.equal((await other.at(LIST, other.access.jwt())).status, 200);
    assert.equal(other.access.certs.length, 2);
    assertProblem(await other.at(LIST, former), 401, "invalid_token");
    const forged = Array.from({ length: 20 }, (_, n) => jwt({ alg: "RS256", kid: `forged-${n}` }, other.access.claims(), other.access.key));
    for (const token of forged) assert.equal((await other.at(LIST, token)).status, 401);
    assert.equal(other.access.certs.length, 2, "one fetch for unknown keys in 30 s");
  });

  test("while the team's keys cannot be had, nobody comes in by Access: 503, and the token still works", async (t) => {
    for (const failure of [{ status: 500 }, { json: {} }, HANG]) {
      const other = await createAccess(t, { entry: INSTRUMENTS });
      other.access.team.answers.jwks = () => failure;
      const answer = assertProblem(await other.at(LIST, other.access.jwt()), 503, "provider_unavailable");
      assert.equal(answer.status, 503);
      assert.equal((await other.at(LIST, undefined, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).status, 200);
      assert.match(other.gateway.log, /the keys at ADMIN_ACCESS cannot be fetched/);
      delete other.access.team.answers.jwks;
      await setClockAhead(other.gateway, 10);
      assert.equal((await other.at(LIST, other.access.jwt())).status, 200);
    }
  });
});
