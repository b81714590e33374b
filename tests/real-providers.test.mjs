// The list of session tests of kinds.test.mjs, against providers' own programs that Debian packages. `make test-all` installs them.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hasGlewlwyd, startGlewlwyd } from "./parts/glewlwyd.mjs";
import { withIssued } from "./parts/kinds.mjs";
import { hasLemonldap, startLemonldap } from "./parts/lemonldap.mjs";
import { reasonOf } from "./parts/logout-token.mjs";
import { until } from "./parts/process.mjs";
import { sessionTests } from "./parts/session-tests.mjs";
import { createWorld } from "./parts/world.mjs";

const PROVIDERS = { glewlwyd: [hasGlewlwyd, startGlewlwyd], lemonldap: [hasLemonldap, startLemonldap] };
const NOT_INSTALLED = "it is not installed: scripts/install.sh providers";

describe("real providers", { concurrency: 2 }, () => {
  for (const [name, [isThere, start]] of Object.entries(PROVIDERS)) describe(name, { concurrency: 2 }, () => {
    if (!isThere()) return void test(name, { skip: NOT_INSTALLED });
    const list = sessionTests(name, async (options) => withIssued(await start(options)));
    before(list.before);
    after(list.after);
    for (const [title, body] of list.tests) test(title, body);
  });

  test("glewlwyd: a logout at the provider ends the session here by its logout token", { skip: !hasGlewlwyd() && NOT_INSTALLED }, async (t) => {
    const { gateway, provider, login } = await createWorld(t, { start: () => startGlewlwyd() });
    const browser = await login({ hint: "ada" });
    const cookie = browser.sessionHeader;
    const { id_token } = provider.calls.token.at(-1).answer.json;
    // Through another of its clients.
    await browser.navigate(`${provider.origin}/api/oidc/end_session?id_token_hint=${id_token}&post_logout_redirect_uri=${encodeURIComponent(`${gateway.origin}/auth/logged-out`)}`);
    await until("the logout token has come", async () => (await reasonOf(gateway, cookie)) !== "live");
    assert.equal(await reasonOf(gateway, cookie), "backchannel");
  });
});
