// The numbers of the messages to actors: a test that holds a message up, or loses it, knows it by its number. A native test
// checks that they are the protocol's (src/actors/golden.rs).
import { readFileSync } from "node:fs";

const names = JSON.parse(readFileSync(new URL("messages.json", import.meta.url), "utf8"));
const numbers = (list) => Object.fromEntries(list.map((name, number) => [name, number]));

/** Those to sessions, by name; a message's bytes are the wire's version, its number, and what it says. */
export const MESSAGES = numbers(names.SessionActor);
/** Those to directories. */
export const DIRECTORY_MESSAGES = numbers(names.RegionDirectory);
