// The message protocol, from outside: whatever bytes an actor gets, it answers with a typed error and lives on.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { world } from "./parts/world.mjs";

const VERSION = 1;
// A reply is Ok(…) or Err(Refusal::Wire(error)): version, Err, Wire, and the error's number.
const refusal = (error, ...more) => Uint8Array.of(VERSION, 1, 0, error, ...more);

test("a message of no or an unknown version, a garbled one, and one with trailing bytes get a typed error", async (t) => {
  const { gateway } = await world(t);
  const inspect = [VERSION, 5];
  for (const [bytes, expected] of [
    [[], refusal(0)], [[2, 5], refusal(1, 2)], [[0], refusal(1, 0)], [[255, 1, 2, 3], refusal(1, 255)], [[VERSION], refusal(3)], [[VERSION, 250], refusal(3)],
    [[VERSION, 2, 1, 2], refusal(3)], [[...inspect, 0], refusal(4)], [[VERSION, 3, 7], refusal(3)], [[VERSION, 253, 255, 255, 255, 255, 255, 255, 255, 255], refusal(3)],
  ]) {
    assert.deepEqual(await gateway.ask(bytes), expected, `${bytes}`);
  }
  // None: this actor never began.
  assert.deepEqual(await gateway.ask(inspect), Uint8Array.of(VERSION, 0, 0));
});

test("a message that is too long is refused", async (t) => {
  const { gateway } = await world(t);
  const bytes = Buffer.alloc((4 << 20) + 1, VERSION);
  assert.deepEqual(await gateway.ask(bytes), refusal(2));
});

test("random bytes never leave an actor without an answer, and a session beside them is unharmed", async (t) => {
  const { gateway, browser } = await world(t);
  const ada = browser();
  await ada.login();
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.concat([Buffer.of(VERSION, round % 8), randomBytes(round % 60)]);
    const reply = await gateway.ask(bytes, ada.actor);
    assert.equal(reply[0], VERSION, bytes.toString("hex"));
  }
  assert.equal((await ada.call("/x")).status, 200);
  assert.doesNotMatch(gateway.output, /panicked|unreachable/);
});

test("an administrator's view of a session holds no token, secret or code", async (t) => {
  const { gateway, browser, upstream } = await world(t);
  const ada = browser();
  const callback = await ada.toCallback();
  await ada.navigate(callback);
  const reply = Buffer.from(await gateway.ask([VERSION, 5], ada.actor)).toString("latin1");
  assert.match(reply, /ada/);
  assert.match(reply, /logged in/);
  const token = upstream.requests.at(-1).headers.authorization.slice(7);
  for (const secret of [token, ada.session.value.split(".")[2], new URL(callback).searchParams.get("code"), new URL(callback).searchParams.get("state")]) {
    assert.ok(!reply.includes(secret));
    assert.ok(!gateway.output.includes(secret));
  }
});
