// JSON Web Tokens as a test wants them, right or wrong: whatever header, whatever claims, signed or not.
import { createHash, sign } from "node:crypto";

const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** The header and the claims, signed by `key` (see keys.mjs); `header.alg` may say something else than the key. */
export function jwt(header, claims, key) {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signature(input, key).toString("base64url")}`;
}

/** Header and claims with this as the signature. */
export const jwtWith = (header, claims, signature) => `${encode(header)}.${encode(claims)}.${signature}`;

/** The claims of a token, unchecked. */
export const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

/** The same token with a signature that is wrong in one bit. */
export function withBrokenSignature(token) {
  const [header, claims, text] = token.split(".");
  const bytes = Buffer.from(text, "base64url");
  bytes[bytes.length >> 1] ^= 1;
  return `${header}.${claims}.${bytes.toString("base64url")}`;
}

/** `at_hash` of an access token (OpenID Connect Core 3.1.3.6) for algorithms with SHA-256. */
export const atHash = (accessToken) =>
  createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url");

function signature(input, { alg, privateKey }) {
  const digest = alg.startsWith("Ed") ? null : `sha${alg.slice(2)}`;
  const key = { key: privateKey };
  if (alg.startsWith("ES")) key.dsaEncoding = "ieee-p1363";
  if (alg.startsWith("PS")) Object.assign(key, { padding: 6, saltLength: -1 }); // RSA-PSS, salt as long as the digest
  return sign(digest, Buffer.from(input), key);
}
