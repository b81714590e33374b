// The session's actor of the hand-written token handler. The grant is in memory; storage is read once, when the actor starts,
// and written at the login, at a refresh and at most once a minute for the last use.
import { DurableObject } from "cloudflare:workers";
import { createHash, timingSafeEqual } from "node:crypto";
import { tokens } from "./provider.js";

export const LIFETIME = 12 * 3_600_000;
const IDLE = 30 * 60_000;
const NOTE = 60_000;

// In the same turn: `crypto.subtle` would make each request wait for a promise more.
const digest = (secret) => createHash("sha256").update(secret).digest();

export class Session extends DurableObject {
  #record = this.ctx.storage.kv.get("record");
  #used = this.#record?.used ?? 0;
  #refreshing;

  /** Begins the session that a login has led to. */
  begin(secret, subject, grant) {
    this.#used = Date.now();
    this.#write({ hash: digest(secret), subject, ends: this.#used + LIFETIME, ...grant });
    this.ctx.storage.setAlarm(this.#used + IDLE);
  }

  /** The `Authorization` of a request: at once while the token is fresh, undefined where the secret is not this session's. */
  token(secret) {
    const record = this.#record;
    if (record === undefined || !timingSafeEqual(digest(secret), record.hash)) return undefined;
    const now = Date.now();
    if (now >= Math.min(record.ends, this.#used + IDLE)) return this.#end();
    this.#used = now;
    if (now - record.used > NOTE) this.#write(record);
    if (now < record.renewAt) return record.authorization;
    // All who come meanwhile share one refresh; a token that lives on is used until the new one is there.
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return now < record.expires ? record.authorization : this.#refreshing;
  }

  /** The user logs out. */
  logout(secret) {
    if (this.#record !== undefined && timingSafeEqual(digest(secret), this.#record.hash)) this.#end();
  }

  alarm() {
    const due = this.#record === undefined ? 0 : Math.min(this.#record.ends, this.#used + IDLE);
    if (due <= Date.now()) this.#end();
    else this.ctx.storage.setAlarm(due);
  }

  async #refresh() {
    const { refresh } = this.#record;
    try {
      const { grant } = await tokens(this.env, { grant_type: "refresh_token", refresh_token: refresh });
      // A logout may have ended the session meanwhile.
      if (this.#record !== undefined) this.#write({ ...this.#record, ...grant, refresh: grant.refresh ?? refresh });
    } catch (error) {
      if (error.code === "invalid_grant") this.#end();
    }
    const record = this.#record;
    return record !== undefined && Date.now() < record.expires ? record.authorization : undefined;
  }

  #write(record) {
    this.#record = { ...record, used: this.#used };
    this.ctx.storage.kv.put("record", this.#record);
  }

  #end() {
    this.#record = undefined;
    this.ctx.storage.deleteAlarm();
    this.ctx.storage.deleteAll();
  }
}
