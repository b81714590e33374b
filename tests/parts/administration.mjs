// What an administrator does: calls under /auth/admin with the token, and the shapes that come back.
import assert from "node:assert/strict";
import { ADMIN_TOKEN } from "./gateway.mjs";

/** A call of an administrator; `token: undefined` makes it anybody's. */
export function administer(gateway, path, { method = "GET", json, body = json && JSON.stringify(json), headers, ...more } = {}) {
  if (path !== "" && !path.startsWith("/")) throw new Error(`${path}: a path begins with /`);
  const token = "token" in more ? more.token : ADMIN_TOKEN;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return gateway.request(`/auth/admin${path}`, { method, body, headers: { ...authorization, ...headers } });
}

/** The call that moves a session to this region, for `administer`. */
export const migration = (region) => ({ method: "POST", json: { region } });

/** The sessions of a user, the newest first. */
export async function sessionsOf(gateway, subject) {
  const answer = await administer(gateway, `/users/${encodeURIComponent(subject)}/sessions`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json().sessions;
}

/** One session, with its ledger. */
export async function inspect(gateway, id) {
  const answer = await administer(gateway, `/sessions/${id}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

/** The answer is this problem. */
export function assertProblem(answer, status, code, what) {
  assert.equal(answer.status, status, `${what ?? ""} ${answer.text}`);
  assert.equal(answer.headers["content-type"], "application/problem+json", what);
  assert.equal(answer.headers["cache-control"], "no-store", what);
  const problem = answer.json();
  assert.equal(problem.code, code, what);
  assert.equal(problem.status, status, what);
  for (const field of ["type", "title", "detail", "ray"]) assert.equal(typeof problem[field], "string", field);
  return problem;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Exactly the fields of a SessionSummary, and `more`. */
export function assertSummary(summary, more = []) {
  const fields = ["id", "region", "country", "state", "created_at", "last_used_at", "expires_at", "user_agent", "device", "provider", ...more];
  assert.deepEqual(Object.keys(summary).toSorted(), fields.toSorted());
  assert.match(summary.id, /^[0-9a-f]{64}$/);
  assert.ok(["active", "moved", "ended"].includes(summary.state), summary.state);
  for (const field of ["created_at", "expires_at"]) assert.match(summary[field], TIME, field);
  if (summary.last_used_at !== null) assert.match(summary.last_used_at, TIME);
}

/** Exactly the fields of a SessionDetail, and `more`. */
export function assertDetail(detail, more = []) {
  const fields = ["subject", "issuer", "store", "epoch", "generation", "next_alarm_at", "access_token_expires_at", "ledger"];
  assertSummary(detail, [...fields, ...more]);
  assert.ok(Number.isInteger(detail.epoch) && Number.isInteger(detail.generation));
  for (const field of ["next_alarm_at", "access_token_expires_at"]) {
    if (detail[field] !== null) assert.match(detail[field], TIME, field);
  }
  assert.ok(detail.ledger.length > 0);
  for (const entry of detail.ledger) {
    const by = entry.cause === "admin" ? ["by"] : [];
    assert.deepEqual(Object.keys(entry), ["at", "event", "outcome", "cause", ...by, "region", "duration_ms", "detail"]);
    assert.match(entry.at, TIME);
    assert.ok(["request", "alarm", "admin", "directory", "backchannel"].includes(entry.cause), entry.cause);
    assert.ok(Number.isInteger(entry.duration_ms) && entry.duration_ms >= 0);
    assert.ok(entry.detail.length > 0);
  }
}
