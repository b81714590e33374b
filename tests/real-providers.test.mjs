// The list of session tests of kinds.test.mjs, against providers' own programs that Debian packages. `make test-all` installs them.
import { after, before, describe, test } from "node:test";
import { withIssued } from "./parts/kinds.mjs";
import { hasLemonldap, startLemonldap } from "./parts/lemonldap.mjs";
import { sessionTests } from "./parts/session-tests.mjs";

describe("real providers", { concurrency: 3 }, () => {
  if (!hasLemonldap()) return void test("lemonldap", { skip: "LemonLDAP::NG is not installed: scripts/install.sh providers" });
  const list = sessionTests("lemonldap", async (options) => withIssued(await startLemonldap(options)));
  before(list.before);
  after(list.after);
  for (const [title, body] of list.tests) test(title, body);
});
