// The numbers of the messages to session actors, read where they are declared: a test that holds a message up, or loses it,
// knows it by its number.
import { readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./process.mjs";

const source = readFileSync(path.join(ROOT, "src/actors/session/message/mod.rs"), "utf8");
const [, variants] = /pub enum SessionMessage \{([^}]*)\}/.exec(source);

/** By name; a message's bytes are the wire's version, its number, and what it says. */
export const MESSAGES = Object.fromEntries([...variants.matchAll(/^\s+(\w+)\(/gm)].map(([, name], number) => [name, number]));
