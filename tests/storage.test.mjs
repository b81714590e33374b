// What an actor writes: nothing for a hot request, nothing for a forged cookie, and nothing secret into its event log.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actorProbe, newActorId } from "./parts/actors.mjs";
import { INSTRUMENTS, storageCalls } from "./parts/instruments.mjs";
import { sleep } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

describe("storage", () => {
  test("a hot Get does 0 storage operations", async (t) => {
    const { gateway, login, token } = await createWorld(t, { entry: INSTRUMENTS });
    const browser = await login();
    await token(browser); // the first use is written down
    await sleep(300);
    const before = await storageCalls(gateway);
    assert.ok(before.total > 0, "the calls are counted");
    for (let i = 0; i < 50; i += 1) await token(browser);
    await Promise.all(Array.from({ length: 50 }, () => token(browser)));
    await sleep(200);
    const behind = await storageCalls(gateway);
    assert.deepEqual(behind.counts, before.counts);
  });

  test("a request with a forged cookie writes nothing to storage", async (t) => {
    const { gateway } = await createWorld(t, { entry: INSTRUMENTS, probe: await actorProbe() });
    // An id that the platform issued, of an actor without a session.
    const id = await newActorId(gateway);
    const cookie = `edge-session=weur.${id}.${"a".repeat(43)}`;
    for (let i = 0; i < 3; i += 1) assert.equal((await gateway.request("/api", { headers: { cookie } })).status, 401);
    const { counts } = await storageCalls(gateway);
    const writes = Object.keys(counts).filter((name) => /put|delete|setAlarm|transaction/i.test(name));
    assert.deepEqual(writes, []);
    assert.ok((counts["sql.exec"] ?? 0) <= 2, `${counts["sql.exec"]} statements: one look for the record`);
    assert.deepEqual(gateway.events, []);
  });

  test("nothing secret is in the event log of a login, a refresh and a logout", async (t) => {
    const { gateway, provider, login } = await createWorld(t);
    const browser = await login();
    const cookie = browser.session.value;
    await browser.api("/auth/refresh", { method: "POST" });
    const callback = new URL(browser.hops.find(({ url }) => url.pathname === "/auth/callback").url);
    await browser.navigate("/auth/logout", { from: browser.origin, method: "POST" });
    await gateway.untilEvent("end");
    const tokens = provider.calls.token.flatMap(({ body }) => [body.access_token, body.refresh_token, body.id_token]);
    const { code, state } = Object.fromEntries(callback.searchParams);
    const verifier = provider.tokenCalls("authorization_code")[0].params.code_verifier;
    const secrets = [...tokens, code, state, verifier, cookie, cookie.split(".")[2], provider.clientSecret];
    for (const secret of secrets) assert.ok(secret && !gateway.log.includes(secret), secret);
  });

  test("log lines have the documented fields", async (t) => {
    const { gateway, login } = await createWorld(t);
    await login();
    const events = gateway.events;
    assert.deepEqual(events.map(({ event }) => event), ["complete"]);
    for (const line of events) {
      assert.deepEqual(
        Object.keys(line).toSorted(),
        // Who it is, a login that has begun does not know yet.
        ["actor", "cause", "class", "detail", "duration_ms", "event", "next_alarm_at", "outcome", "region", "user"],
      );
      assert.equal(line.class, "SessionActor");
      assert.equal(line.cause, "request");
      assert.match(line.actor, /^[0-9a-f]{64}$/);
    }
  });
});
