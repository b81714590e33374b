// What a session does whatever the provider is: one list of tests, run against each kind.
import { after, before, describe, test } from "node:test";
import { KINDS } from "./parts/kinds.mjs";
import { sessionTests } from "./parts/session-tests.mjs";

describe("kinds", { concurrency: 2 }, () => {
  for (const [kind, start] of Object.entries(KINDS)) describe(kind, { concurrency: 3 }, () => {
    const list = sessionTests(kind, start);
    before(list.before);
    after(list.after);
    for (const [title, body] of list.tests) test(title, body);
  });
});
