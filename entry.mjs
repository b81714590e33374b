// The Worker's module. It declares the Durable Object classes, which JavaScript alone can extend, and
// delegates every call to the Rust object of the same name. All that it decides is what becomes of a call that was
// under way in a WebAssembly instance which has panicked.
import { DurableObject } from "cloudflare:workers";
import * as rust from "./build/index.js";

// After a panic the Rust side runs in a fresh WebAssembly instance: objects of the old one are refused
// before any of their code runs, so that the call can safely be made again on a new object.
const isStale = (error) => /stale object|Module terminated/.test(String(error?.message));

/** An actor class of which `Rust` is the implementation. */
const actor = (Rust) =>
  class extends DurableObject {
    #object = new Rust(this.ctx, this.env);

    async #call(method, argument) {
      try {
        return await this.#object[method](argument);
      } catch (error) {
        this.#object = new Rust(this.ctx, this.env);
        if (!isStale(error)) throw error;
        return await this.#object[method](argument);
      }
    }

    /** One message: the request's bytes in, the reply's bytes out. */
    ask(message) {
      return this.#call("ask", message);
    }

    alarm() {
      return this.#call("alarm");
    }
  };

export class SessionActor extends actor(rust.SessionActor) {}
export class RegionDirectory extends actor(rust.RegionDirectory) {}

// What worker-build's shim knows of the WebAssembly instance. A request that waited in an instance which has panicked
// would wait for ever: Rust's own time limits died with it.
const state = globalThis.__worker_init_state;
const LOOK_EVERY = 5000;

const lost = () =>
  Response.json(
    { type: "about:blank", title: "Sessions unavailable", status: 503, code: "store_unavailable", detail: "Sessions cannot be read at the moment.", ray: crypto.randomUUID() },
    { status: 503, headers: { "content-type": "application/problem+json", "cache-control": "no-store", "retry-after": "1" } },
  );

export default class extends rust.default {
  async fetch(request) {
    const instance = state.instanceId;
    let timer;
    const gone = new Promise((resolve) => {
      const look = () => {
        if (state.criticalError || state.instanceId !== instance) resolve(lost());
        else timer = setTimeout(look, LOOK_EVERY);
      };
      timer = setTimeout(look, LOOK_EVERY);
    });
    try {
      return await Promise.race([super.fetch(request), gone]);
    } finally {
      clearTimeout(timer);
    }
  }
}
