// The Worker's module. It declares the Durable Object classes, which JavaScript alone can extend, and delegates every call
// to the Rust object of the same name. Requests take the hot path first: see exchange.mjs. All that is decided here is what
// becomes of a call that was under way in a WebAssembly instance which has panicked.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { answer } from "./answer.mjs";
import * as rust from "./build/index.js";
import { call } from "./crossing.mjs";
import { exchange, NO_RECORD } from "./exchange.mjs";
import { counted, isCounted } from "./metrics.mjs";
import { packHead } from "./pack.mjs";

// Rust packs a request like the hot path does.
globalThis.packHead = packHead;

// After a panic the Rust side runs in a fresh WebAssembly instance: objects of the old one are refused
// before any of their code runs, so that the call can safely be made again on a new object.
const isStale = (error) => /stale object|Module terminated/.test(String(error?.message));

// What worker-build's shim knows of the WebAssembly instance, which it replaces at the first call after a panic.
const state = globalThis.__worker_init_state;

// What Rust has under way, with the instance that it is under way in: one that has panicked never comes back to it, and
// Rust's own time limits died with it.
const pendingCalls = new Set();

/** Lets go what waits in an instance that has panicked. The panic of one request or actor takes all others along. */
const releaseLost = () => {
  for (const waiting of pendingCalls) if (state.criticalError || waiting.instance !== state.instanceId) waiting.release();
};

// A panic in a callback reaches no caller. The shim has its listener first, and has noted the panic by now.
addEventListener("error", releaseLost);

const LOST = Symbol("lost");

/** The result of Rust's work, or LOST if its instance panics first. It resolves in the caller's own context. */
const orLost = async (work) => {
  const { promise, resolve } = Promise.withResolvers();
  const waiting = { instance: state.instanceId, release: () => resolve(LOST) };
  pendingCalls.add(waiting);
  try {
    return await Promise.race([work, promise]);
  } finally {
    pendingCalls.delete(waiting);
  }
};

// Streams outlive the request that opened them, and their watch dies in a panic: they would go on when their session is
// over, or stand still. Rust announces them here. Browsers connect again by themselves.

/** An event stream that is piped to `writable` until `stop`, which does not close it. */
globalThis.endWhenLost = async (piped, stop, writable) => {
  const ended = piped.catch(() => {});
  if ((await orLost(ended)) !== LOST) return;
  stop.abort();
  await ended;
  await writable.close().catch(() => {});
};

/** The two ends of a WebSocket, whose messages are handed on until `ended`. */
globalThis.closeWhenLost = async (ended, ...sockets) => {
  if ((await orLost(ended)) === LOST) for (const socket of sockets) socket.close(1013, "please connect again");
};

// Symbols: what has a name of its own is a remote method.
const [OBJECT, CREATE, GETTER, ANSWER, LOAD] = ["object", "create", "getter", "answer", "load"].map(Symbol);

/** Calls a method of an actor's Rust object. */
async function invoke(actor, method, argument) {
  const object = actor[OBJECT];
  try {
    const done = await orLost(object[method](argument));
    if (done === LOST) throw new Error("the WebAssembly instance has panicked meanwhile");
    return done;
  } catch (error) {
    releaseLost();
    // One object at a time: of several calls that fail together the first makes the new one.
    if (actor[OBJECT] === object) {
      actor[OBJECT] = actor[CREATE]();
      actor[GETTER] = undefined;
    }
    if (!isStale(error)) throw error;
    return await actor[OBJECT][method](argument);
  }
}

/** An actor class of which `Rust` is the implementation. */
const actor = (Rust) =>
  class extends DurableObject {
    [CREATE]() {
      return new Rust(this.ctx, this.env);
    }

    [OBJECT] = this[CREATE]();

    /** One message: the request's bytes in, the reply's bytes out. */
    ask(message) {
      return invoke(this, "ask", message);
    }

    alarm() {
      return invoke(this, "alarm");
    }
  };

export class SessionActor extends actor(rust.SessionActor) {
  /** A WebSocket that is told what becomes of the session. The gateway alone can reach this. */
  fetch(request) {
    return invoke(this, "listen", new URL(request.url).pathname);
  }

  /** Listeners are told, and not heard. */
  webSocketMessage() {}

  webSocketClose(socket) {
    socket.close();
  }

  webSocketError() {}

  /** The everyday question, as a line of text. An empty reply means: ask again by message. */
  get(line) {
    try {
      return this[ANSWER](line, true) ?? this[LOAD](line);
    } catch (error) {
      slowPath.notePanic(error);
      // After a panic it belongs to an instance that is gone.
      this[GETTER] = undefined;
      return "";
    }
  }

  /** The answer, or none: the record has to be read, which takes waiting. */
  [ANSWER](line, isFirst) {
    this[GETTER] ??= this[OBJECT].getter();
    return call(this[GETTER], line, isFirst);
  }

  async [LOAD](line) {
    await invoke(this, "load");
    return this[ANSWER](line, false) ?? NO_RECORD;
  }
}

export class RegionDirectory extends actor(rust.RegionDirectory) {}

const LOST_ANSWER = rust.HotPath.lost();
const RELEASE = rust.HotPath.release();

/** The answer, and the log line, of a request that a panic took along: what gateway/answer/failed_request.rs writes of others. */
const unavailable = (request) => {
  const ray = request.headers.get("cf-ray") ?? crypto.randomUUID();
  const text = LOST_ANSWER.join(JSON.stringify(ray).slice(1, -1));
  const { status, code, detail } = JSON.parse(text.slice(text.indexOf("\n\n")));
  // A log line does not name the user's subject.
  const path = new URL(request.url).pathname.replace(/(\/admin\/users\/)[^/]+/, "$1-").slice(0, 512);
  const why = `${detail} The WebAssembly instance panicked meanwhile.`;
  console.log(JSON.stringify({ event: "request", outcome: code, status, ray, method: request.method, path, route: null, detail: why, release: RELEASE }));
  return answer(text);
};

/** What Rust serves of this request, which waits for something. */
async function serveOrUnavailable(request, serve) {
  try {
    const served = await orLost(serve());
    return served === LOST ? unavailable(request) : served;
  } catch (error) {
    releaseLost();
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    return unavailable(request);
  }
}

/** What the hot path leaves to Rust. */
const slowPath = {
  unavailable,
  /** Lets others go where WebAssembly has panicked. */
  notePanic: (error) => {
    if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
    releaseLost();
  },
  serve: (request, env, context) => serveOrUnavailable(request, () => new rust.default(context, env).fetch(request)),
  resume: (packed, request, response, authorization, env, context) =>
    serveOrUnavailable(request, () => rust.HotPath.resume(packed, request, response, authorization, env, context)),
};

const gateway = {
  fetch(request, env, context) {
    if (isCounted(env)) return counted(env.METRICS, request, RELEASE, (times) => served(request, env, context, times));
    return served(request, env, context);
  },
};

function served(request, env, context, times) {
  try {
    return exchange(request, env, context, slowPath, times);
  } catch (error) {
    slowPath.notePanic(error);
    return slowPath.serve(request, env, context);
  }
}

export default gateway;

/** For other Workers, by a service binding with `entrypoint = "Sessions"`. */
export class Sessions extends WorkerEntrypoint {
  /** Who has sent this request: what `GET /auth/session` answers to its headers, or null. It rejects where nobody can tell now. */
  async session(request) {
    const url = new URL(`${this.env.AUTH_PREFIX || "/auth"}/session`, request.url);
    const headers = new Headers(request.headers);
    // The question has no body, and is no page's.
    for (const name of ["content-length", "content-type", "upgrade"]) headers.delete(name);
    headers.set("accept", "application/json");
    headers.set("sec-fetch-mode", "cors");
    headers.set("sec-fetch-dest", "empty");
    const answer = await gateway.fetch(new Request(url, { headers, cf: request.cf }), this.env, this.ctx);
    if (answer.ok) return answer.json();
    const { code, detail } = await answer.json().catch(() => ({}));
    if (answer.status === 401) return null;
    throw new Error(`${code ?? answer.status}: ${detail ?? "the gateway cannot tell"}`);
  }
}
