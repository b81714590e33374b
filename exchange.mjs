// The hot path of a request: it waits for its session and then for the application. src/gateway/plan.rs decides; this does what
// the plan says. A crossing into WebAssembly costs, so a request takes one, and one more in its session.
import { answer, isAnswer } from "./answer.mjs";
import { HotPath } from "./build/index.js";
import { call, callWithTwo } from "./crossing.mjs";
import { edit, edited } from "./edits.mjs";
import { pack, packForPlan } from "./pack.mjs";
import { session } from "./stubs.mjs";
import { release, watchOver, WOKEN } from "./watch.mjs";

const { plan, identify, judge, failed } = HotPath;
// What Rust looks at, and how long a session may take.
const WATCHED = HotPath.watched().split(",");
const ADDRESSES = HotPath.addresses().split(",");
const WATCHED_TYPE = HotPath.watched_type();
const ASK_LIMIT = HotPath.ask_limit();
/** The numbers of what can fail. */
const FAILURE = Object.fromEntries(HotPath.failures().split(",").map((name, number) => [name, number]));
/** Longer limits, in ms, are too long to keep what a visitor left behind. */
const LONG = 60_000;
/** What a session says whose record cannot be read now. */
export const NO_RECORD = "!";

/** The first letter of a plan: what is to be done. */
const FETCH = 70; // F
const ASK_AND_FETCH = 65; // A
const ASK_AND_KEEP = 78; // N

class Exchange {
  /** `rust` serves a request, and goes on with a response, where something has to be waited for. */
  constructor(request, packed, env, context, rust) {
    this.request = request;
    this.packed = packed;
    this.env = env;
    this.context = context;
    this.rust = rust;
    /** What is to be done, and how far it has been read. */
    this.plan = "";
    this.at = 0;
    this.authorization = "";
    this.cacheControl = "";
    /** Whether addresses in the response may have to be rewritten. */
    this.rewrites = false;
    /** What has failed when `due` is over. */
    this.failure = FAILURE.session;
    this.due = 0;
    this.done = false;
    /** Whether the application may have been asked. It is not asked again. */
    this.sent = false;
    this.resolve = undefined;
    this.outcome = undefined;
    this.reference = this;
    /** When the session and the application answered, where that is measured. */
    this.times = undefined;
    /** Its place in the watch. */
    this.slot = -1;
  }

  deref() {
    return this;
  }

  /** The answer to the request, once it is there or `due` is over. */
  answer() {
    watchOver(this, this.reference, this.context);
    const resolved = new Promise((resolve) => {
      this.resolve = resolve;
    });
    return resolved.then((outcome) => (outcome === WOKEN ? this.overdue() : outcome));
  }

  overdue() {
    // The answer may have come since the watch looked.
    if (this.outcome !== undefined) return this.outcome;
    if (this.due > Date.now()) return this.answer();
    this.done = true;
    return this.failed(this.failure);
  }

  limit(milliseconds, failure) {
    this.due = Date.now() + milliseconds;
    this.failure = failure;
  }

  finish(response) {
    if (this.done) return;
    this.done = true;
    release(this);
    this.outcome = response;
    this.resolve(response);
  }

  fail(failure) {
    // A failure after the time limit has been answered, and logged, already.
    if (!this.done) this.finish(this.failed(failure));
  }

  /** The answer to a request that Rust serves from its beginning. */
  serve() {
    return this.rust.serve(this.request, this.env, this.context);
  }

  /** The answer to a request that failed. */
  failed(failure) {
    try {
      const plan = call(failed, this.packed, failure);
      if (isAnswer(plan)) return answer(plan);
    } catch (error) {
      this.rust.notePanic(error);
    }
    return this.sent ? this.rust.unavailable(this.request) : this.serve();
  }

  /** Runs a step. The platform refuses some responses (a status above 599), and WebAssembly may panic. */
  step(method, argument) {
    try {
      method.call(this, argument);
    } catch (error) {
      // Its message may quote a header.
      if (!(error instanceof WebAssembly.RuntimeError)) console.error(`a step of the hot path failed: ${error.name}`);
      this.rust.notePanic(error);
      this.fail(FAILURE.unreachable);
    }
  }

  /** The next line of the plan. */
  line() {
    const from = this.at;
    const end = this.plan.indexOf("\n", from);
    this.at = end + 1;
    return this.plan.slice(from, end);
  }

  begin(plan) {
    this.plan = plan;
    if (plan.charCodeAt(0) === FETCH) return this.fetch(undefined);
    this.at = 1;
    this.limit(ASK_LIMIT, FAILURE.session);
    let asking;
    try {
      asking = session(this.env.SESSIONS, this.line()).get(this.line());
    } catch {
      return this.finish(this.serve());
    }
    asking.then(
      (reply) => this.step(this.replied, reply),
      // Rust asks once more, by message: a line changes nothing.
      () => this.done || this.finish(this.serve()),
    );
  }

  replied(reply) {
    if (this.done) return;
    if (this.times !== undefined) this.times.replied = Date.now();
    if (reply === "") return this.finish(this.serve());
    if (reply === NO_RECORD) return this.fail(FAILURE.store);
    this.authorization = reply;
    switch (this.plan.charCodeAt(0)) {
      case ASK_AND_FETCH:
        return this.fetch(reply);
      case ASK_AND_KEEP:
        return this.fetch(undefined);
      default: {
        this.authorization = reply.slice(0, reply.indexOf("\n"));
        const next = callWithTwo(identify, this.packed, reply);
        if (next.charCodeAt(0) !== FETCH) return this.finish(isAnswer(next) ? answer(next) : this.serve());
        this.plan = next;
        return this.fetch(undefined);
      }
    }
  }

  fetch(authorization) {
    const { request, plan } = this;
    if (plan.charCodeAt(0) === FETCH) this.at = 2;
    const binding = this.line();
    const url = this.line();
    const body = this.line();
    const cache = this.line();
    const limit = Number(this.line());
    this.cacheControl = this.line();
    this.rewrites = this.line() !== "";
    const headers = edited(request.headers, this.line(), plan, this.at);
    if (authorization !== undefined) headers.set("authorization", authorization);
    const init = { headers, redirect: "manual" };
    if (cache !== "") init.cache = cache;
    // With a GET's body no request can be made, but one that came can be sent on. It says its method.
    const own = body === "own" ? new Request(url, request) : undefined;
    if (own === undefined) init.method = request.method;
    const upload = own !== undefined || body === "none" ? null : request.body;
    try {
      if (upload === null) this.limit(limit, FAILURE.too_slow);
      else init.body = this.upload(upload, body, limit);
    } catch {
      return this.fail(FAILURE.body);
    }
    if (upload !== null || limit > LONG) this.weaken();
    this.sent = true;
    const fetching = binding === "" ? fetch(own ?? url, init) : this.env[binding].fetch(own ?? url, init);
    fetching.then(
      (response) => this.step(this.pass, response),
      () => this.fail(FAILURE.unreachable),
    );
  }

  /** From here on the watch holds this weakly: the platform does not say when a visitor leaves. */
  weaken() {
    this.reference = new WeakRef(this);
    if (this.slot < 0) return;
    release(this);
    watchOver(this, this.reference, this.context);
  }

  /** What the application reads of a body. Its time begins when all of that is sent: an upload takes as long as it takes. */
  upload(body, length, limit) {
    this.due = Infinity;
    const { readable, writable } = length === "some" ? new IdentityTransformStream() : new FixedLengthStream(BigInt(length));
    const sent = () => this.limit(limit, FAILURE.too_slow);
    body.pipeTo(writable).then(sent, sent);
    return readable;
  }

  pass(response) {
    if (this.done) return response.body?.cancel();
    if (this.times !== undefined) this.times.answered = Date.now();
    const { status } = response;
    // Nobody asked for another protocol, and of that there is no copy.
    if (status === 101) return this.judge(response);
    const copy = new Response(response.body, response);
    if (status === 401) return this.judge(copy);
    const { headers } = copy;
    for (const name of WATCHED) if (headers.has(name)) return this.judge(copy);
    if (this.rewrites) for (const name of ADDRESSES) if (headers.has(name)) return this.judge(copy);
    const type = headers.get("content-type");
    if (type !== null && type.slice(0, WATCHED_TYPE.length).toLowerCase() === WATCHED_TYPE) return this.judge(copy);
    if (this.cacheControl !== "") headers.set("cache-control", this.cacheControl);
    this.finish(copy);
  }

  /** Has Rust decide about a response whose headers can be changed. */
  judge(response) {
    const plan = callWithTwo(judge, this.packed, pack(response.headers), response.status);
    if (isAnswer(plan)) {
      response.body?.cancel();
      return this.finish(answer(plan));
    }
    if (plan === "") {
      const { packed, request, authorization, env, context } = this;
      return this.finish(this.rust.resume(packed, request, response, authorization, env, context));
    }
    edit(response.headers, plan);
    this.finish(response);
  }
}

/** Serves a request; `times` is where it notes when others have answered. */
export function exchange(request, env, context, rust, times) {
  const packed = packForPlan(request);
  const next = call(plan, packed);
  if (next === "") return rust.serve(request, env, context);
  if (isAnswer(next)) return answer(next);
  const waiting = new Exchange(request, packed, env, context, rust);
  waiting.times = times;
  const answered = waiting.answer();
  waiting.step(waiting.begin, next);
  return answered;
}
