// A client for pages behind the gateway: who is logged in, how to log in and out, and a `fetch` that logs in where it has to. The
// session itself is a cookie that no script can read.
import type { components } from "./openapi.js";

/** Who is logged in, as `GET /auth/session` says it. */
export type Session = components["schemas"]["Session"];
/** Why a session has ended. */
export type EndReason = components["schemas"]["EndReason"];

/** What `/login` takes beside where it leads back to. */
export interface LoginOptions {
  /** An address of this origin to come back to; the current one otherwise. */
  returnTo?: string;
  /** OpenID Connect's `prompt`, for example `select_account`. */
  prompt?: string;
  /** OpenID Connect's `login_hint`, for example an e-mail address. */
  loginHint?: string;
  /** The name of a provider, where the gateway has several. */
  provider?: string;
}

export interface ClientOptions {
  /** The gateway's `AUTH_PREFIX`. */
  prefix?: string;
}

/** The gateway could not say who is logged in. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  constructor(
    /** The HTTP status; 0: no answer. */
    readonly status: number,
    /** The code of the problem, for example `store_unavailable`. */
    readonly code: string | undefined,
    detail: string,
  ) {
    super(detail);
  }
}

/** The code of a 401 where the session is bound to a device, and nothing proves that this is the device. */
const NO_PROOF = "device_proof_required";
/** The codes of a 401 that a login cures. Another 401 is the application's own. */
const NO_SESSION = new Set(["login_required", "session_ended", NO_PROOF]);
const CHANNEL = "edge-oauth-sessions";
/** A tab that logs out says so before the gateway has done it: others look again so many ms later. */
const AFTER_LOGOUT = 2000;
/** A page that is being left may be logging out, through the provider: it looks again so many ms later, if it is still there. */
const AFTER_LEAVING = 10_000;

/** Close codes of `/events`: the session has ended, it has moved, a newer page took this one's place. */
const ENDED = 4001;
const MOVED = 4002;
const REPLACED = 4003;
/** The first pause after a lost connection, in ms; each is twice the last one, up to the longest. */
const PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
/** After so many lost connections in a row the page no longer tries by itself. */
const TRIES = 6;
/** A connection that lasted so many ms was a good one. */
const STEADY = 30_000;

type Listener = (session: Session | null) => void;

/** What `/events` says. */
interface Push {
  event?: string;
  reason?: string;
}

function pushOf(data: unknown): Push {
  try {
    return JSON.parse(String(data)) as Push;
  } catch {
    return {};
  }
}

interface Problem {
  code?: string;
  detail?: string;
  /** The login that the request needs, of a session that there is. */
  login?: string;
}

async function problemOf(response: Response): Promise<Problem | undefined> {
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("application/problem+json")) return undefined;
  return (await response.clone().json().catch(() => undefined)) as Problem | undefined;
}

/**
 * `fetch`, once more where the gateway misses the proof of the session's device: its answer has removed the cookie that was no proof, so
 * that the browser gets another one first. The application has not seen the first request.
 */
async function fetchProven(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const isRequest = typeof Request !== "undefined" && input instanceof Request;
  const again = isRequest ? input.clone() : input;
  const response = await fetch(input, init);
  // A stream can be sent once.
  if (response.status !== 401 || init?.body instanceof ReadableStream) return response;
  return (await problemOf(response))?.code === NO_PROOF ? fetch(again, init) : response;
}

/** The problem of an answer that a login cures. */
async function loginNeeded(response: Response): Promise<Problem | undefined> {
  if (response.status !== 401) return undefined;
  const problem = await problemOf(response);
  return problem?.code !== undefined && NO_SESSION.has(problem.code) ? problem : undefined;
}

/** Where this page is: its address at this origin. */
const here = (): string => location.pathname + location.search + location.hash;

/** How long to wait after so many lost connections in a row. Pages that lost theirs together come back one after the other. */
function pause(lost: number): number {
  return Math.min(LONGEST_PAUSE, PAUSE * 2 ** (lost - 1)) * (0.5 + Math.random() / 2);
}

/** A client of the gateway that this page came through. */
export class Client {
  readonly #prefix: string;
  readonly #listeners = new Set<Listener>();
  readonly #channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(CHANNEL);
  /** What listeners were told last; none before the first look. */
  #told: string | undefined;
  /** The connection by which the gateway says that the session has ended. */
  #socket: WebSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #lost = 0;
  /** When the page was last being left. */
  #leaving = -Infinity;

  constructor({ prefix = "/auth" }: ClientOptions = {}) {
    this.#prefix = prefix;
  }

  /** Who is logged in; null: nobody. Rejects with a {@link GatewayError} where the gateway cannot tell. */
  async session(): Promise<Session | null> {
    const session = await this.#ask();
    this.#tell(session);
    return session;
  }

  /** Goes to the provider to log in, and comes back. */
  login(options: LoginOptions = {}): void {
    location.assign(this.loginUrl(options));
  }

  /** The address of a login, for a link. */
  loginUrl({ returnTo, prompt, loginHint, provider }: LoginOptions = {}): string {
    const query = new URLSearchParams({ return_to: returnTo ?? here() });
    if (prompt !== undefined) query.set("prompt", prompt);
    if (loginHint !== undefined) query.set("login_hint", loginHint);
    if (provider !== undefined) query.set("provider", provider);
    return `${this.#prefix}/login?${query}`;
  }

  /** The login that an answer names. Any server can have sent that answer, so it leads to no other address than this gateway's `/login`. */
  #strongerLoginUrl(login: string): string {
    const query = new URLSearchParams(login.slice(login.indexOf("?") + 1));
    const sealed = query.get("step_up");
    return sealed === null ? this.loginUrl() : `${this.loginUrl()}&${new URLSearchParams({ step_up: sealed })}`;
  }

  /** Ends the session here and at the provider, and goes to `returnTo`, an address of this origin. */
  logout({ returnTo }: { returnTo?: string } = {}): void {
    const form = document.createElement("form");
    form.method = "post";
    form.action = `${this.#prefix}/logout${returnTo === undefined ? "" : `?${new URLSearchParams({ return_to: returnTo })}`}`;
    form.hidden = true;
    document.body.append(form);
    this.#channel?.postMessage("leaving");
    form.submit();
  }

  /**
   * `fetch`. Where the gateway answers that there is no session, or one of a login that is not enough, the page goes to log in and comes
   * back to where it is. Where it misses the proof of the session's device, the request is sent once more before that.
   */
  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const response = await fetchProven(input, init);
    const needed = await loginNeeded(response);
    if (needed === undefined) return response;
    if (needed.login === undefined) {
      this.#tell(null);
      this.login();
    } else {
      // The user is logged in, and has to do so in a stronger way, or once more.
      location.assign(this.#strongerLoginUrl(needed.login));
    }
    // The page is about to go. What waits for this answer is not told that it failed.
    return new Promise<Response>(() => {});
  };

  /**
   * Calls `listener` each time somebody else is logged in, or nobody is any more: at once when the session ends, wherever that was
   * done; after a login in another tab; and when the page comes back to the front. The function that it returns ends that.
   */
  onChange(listener: Listener): () => void {
    if (this.#listeners.size === 0) this.#watch(true);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#watch(false);
    };
  }

  #watch(on: boolean): void {
    const change = on ? "addEventListener" : "removeEventListener";
    document[change]("visibilitychange", this.#look);
    this.#channel?.[change]("message", this.#hear as EventListener);
    // An open connection would keep the browser from showing this page again at once when the user goes back.
    window[change]("pagehide", this.#disconnect);
    window[change]("beforeunload", this.#leave);
    window[change]("pageshow", this.#come);
    if (on) this.#look();
    else this.#disconnect();
  }

  /** Listens to the session that this page has, where somebody here wants to know. */
  #connect(): void {
    this.#stopWaiting();
    if (this.#socket !== undefined || this.#listeners.size === 0 || typeof WebSocket === "undefined") return;
    const since = Date.now();
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${this.#prefix}/events`);
    this.#socket = socket;
    const over = (code: number, reason?: string): void => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      if (Date.now() - since > STEADY) this.#lost = 0;
      if (code === REPLACED) return;
      // The cookie of the session that took this one's place is still on its way to the browser.
      if (code === ENDED && reason === "superseded") this.#lookIn(AFTER_LOGOUT);
      else if (code === ENDED) this.#lookNow();
      else if (code === MOVED && this.#lost++ === 0) this.#connect();
      else this.#later();
    };
    socket.onclose = ({ code }) => over(code);
    // A browser may report the close of a connection two seconds after what the gateway said last.
    socket.onmessage = ({ data }) => {
      const { event, reason } = pushOf(data);
      if (event === "ended") over(ENDED, reason);
      if (event === "moved") over(MOVED);
    };
  }

  /** Looks after a pause, and connects again if there still is a session. In the end it leaves that to the next look. */
  #later(): void {
    this.#lost += 1;
    if (this.#lost <= TRIES) this.#lookIn(pause(this.#lost));
  }

  #lookIn(ms: number): void {
    this.#stopWaiting();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#look();
    }, ms);
  }

  #stopWaiting(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  readonly #disconnect = (): void => {
    this.#stopWaiting();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  };

  readonly #leave = (): void => {
    this.#leaving = Date.now();
  };

  readonly #come = (): void => {
    this.#leaving = -Infinity;
    this.#look();
  };

  readonly #hear = ({ data }: MessageEvent): void => {
    if (data === "leaving") setTimeout(this.#look, AFTER_LOGOUT);
    else this.#look();
  };

  /** Looks whether something has changed. */
  readonly #look = (): void => {
    if (document.visibilityState !== "hidden" || this.#told === undefined) this.#lookNow();
  };

  readonly #lookNow = (): void => {
    // A listener that reloads the page would break off the navigation that logs out.
    if (Date.now() - this.#leaving < AFTER_LEAVING) return this.#lookIn(AFTER_LEAVING);
    this.#ask().then(
      (session) => this.#tell(session),
      // The gateway may be unavailable. The next look tells.
      () => {
        if (this.#listeners.size > 0 && this.#socket === undefined) this.#later();
      },
    );
  };

  async #ask(): Promise<Session | null> {
    const answer = await fetchProven(`${this.#prefix}/session`, { headers: { accept: "application/json" }, cache: "no-store" }).catch(
      (error: unknown) => new GatewayError(0, undefined, String(error)),
    );
    if (answer instanceof GatewayError) throw answer;
    if (answer.ok) return (await answer.json()) as Session;
    if (await loginNeeded(answer)) return null;
    const problem = await problemOf(answer);
    throw new GatewayError(answer.status, problem?.code, problem?.detail ?? `the gateway answers ${answer.status}`);
  }

  #tell(session: Session | null): void {
    const who = session === null ? "nobody" : JSON.stringify([session.issuer, session.subject, session.created_at]);
    // A connection listens to the session that it was made with.
    if (session === null || who !== this.#told) this.#disconnect();
    if (session !== null && this.#retry === undefined) this.#connect();
    if (who === this.#told) return;
    const isFirst = this.#told === undefined;
    this.#told = who;
    // A page that opens may be what a login in this tab led to.
    this.#channel?.postMessage("changed");
    if (isFirst) return;
    for (const listener of this.#listeners) listener(session);
  }
}
