// Sealed records, as a store that cannot be trusted may hand them out.
import assert from "node:assert/strict";
import { inspect } from "./sessions.mjs";
import { actorOf } from "./actors.mjs";

/** What a sealed record says of itself: `{ version, generation, keyId }`. */
export function headerOf(sealed) {
  const length = sealed[9];
  return { version: sealed[0], generation: Number(sealed.readBigUInt64BE(1)), keyId: sealed.toString("utf8", 10, 10 + length) };
}

/** `sealed`, saying that it is of another generation. */
export function renumbered(sealed, generation) {
  const forged = Buffer.from(sealed);
  forged.writeBigUInt64BE(BigInt(generation), 1);
  return forged;
}

/**
 * What may have become of a record: `[what, make({ last, older, other }), why the ledger says]`. `older` is an earlier record of
 * the session, `other` the last one of another session.
 */
export const TAMPERINGS = [
  ["an older record of the session", ({ older }) => older, /generation \d+, and the last one written was/],
  ["an older record that says it is the last", ({ older, last }) => renumbered(older, headerOf(last).generation), /does not open/],
  ["another session's record", ({ other, last }) => renumbered(other, headerOf(last).generation), /does not open/],
  ["a record of a newer version", ({ last }) => Buffer.concat([Buffer.from([2]), last.subarray(1)]), /newer release/],
  ["a truncated record", ({ last }) => last.subarray(0, last.length - 1), /does not open/],
  ["a record cut to nothing", () => Buffer.from([1, 0, 0]), /corrupt/],
  ["a record with one bit changed", ({ last }) => Buffer.concat([last.subarray(0, -1), Buffer.from([last.at(-1) ^ 1])]), /does not open/],
  ["no record", () => undefined, /has no record/],
];

/** There is no session any more, a login is needed, and the ledger says why. */
export async function assertUnreadable(gateway, browser, why, what) {
  const headers = { cookie: browser.sessionHeader };
  const id = actorOf(browser.session);
  for (const method of ["GET", "POST"]) {
    const answer = await gateway.request(method === "GET" ? "/api" : "/auth/refresh", { method, headers: { ...headers, "sec-fetch-site": "same-origin" } });
    assert.equal(answer.status, 401, `${what}: ${answer.text}`);
    assert.equal(answer.json().code, "login_required", what);
  }
  const { ledger, state } = await inspect(gateway, id);
  assert.equal(state, "ended");
  assert.ok(ledger.some(({ outcome, detail }) => outcome === "unreadable" && why.test(detail)), `${what}: ${JSON.stringify(ledger)}`);
}
