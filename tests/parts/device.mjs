// A browser's part of Device Bound Session Credentials, done by hand: for what Chromium cannot be made to do.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { jwt } from "./jwt.mjs";

export const BOUND = "__Host-session-bound";

/** What an answer offers: `{ path, challenge }`, or undefined. */
export function offerOf({ headers }) {
  const line = headers["secure-session-registration"];
  const match = line && /^\(ES256\);path="([^"]+)";challenge="([^"]+)"$/.exec(line);
  assert.ok(!line || match, `the offer has another form: ${line}`);
  return match ? { path: match[1], challenge: match[2] } : undefined;
}

/** The challenge of an answer, and whose it is. */
export function challengeOf({ headers }) {
  const match = /^"([^"]+)";id="([^"]+)"$/.exec(headers["secure-session-challenge"] ?? "");
  assert.ok(match, `no challenge: ${headers["secure-session-challenge"]}`);
  return { challenge: match[1], id: match[2] };
}

/** A device with its key. */
export class Device {
  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.key = { alg: "ES256", privateKey };
    const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
    this.jwk = { kty, crv, x, y };
  }

  /** A proof of possession; `header` and `claims` are what is different about it. */
  proof(challenge, { header, claims, key = this.key } = {}) {
    return jwt({ alg: "ES256", typ: "dbsc+jwt", ...header }, { jti: challenge, ...claims }, key);
  }

  /** The registration for a challenge, as a browser sends it. */
  register(browser, challenge, { headers, ...proof } = {}) {
    const response = this.proof(challenge, { ...proof, header: { jwk: this.jwk, ...proof.header } });
    return send(browser, "/auth/device/register", { "secure-session-response": response, ...headers });
  }

  /** Binds the session of a browser that has just logged in. */
  async bind(browser) {
    const callback = browser.hops.find(({ url }) => url.pathname === "/auth/callback");
    const answer = await this.register(browser, offerOf(callback).challenge);
    assert.equal(answer.status, 200, answer.text);
    this.id = answer.json().session_identifier;
    return answer;
  }

  /** A renewal: without `challenge` it asks for one. */
  renew(browser, { challenge, id = this.id, headers, ...proof } = {}) {
    const response = challenge && { "secure-session-response": this.proof(challenge, proof) };
    return send(browser, "/auth/device/refresh", { "sec-secure-session-id": id, ...response, ...headers });
  }
}

/** The browser itself sends this, and no page. */
const send = (browser, path, headers) => browser.api(path, { method: "POST", headers: { "sec-fetch-mode": "no-cors", ...headers } });

/** Takes the proof away, as its end would. */
export function loseProof(browser) {
  const jar = browser.jar();
  jar.cookies = jar.cookies.filter(({ name }) => name !== BOUND);
}
