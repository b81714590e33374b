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

/** The codes of a 401 that a login cures. Another 401 is the application's own. */
const NO_SESSION = new Set(["login_required", "session_ended"]);
const CHANNEL = "edge-oauth-sessions";
/** A tab that logs out says so before the gateway has done it: others look again so many ms later. */
const AFTER_LOGOUT = 2000;

type Listener = (session: Session | null) => void;

interface Problem {
  code?: string;
  detail?: string;
}

async function problemOf(response: Response): Promise<Problem | undefined> {
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("application/problem+json")) return undefined;
  return (await response.clone().json().catch(() => undefined)) as Problem | undefined;
}

async function hasNoSession(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const code = (await problemOf(response))?.code;
  return code !== undefined && NO_SESSION.has(code);
}

/** A client of the gateway that this page came through. */
export class Client {
  readonly #prefix: string;
  readonly #listeners = new Set<Listener>();
  readonly #channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(CHANNEL);
  /** What listeners were told last; none before the first look. */
  #told: string | undefined;

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
    const back = returnTo ?? location.pathname + location.search + location.hash;
    const query = new URLSearchParams({ return_to: back });
    if (prompt !== undefined) query.set("prompt", prompt);
    if (loginHint !== undefined) query.set("login_hint", loginHint);
    if (provider !== undefined) query.set("provider", provider);
    return `${this.#prefix}/login?${query}`;
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

  /** `fetch`. Where the gateway answers that there is no session, the page goes to log in and comes back to where it is. */
  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init);
    if (!(await hasNoSession(response))) return response;
    this.#tell(null);
    this.login();
    // The page is about to go. What waits for this answer is not told that it failed.
    return new Promise<Response>(() => {});
  };

  /**
   * Calls `listener` each time somebody else is logged in, or nobody is any more: after a login or logout in another tab, and when
   * the page comes back to the front. The function that it returns ends that.
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
    if (on) this.#look();
  }

  readonly #hear = ({ data }: MessageEvent): void => {
    if (data === "leaving") setTimeout(this.#look, AFTER_LOGOUT);
    else this.#look();
  };

  /** Looks whether something has changed. */
  readonly #look = (): void => {
    if (document.visibilityState === "hidden" && this.#told !== undefined) return;
    // The gateway may be unavailable. The next look tells.
    this.#ask().then(
      (session) => this.#tell(session),
      () => undefined,
    );
  };

  async #ask(): Promise<Session | null> {
    const answer = await fetch(`${this.#prefix}/session`, { headers: { accept: "application/json" }, cache: "no-store" }).catch(
      (error: unknown) => new GatewayError(0, undefined, String(error)),
    );
    if (answer instanceof GatewayError) throw answer;
    if (answer.ok) return (await answer.json()) as Session;
    if (await hasNoSession(answer)) return null;
    const problem = await problemOf(answer);
    throw new GatewayError(answer.status, problem?.code, problem?.detail ?? `the gateway answers ${answer.status}`);
  }

  #tell(session: Session | null): void {
    const who = session === null ? "nobody" : JSON.stringify([session.issuer, session.subject, session.created_at]);
    if (who === this.#told) return;
    const isFirst = this.#told === undefined;
    this.#told = who;
    // A page that opens may be what a login in this tab led to.
    this.#channel?.postMessage("changed");
    if (isFirst) return;
    for (const listener of this.#listeners) listener(session);
  }
}
