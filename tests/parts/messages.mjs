// The numbers of the messages to session actors: a test that holds a message up, or loses it, knows it by its number. A native
// test checks that they are the protocol's (src/actors/golden.rs).
import { readFileSync } from "node:fs";

const names = JSON.parse(readFileSync(new URL("messages.json", import.meta.url), "utf8"));

/** By name; a message's bytes are the wire's version, its number, and what it says. */
export const MESSAGES = Object.fromEntries(names.SessionActor.map((name, number) => [name, number]));
