// Signing keys, made once a process: a test is about what is done with them.
import { generateKeyPairSync } from "node:crypto";

const GENERATE = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  RS384: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  RS512: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS384: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS512: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  Ed25519: () => generateKeyPairSync("ed25519"),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

const made = new Map();

/** The key `kid` for `alg`: `{ kid, alg, privateKey, publicJwk, privateJwk }`. */
export function signingKey(alg, kid = `key-${alg}`) {
  const name = `${alg} ${kid}`;
  if (!made.has(name)) made.set(name, make(alg, kid));
  return made.get(name);
}

function make(alg, kid) {
  const { privateKey, publicKey } = GENERATE[alg]();
  const about = { kid, alg, use: "sig" };
  return {
    kid,
    alg,
    privateKey,
    publicJwk: { ...publicKey.export({ format: "jwk" }), ...about },
    privateJwk: { ...privateKey.export({ format: "jwk" }), ...about },
  };
}
