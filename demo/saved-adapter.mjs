// What the demo provider knows, in a file: logins survive a restart of `make dev`. One process alone uses it.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** The rows of all models by `<model>:<id>`, read from `file` and written there a little after each change. */
export function openStore(file) {
  const rows = new Map(existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : []);
  let timer;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    const now = Date.now() / 1000;
    const living = [...rows].filter(([, { expires }]) => expires === undefined || expires > now);
    // In one step: a file that is half written would be read as none.
    writeFileSync(`${file}.new`, JSON.stringify(living), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  return {
    rows,
    changed: () => (timer ??= setTimeout(write, 200)),
    close: () => timer && write(),
  };
}

/** The adapter of oidc-provider over such a store: a class for it to make instances of, one for each model. */
export const adapterOver = (store) =>
  class {
    constructor(model) {
      this.model = model;
    }

    #rows(wanted) {
      return [...store.rows].filter(([key, { payload }]) => key.startsWith(`${this.model}:`) && wanted(payload));
    }

    #found(payload, expires) {
      return expires !== undefined && expires <= Date.now() / 1000 ? undefined : payload;
    }

    async upsert(id, payload, expiresIn) {
      store.rows.set(`${this.model}:${id}`, { payload, expires: expiresIn && Math.floor(Date.now() / 1000) + expiresIn });
      store.changed();
    }

    async find(id) {
      const { payload, expires } = store.rows.get(`${this.model}:${id}`) ?? {};
      return this.#found(payload, expires);
    }

    async findByUid(uid) {
      const [[, { payload, expires }] = [undefined, {}]] = this.#rows((payload) => payload.uid === uid);
      return this.#found(payload, expires);
    }

    async findByUserCode(userCode) {
      const [[, { payload, expires }] = [undefined, {}]] = this.#rows((payload) => payload.userCode === userCode);
      return this.#found(payload, expires);
    }

    async consume(id) {
      const row = store.rows.get(`${this.model}:${id}`);
      if (row) row.payload.consumed = Math.floor(Date.now() / 1000);
      store.changed();
    }

    async destroy(id) {
      store.rows.delete(`${this.model}:${id}`);
      store.changed();
    }

    async revokeByGrantId(grantId) {
      for (const [key] of this.#rows((payload) => payload.grantId === grantId)) store.rows.delete(key);
      store.changed();
    }
  };
