// No answer and no log line has a secret in it.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { describe, test } from "node:test";
import { actorOf } from "./parts/actors.mjs";
import { administer } from "./parts/administration.mjs";
import { ADMIN_TOKEN } from "./parts/gateway.mjs";
import { DENVER, FRANKFURT, SYDNEY, travel } from "./parts/places.mjs";
import { until } from "./parts/process.mjs";
import { createWorld } from "./parts/world.mjs";

/** Everything of the provider's calls that nobody but it and the gateway may know. */
function secretsOf({ calls, clientSecret }) {
  const exchanged = calls.token.flatMap(({ body, params }) => [body?.access_token, body?.refresh_token, body?.id_token, params?.code, params?.code_verifier]);
  const begun = calls.authorization.flatMap(({ query }) => [query.state, query.nonce]);
  return [ADMIN_TOKEN, clientSecret, ...exchanged, ...begun];
}

/** None of the texts (`[what, text]`) holds one of these secrets. */
function assertSilent(told, secrets, how = "") {
  const all = new Set(secrets.filter(Boolean));
  assert.ok(all.size > 20, `${all.size} secrets`);
  for (const [what, text] of told) {
    for (const secret of all) assert.ok(!text.includes(secret), `${how} ${what} has ${secret}:\n${text}`);
  }
}

/** Numbers below 1 that follow from a seed (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("secrets", { concurrency: 2 }, () => {
  test("no answer and no log line of a whole life has a token, code, secret or cookie in it", async (t) => {
    const world = await createWorld(t, { provider: {} });
    const { gateway, provider } = world;
    const secrets = new Set([ADMIN_TOKEN, provider.clientSecret]);
    const told = [];
    const tell = async (what, answer) => {
      const { status, text, headers } = await answer;
      const { "set-cookie": _, ...others } = headers;
      told.push([what, `${status} ${JSON.stringify(others)} ${text}`]);
      return answer;
    };
    const keep = (browser) => secrets.add(browser.session.value.split(".")[2]).add(browser.session.value);

    const browser = await world.login({ hint: "ada" });
    keep(browser);
    const elsewhere = await world.login({ hint: "ada" });
    keep(elsewhere);
    const waiting = world.browser();
    await waiting.navigate("/auth/login", { follow: false });
    secrets.add(waiting.jar().get(gateway.cookie.login).value);
    const [first, other] = [browser, elsewhere].map(({ session }) => actorOf(session));
    await world.token(browser);
    await tell("/session", browser.api("/auth/session"));
    await tell("/refresh", browser.api("/auth/refresh", { method: "POST" }));
    await tell("admin refresh", administer(gateway, `/sessions/${first}/refresh`, { method: "POST" }));
    const moved = await tell("migrate", administer(gateway, `/sessions/${first}/migrate`, { method: "POST", json: { region: "oc" } }));
    const second = moved.json().id;
    await tell("/session of the moved one", browser.api("/auth/session"));
    keep(browser);
    await tell("wrong token", administer(gateway, `/sessions/${second}`, { token: browser.session.value }));
    await tell("wrong body", administer(gateway, `/sessions/${second}/migrate`, { method: "POST", body: browser.session.value }));
    await tell("bad logout token", gateway.request("/auth/backchannel-logout", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `logout_token=${provider.calls.token[0].body.id_token}`,
    }));
    await tell("/sessions", browser.api("/auth/sessions"));
    await tell("users", administer(gateway, "/users/ada/sessions"));
    for (const id of [first, second]) await tell("detail", administer(gateway, `/sessions/${id}`));
    await tell("own revoke", browser.api(`/auth/sessions/${other}`, { method: "DELETE" }));
    await tell("revoke all", administer(gateway, "/users/ada/sessions", { method: "DELETE" }));
    await tell("ended", elsewhere.api("/api"));
    for (const id of [first, second, other]) await tell("detail at the end", administer(gateway, `/sessions/${id}`));

    await until("the refresh tokens are revoked", () => provider.calls.revocation.length >= 2);
    assertSilent([...told, ["the log", gateway.log]], [...secrets, ...secretsOf(provider)]);
    assert.ok(gateway.events.length > 10);
  });

  for (const policy of ["reauthenticate", "migrate"]) {
    test(`whatever happens to a user's sessions, in any order, no answer that an administrator gets holds a secret of theirs (${policy})`, async (t) => {
      const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
      const random = randomFrom(seed);
      const pick = (list) => list[Math.floor(random() * list.length)];
      const { gateway, provider, ...world } = await createWorld(t, { provider: {}, vars: { REGION_POLICY: policy, REGION_MIN_STAY_SECONDS: "1", REGION_GRACE_SECONDS: "2" } });
      const browsers = Array.from({ length: 3 }, () => world.browser());
      const [ids, secrets, told, walk] = [new Set(), new Set(), [], []];
      const tell = async (what, answer) => {
        const { status, text, headers } = await answer;
        told.push([what, `${status} ${JSON.stringify(headers)} ${text}`]);
        assert.ok(status < 500, `SEED=${seed} ${walk.join(", ")}: ${status} ${text}`);
      };
      const admin = (path, options) => tell(`${options?.method ?? "GET"} ${path}`, administer(gateway, path, options));
      const own = (browser, path) => browser.session && browser.api(path, { method: "POST" });
      const steps = {
        login: (browser) => browser.navigate("/auth/login?login_hint=ada"),
        use: (browser) => browser.session && browser.api("/api"),
        begin: (browser) => browser.navigate("/auth/login?login_hint=ada", { follow: false }),
        travel: (browser) => travel(browser, pick([FRANKFURT, SYDNEY, DENVER])).navigate("/page"),
        refresh: (browser) => own(browser, "/auth/refresh"),
        logout: (browser) => own(browser, "/auth/logout"),
        "admin refresh": (_, id) => admin(`/sessions/${id}/refresh`, { method: "POST" }),
        "admin migrate": (_, id) => admin(`/sessions/${id}/migrate`, { method: "POST", json: { region: pick(["oc", "me", "sam"]) } }),
        "admin revoke": (_, id) => admin(`/sessions/${id}`, { method: "DELETE" }),
        "admin revoke all": () => admin("/users/ada/sessions", { method: "DELETE" }),
      };
      const often = ["login", "use", "travel", "travel", "refresh", "admin refresh", "admin migrate", "admin migrate"];
      await browsers[0].login({ hint: "ada" });
      for (let i = 0; i < 30; i += 1) {
        for (const browser of browsers) {
          if (browser.session) ids.add(actorOf(browser.session));
          for (const { name, value } of browser.jar().cookies) {
            secrets.add(value);
            if (name === browser.names.session) secrets.add(value.split(".")[2]);
          }
        }
        const step = random() < 0.75 ? pick(often) : pick(Object.keys(steps));
        walk.push(step);
        await steps[step](pick(browsers), pick([...ids]));
        await admin("/users/ada/sessions");
        for (const id of ids) await admin(`/sessions/${id}`);
      }
      assert.ok(told.length > 100 && told.some(([, text]) => text.includes('"ledger"')));
      assertSilent(told, [...secrets, ...secretsOf(provider)], `SEED=${seed} ${walk.join(", ")}:`);
    });
  }
});
