// The hot path of a request, for which src/gateway/plan.rs decides: this packs what came, does what the plan says, and
// decides nothing. A crossing into WebAssembly costs, and so there is one for a request and one for its session.
import { HotPath } from "./build/index.js";

const { plan, identify, judge, failed } = HotPath;
// What Rust looks at, and how long it waits.
const [FIELDS, BOT_FIELDS] = HotPath.fields().split(";").map((names) => names.split(","));
const WATCHED = HotPath.watched().split(",");
const WATCHED_TYPE = HotPath.watched_type();
const ASK_LIMIT = HotPath.ask_limit();
/** Failures, as Rust counts them. */
const SESSION = 0;
const UNREACHABLE = 1;
const TOO_SLOW = 2;
const STORE = 3;
/** What a session says whose record cannot be read now. */
export const NO_RECORD = "!";

// ---- Packing

let lines = "";
const collect = (value, name) => {
  lines += `${name},${value}\n`;
};

/** Headers, one a line. */
function pack(headers) {
  lines = "";
  headers.forEach(collect);
  return lines;
}

const text = (value) => (typeof value === "object" || value === undefined ? "" : value);

/** A request's head in one text. */
export function packHead(request) {
  lines = `${request.method}\n${request.url}\n`;
  request.headers.forEach(collect);
  lines += "\n";
  const cf = request.cf;
  if (cf) {
    for (const name of FIELDS) lines += `${text(cf[name])}\n`;
    const bot = cf.botManagement;
    lines += `${text(bot?.[BOT_FIELDS[0]])}\n${text(bot?.[BOT_FIELDS[1]])}`;
  }
  return lines;
}

// ---- Answers

/** Takes headers out: their names, with commas. */
function remove(headers, names) {
  if (names !== "") for (const name of names.split(",")) headers.delete(name);
}

const isAnswer = (plan) => plan.charCodeAt(0) === 80 /* P */ || plan.charCodeAt(0) === 84 /* T */;
/** The headers that all answers of a type have. */
const templates = new Map();

/** `(P | T)<status> LF (<name>,<value> LF)* LF <body>` as a response. */
function answer(plan) {
  const from = plan.indexOf("\n") + 1;
  const end = plan.indexOf("\n\n", from - 1);
  const block = plan.slice(from, end);
  let headers = templates.get(block);
  if (headers === undefined) {
    headers = new Headers();
    for (const pair of block.split("\n")) {
      const comma = pair.indexOf(",");
      headers.append(pair.slice(0, comma), pair.slice(comma + 1));
    }
    if (plan.charCodeAt(0) === 84 /* T */) templates.set(block, headers);
  }
  return new Response(plan.slice(end + 2) || null, { status: Number(plan.slice(1, from - 1)), headers });
}

// ---- Time limits. A timer for each request is dear: one watch wakes all who have waited too long.

/** How long a watch goes on: the platform ends what a request left behind some 30 s after its answer. */
const WATCH = 20_000;
/** What those who have waited too long hear, each in their own context. */
const WOKEN = Symbol("woken");
/** Weakly: of a visitor who leaves nothing stays but this. The platform tells nobody that they have left. */
const waiting = new Set();
let lookedAt = 0;
let latest = 0;

/** Looks every second who has waited too long. */
async function watch() {
  latest += 1;
  const mine = latest;
  const end = Date.now() + WATCH;
  do {
    lookedAt = Date.now();
    for (const reference of waiting) {
      const one = reference.deref();
      if (one === undefined || one.due <= lookedAt) wake(reference, one);
    }
    await scheduler.wait(1000);
    // After a pause of the machine there may be another one.
    if (mine !== latest) return;
  } while (Date.now() < end);
  lookedAt = 0;
  // Those who still wait go on with it.
  for (const reference of waiting) wake(reference, reference.deref());
}

function wake(reference, one) {
  waiting.delete(reference);
  one?.resolve(WOKEN);
}

// ---- A request that waits for its session and then for the application

const ids = new Map();

/** A session's stub. The platform refuses a forged id. What it has checked once is known. */
function session(namespace, id) {
  let known = ids.get(id);
  if (known === undefined) {
    known = namespace.idFromString(id);
    if (ids.size >= 1024) ids.clear();
    ids.set(id, known);
  }
  return namespace.get(known);
}

class Exchange {
  /** `slowly` has what serves a request, and what goes on with a response, that has to wait for something. */
  constructor(request, packed, env, context, slowly) {
    this.request = request;
    this.packed = packed;
    this.env = env;
    this.context = context;
    this.slowly = slowly;
    this.authorization = "";
    this.cacheControl = "";
    /** What it is when `due` is over. */
    this.failure = SESSION;
    this.due = 0;
    this.done = false;
    /** Whether the application may have been asked: it is not asked again. */
    this.sent = false;
    this.resolve = undefined;
    this.outcome = undefined;
    this.reference = new WeakRef(this);
  }

  /** The answer to the request, once it is there or `due` is over. */
  async answer() {
    for (;;) {
      // A watch that has not looked for some seconds died with its request.
      if (Date.now() - lookedAt > 3000) this.context.waitUntil(watch());
      waiting.add(this.reference);
      const outcome = await new Promise((resolve) => {
        this.resolve = resolve;
      });
      if (outcome !== WOKEN) return outcome;
      // The answer may have come between the call to wake and this.
      if (this.outcome !== undefined) return this.outcome;
      if (this.due > Date.now()) continue;
      this.done = true;
      return this.failed(this.failure);
    }
  }

  limit(milliseconds, failure) {
    this.due = Date.now() + milliseconds;
    this.failure = failure;
  }

  finish(response) {
    if (this.done) return;
    this.done = true;
    waiting.delete(this.reference);
    this.outcome = response;
    this.resolve(response);
  }

  fail(failure) {
    // Late is late: that has been said, and logged.
    if (!this.done) this.finish(this.failed(failure));
  }

  /** The answer to who is to wait for Rust. */
  slow() {
    return this.slowly.serve(this.request, this.env, this.context);
  }

  /** The answer to who has met with a failure. */
  failed(failure) {
    try {
      const plan = failed(this.packed, failure);
      if (isAnswer(plan)) return answer(plan);
    } catch (error) {
      this.slowly.panicked(error);
    }
    return this.sent ? this.slowly.unavailable(this.request) : this.slow();
  }

  /** Runs a step. The platform refuses some responses (a status above 599), and WebAssembly may panic. */
  step(work) {
    try {
      work();
    } catch (error) {
      this.slowly.panicked(error);
      this.fail(UNREACHABLE);
    }
  }

  begin(plan) {
    if (plan.charCodeAt(0) === 70 /* F */) return this.fetch(plan, 2, undefined);
    const end = plan.indexOf("\n", 66);
    this.limit(ASK_LIMIT, SESSION);
    let asking;
    try {
      asking = session(this.env.SESSIONS, plan.slice(1, 65)).get(plan.slice(66, end));
    } catch {
      return this.finish(this.slow());
    }
    asking.then(
      (reply) => this.step(() => this.replied(plan, end + 1, reply)),
      // By message it is asked once more: a line changes nothing.
      () => this.done || this.finish(this.slow()),
    );
  }

  replied(plan, at, reply) {
    if (this.done) return;
    if (reply === "") return this.finish(this.slow());
    if (reply === NO_RECORD) return this.fail(STORE);
    this.authorization = reply;
    switch (plan.charCodeAt(0)) {
      case 65 /* A */:
        return this.fetch(plan, at, reply);
      case 78 /* N */:
        return this.fetch(plan, at, undefined);
      default: {
        this.authorization = reply.slice(0, reply.indexOf("\n"));
        const next = identify(this.packed, reply);
        if (next.charCodeAt(0) === 70 /* F */) return this.fetch(next, 2, undefined);
        return this.finish(isAnswer(next) ? answer(next) : this.slow());
      }
    }
  }

  fetch(plan, at, authorization) {
    const [binding, url, body, cache, limit, cacheControl, removed, ...pairs] = plan.slice(at).split("\n");
    this.cacheControl = cacheControl;
    const upload = body === "none" ? null : this.request.body;
    const headers = new Headers(this.request.headers);
    remove(headers, removed);
    for (const pair of pairs) {
      const comma = pair.indexOf(",");
      if (comma > 0) headers.set(pair.slice(0, comma), pair.slice(comma + 1));
    }
    if (authorization !== undefined) headers.set("authorization", authorization);
    const init = { method: this.request.method, headers, redirect: "manual" };
    if (cache !== "") init.cache = cache;
    if (upload === null) this.limit(Number(limit), TOO_SLOW);
    else init.body = this.upload(upload, body, Number(limit));
    this.sent = true;
    const fetching = binding === "" ? fetch(url, init) : this.env[binding].fetch(url, init);
    fetching.then(
      (response) => this.step(() => this.pass(response)),
      () => this.fail(UNREACHABLE),
    );
  }

  /** What the application reads of a body. Its time begins when all of that is sent: an upload takes as long as it takes. */
  upload(body, length, limit) {
    this.due = Infinity;
    const { readable, writable } = length === "some" ? new IdentityTransformStream() : new FixedLengthStream(BigInt(length));
    const sent = () => this.limit(limit, TOO_SLOW);
    body.pipeTo(writable).then(sent, sent);
    return readable;
  }

  pass(response) {
    if (this.done) return;
    // Nobody asked for another protocol, and of that there is no copy.
    if (response.status === 101) return this.judge(response);
    const copy = new Response(response.body, response);
    if (copy.status === 401) return this.judge(copy);
    const { headers } = copy;
    for (const name of WATCHED) if (headers.has(name)) return this.judge(copy);
    const type = headers.get("content-type");
    if (type !== null && type.slice(0, WATCHED_TYPE.length).toLowerCase() === WATCHED_TYPE) return this.judge(copy);
    if (this.cacheControl !== "") headers.set("cache-control", this.cacheControl);
    this.finish(copy);
  }

  /** Has Rust decide about a response whose headers can be changed. */
  judge(response) {
    const plan = judge(this.packed, response.status, pack(response.headers));
    if (isAnswer(plan)) {
      response.body?.cancel();
      return this.finish(answer(plan));
    }
    if (plan.charCodeAt(0) === 76 /* L */) {
      const { packed, request, authorization, env, context } = this;
      return this.finish(this.slowly.resume(packed, request, response, authorization, env, context));
    }
    const [removed, cacheControl, cookies, ...lines] = plan.slice(1).split("\n");
    const { headers } = response;
    remove(headers, removed);
    if (cacheControl !== "") headers.set("cache-control", cacheControl);
    if (cookies === "replace") {
      headers.delete("set-cookie");
      for (const line of lines) if (line !== "") headers.append("set-cookie", line);
    }
    this.finish(response);
  }
}

/** Serves a request. */
export function exchange(request, env, context, slowly) {
  const packed = packHead(request);
  const next = plan(packed);
  if (isAnswer(next)) return answer(next);
  if (next.charCodeAt(0) === 76 /* L */) return slowly.serve(request, env, context);
  const waits = new Exchange(request, packed, env, context, slowly);
  const answered = waits.answer();
  waits.step(() => waits.begin(next));
  return answered;
}
