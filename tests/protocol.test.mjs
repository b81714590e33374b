// Bytes that are no message, sent straight to an actor: each gets a reply that says so, at once, and the session
// that lives there doesn't mind.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { actorOf, actorProbe, ask } from "./parts/actors.mjs";
import { MESSAGES } from "./parts/messages.mjs";
import { createWorld } from "./parts/world.mjs";

const VERSION = 1;
/** A `GetToken` message: its number, a secret of 32 bytes, and no region. */
const GET = [VERSION, MESSAGES.GetToken, ...Buffer.alloc(32, 0xab), 0];

describe("protocol", () => {
  let world;
  before(async () => {
    world = await createWorld(undefined, { hostile: true, probe: await actorProbe() });
  });
  after(() => world.close());

  /** The reply is bytes of our version that say more than nothing: a refusal, typed. */
  async function refusalOf(id, bytes) {
    const began = Date.now();
    const { status, bytes: reply, isBytes, text } = await ask(world.gateway, id, bytes);
    assert.equal(status, 200, text);
    assert.ok(isBytes);
    assert.equal(reply[0], VERSION);
    assert.ok(reply.length > 1, "not empty");
    assert.equal(reply[1], 1, "an error");
    assert.ok(Date.now() - began < 2000);
    return reply.toString("hex");
  }

  const garbage = {
    nothing: [],
    "a version alone": [VERSION],
    "version 0": [0, ...GET.slice(1)],
    "version 2": [2, ...GET.slice(1)],
    "version 255": [255],
    "a variant that there is not": [VERSION, 200],
    "a variant of many bytes": [VERSION, 253, 255, 255, 255, 255, 255, 255, 255, 255],
    "a message cut short": GET.slice(0, -1),
    "a byte behind the message": [...GET, 0],
    "a second message behind the first": [...GET, ...GET],
    "a length beyond all memory": [VERSION, 0, 253, 255, 255, 255, 255, 255, 255, 255, 127],
    "text that is no UTF-8": [VERSION, 0, 2, 0xc3, 0x28],
    "what asks for a deliberate panic in a test build": [VERSION, 255],
    "100 kB of zeros": new Uint8Array(100_000),
    "5 MB of ones": new Uint8Array(5 << 20).fill(1),
  };
  for (const [what, bytes] of Object.entries(garbage)) {
    test(`${what} gets a typed error from a session and from an actor that never was, and no panic`, async () => {
      const browser = await world.login();
      await refusalOf(actorOf(browser.session), bytes);
      await refusalOf("new", bytes);
      assert.ok(await world.token(browser), "the session goes on");
    });
  }

  test("an unknown version, a garbled message and trailing bytes are told apart", async () => {
    const browser = await world.login();
    const id = actorOf(browser.session);
    const kinds = [await refusalOf(id, [2]), await refusalOf(id, GET.slice(0, -1)), await refusalOf(id, [...GET, 0])];
    assert.equal(new Set(kinds).size, 3, kinds.join(" "));
  });

  test("200 random messages get 200 replies", async () => {
    const browser = await world.login();
    const id = actorOf(browser.session);
    for (let i = 0; i < 200; i += 1) {
      // It follows the variants that change nothing: only the inside of a message is random.
      const bytes = Buffer.concat([Buffer.from([VERSION, i % 8]), randomBytes(i)]);
      const { status, bytes: reply, text } = await ask(world.gateway, id, bytes);
      assert.equal(status, 200, `${bytes.toString("hex")}: ${text}`);
      assert.equal(reply[0], VERSION);
      assert.ok(reply.length > 1);
    }
    assert.ok(await world.token(browser));
  });

  test("a well-formed message with a wrong secret is answered like one to an actor that never was", async () => {
    const browser = await world.login();
    const known = await ask(world.gateway, actorOf(browser.session), GET);
    const never = await ask(world.gateway, "new", GET);
    assert.equal(known.bytes.toString("hex"), never.bytes.toString("hex"));
    assert.equal(known.bytes[0], VERSION);
    assert.ok(await world.token(browser));
  });

  test("nothing of it is written down as an event", async () => {
    const before = world.gateway.events.length;
    for (const bytes of [[2], [VERSION, 200], GET.slice(0, -1)]) await refusalOf("new", bytes);
    assert.equal(world.gateway.events.length, before);
  });
});
