// The Worker's module. It declares the Durable Object classes, which JavaScript alone can extend, and
// delegates every call to the Rust object of the same name. All that it decides is what becomes of a call that was
// under way in a WebAssembly instance which has panicked.
import { DurableObject } from "cloudflare:workers";
import * as rust from "./build/index.js";

// After a panic the Rust side runs in a fresh WebAssembly instance: objects of the old one are refused
// before any of their code runs, so that the call can safely be made again on a new object.
const isStale = (error) => /stale object|Module terminated/.test(String(error?.message));

// What worker-build's shim knows of the WebAssembly instance, which it replaces at the first call after a panic.
const state = globalThis.__worker_init_state;

// The requests that Rust is serving, with the instance each of them waits in: one that has panicked never answers, and
// Rust's own time limits died with it.
const underWay = new Set();

/** Lets go what waits in an instance that has panicked. The panic of one request or actor takes all others along. */
const letGo = () => {
  for (const waiting of underWay) if (state.criticalError || waiting.instance !== state.instanceId) waiting.lost();
};

// A panic in a callback reaches no caller. The shim has its listener first, and has noted the panic by now.
addEventListener("error", letGo);

/** An actor class of which `Rust` is the implementation. */
const actor = (Rust) =>
  class extends DurableObject {
    #object = new Rust(this.ctx, this.env);

    async #call(method, argument) {
      try {
        return await this.#object[method](argument);
      } catch (error) {
        letGo();
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

const unavailable = () =>
  Response.json(
    { type: "about:blank", title: "Sessions unavailable", status: 503, code: "store_unavailable", detail: "Sessions cannot be read at the moment.", ray: crypto.randomUUID() },
    { status: 503, headers: { "content-type": "application/problem+json", "cache-control": "no-store", "retry-after": "1" } },
  );

export default class extends rust.default {
  async fetch(request) {
    const serving = super.fetch(request);
    const { promise, resolve } = Promise.withResolvers();
    const waiting = { instance: state.instanceId, lost: resolve };
    underWay.add(waiting);
    try {
      // Its answer is made here, in the request's own context: whoever lets it go is another one.
      return (await Promise.race([serving, promise])) ?? unavailable();
    } catch (error) {
      letGo();
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      return unavailable();
    } finally {
      underWay.delete(waiting);
    }
  }
}
