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
/** Weakly: of a visitor who leaves nothing stays but this. The platform tells nobody that they have left. */
const waiting = new Set();
let lookedAt = 0;

/** Looks every second who has waited too long. */
async function watch() {
  const end = Date.now() + WATCH;
  do {
    lookedAt = Date.now();
    for (const reference of waiting) {
      const one = reference.deref();
      if (one === undefined) waiting.delete(reference);
      else if (one.due <= lookedAt) wake(reference, one);
    }
    await scheduler.wait(1000);
  } while (Date.now() < end);
  lookedAt = 0;
  // Those who still wait go on with it.
  for (const reference of waiting) wake(reference, reference.deref());
}

/** What one who waits does then runs in their own context, or, where they have left, not at all. */
function wake(reference, one) {
  waiting.delete(reference);
  one?.wake();
}

/** Somebody who waits, for whom `late` is called when `limit` is over. */
class Wait {
  constructor(context, limit, late) {
    this.context = context;
    this.late = late;
    this.due = Date.now() + limit;
    this.reference = new WeakRef(this);
    this.begin();
  }

  begin() {
    // A watch that has not looked for some seconds died with its request.
    if (Date.now() - lookedAt > 3000) this.context.waitUntil(watch());
    const { promise, resolve } = Promise.withResolvers();
    this.wake = resolve;
    promise.then(() => this.woken());
    waiting.add(this.reference);
  }

  woken() {
    if (this.late === undefined) return;
    if (this.due <= Date.now()) this.late();
    else this.begin();
  }

  end() {
    this.late = undefined;
    waiting.delete(this.reference);
  }
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
  constructor(request, packed, env, context, slowly, resolve) {
    Object.assign(this, { request, packed, env, context, slowly });
    this.authorization = "";
    this.done = false;
    this.resolve = resolve;
  }

  begin(plan) {
    if (plan.charCodeAt(0) === 70 /* F */) return this.fetch(plan, 2, undefined);
    const end = plan.indexOf("\n", 66);
    const [id, line] = [plan.slice(1, 65), plan.slice(66, end)];
    let asking;
    try {
      asking = session(this.env.SESSIONS, id).get(line);
    } catch {
      return this.slow();
    }
    this.wait = new Wait(this.context, ASK_LIMIT, () => this.fail(SESSION));
    asking.then(
      (reply) => this.replied(plan, end + 1, reply),
      (error) => {
        console.error("a session could not be reached:", error);
        this.fail(SESSION);
      },
    );
  }

  replied(plan, at, reply) {
    if (this.done) return;
    this.wait.end();
    if (reply === "") return this.slow();
    switch (plan.charCodeAt(0)) {
      case 65 /* A */:
        this.authorization = reply;
        return this.fetch(plan, at, reply);
      case 78 /* N */:
        this.authorization = reply;
        return this.fetch(plan, at, undefined);
      default: {
        this.authorization = reply.slice(0, reply.indexOf("\n"));
        const next = identify(this.packed, reply);
        if (next.charCodeAt(0) === 70 /* F */) return this.fetch(next, 2, undefined);
        return isAnswer(next) ? this.finish(answer(next)) : this.slow();
      }
    }
  }

  fetch(plan, at, authorization) {
    const [binding, url, cache, limit, cacheControl, removed, ...pairs] = plan.slice(at).split("\n");
    const headers = new Headers(this.request.headers);
    if (removed !== "") for (const name of removed.split(",")) headers.delete(name);
    for (const pair of pairs) {
      const comma = pair.indexOf(",");
      if (comma > 0) headers.set(pair.slice(0, comma), pair.slice(comma + 1));
    }
    this.cacheControl = cacheControl;
    let fetching;
    try {
      if (authorization !== undefined) headers.set("authorization", authorization);
      const init = { method: this.request.method, headers, redirect: "manual" };
      if (cache !== "") init.cache = cache;
      fetching = binding === "" ? fetch(url, init) : this.env[binding].fetch(url, init);
    } catch {
      return this.fail(UNREACHABLE);
    }
    this.wait = new Wait(this.context, Number(limit), () => this.fail(TOO_SLOW));
    fetching.then(
      (response) => this.pass(response),
      () => this.fail(UNREACHABLE),
    );
  }

  pass(response) {
    if (this.done) return;
    this.wait.end();
    const { status } = response;
    if (status === 101 || status === 401) return this.judge(response);
    const copy = new Response(response.body, response);
    const { headers } = copy;
    for (const name of WATCHED) if (headers.has(name)) return this.judge(copy);
    const type = headers.get("content-type");
    if (type?.length >= WATCHED_TYPE.length && type.slice(0, WATCHED_TYPE.length).toLowerCase() === WATCHED_TYPE) return this.judge(copy);
    if (this.cacheControl !== "") headers.set("cache-control", this.cacheControl);
    this.finish(copy);
  }

  judge(response) {
    const plan = judge(this.packed, response.status, pack(response.headers));
    if (isAnswer(plan)) {
      response.body?.cancel();
      return this.finish(answer(plan));
    }
    switch (plan.charCodeAt(0)) {
      case 69 /* E */: {
        const [removed, cacheControl, cookies, ...set] = plan.slice(1).split("\n");
        const copy = new Response(response.body, response);
        if (removed !== "") for (const name of removed.split(",")) copy.headers.delete(name);
        if (cacheControl !== "") copy.headers.set("cache-control", cacheControl);
        if (cookies === "replace") {
          copy.headers.delete("set-cookie");
          for (const line of set) if (line !== "") copy.headers.append("set-cookie", line);
        }
        return this.finish(copy);
      }
      default:
        return this.finish(this.slowly.resume(this.packed, this.request, response, this.authorization, this.env, this.context));
    }
  }

  slow() {
    this.finish(this.slowly.serve(this.request, this.env, this.context));
  }

  fail(failure) {
    if (this.done) return;
    const plan = failed(this.packed, failure);
    if (isAnswer(plan)) this.finish(answer(plan));
    else this.slow();
  }

  finish(response) {
    if (this.done) return;
    this.done = true;
    this.wait?.end();
    this.resolve(response);
  }
}

/** Serves a request. */
export function exchange(request, env, context, slowly) {
  const packed = packHead(request);
  const next = plan(packed);
  if (isAnswer(next)) return answer(next);
  if (next.charCodeAt(0) === 76 /* L */) return slowly.serve(request, env, context);
  return new Promise((resolve) => new Exchange(request, packed, env, context, slowly, resolve).begin(next));
}
