// What the Worker reads from its environment. The configuration table of the project's README says what each means.

/** The variables, as `vars` and secrets give them. */
export interface Variables {
  /** `team` and `aud` of the application of Cloudflare Access in front of ADMIN_ORIGIN. */
  ADMIN_ACCESS?: string | { team: string; aud: string };
  ADMIN_ORIGIN?: string;
  /** A secret. */
  ADMIN_TOKEN?: string;
  APPLE_KEY_ID?: string;
  /** A secret. */
  APPLE_PRIVATE_KEY?: string;
  APPLE_TEAM_ID?: string;
  AUTH0_DOMAIN?: string;
  AUTH0_LOGOUT_FEDERATED?: string;
  AUTH_PREFIX?: string;
  BRAND?: string | { name?: string; logo?: string; colour?: string; language?: "en" | "de" };
  CAPTCHA_ACTION?: string;
  /** A secret. */
  CAPTCHA_SECRET?: string;
  CAPTCHA_SITE_KEY?: string;
  CAPTCHA_VERIFY_URL?: string;
  COGNITO_DOMAIN?: string;
  COOKIE_PREFIX?: string;
  COOKIE_SAME_SITE?: string;
  /** A secret. */
  DATABASE_URL?: string;
  DEFAULT_REGION?: string;
  DEVICE_GRACE_SECONDS?: string;
  DEVICE_POLICY?: "refuse" | "end" | "off";
  IDENTITY_HEADERS?: string | Record<string, string>;
  JURISDICTION?: string;
  JWKS?: string;
  JWKS_URI?: string;
  JWT_AUDIENCE?: string;
  JWT_ISSUER?: string;
  JWT_ISSUERS?: string | Record<string, unknown>[];
  LOGIN_TIMEOUT_SECONDS?: string;
  LOG_SUBJECT?: string;
  OIDC_AUDIENCE?: string;
  OIDC_AUTHORIZATION_PARAMS?: string | Record<string, string>;
  OIDC_CLIENT_ID?: string;
  /** A secret. */
  OIDC_CLIENT_KEY?: string;
  /** A secret. */
  OIDC_CLIENT_SECRET?: string;
  OIDC_DISCOVERY_URL?: string;
  OIDC_ID_TOKEN_ALG?: string;
  OIDC_ISSUER?: string;
  OIDC_NONCE?: string;
  OIDC_PAR?: string;
  OIDC_RESOURCE?: string;
  OIDC_RESPONSE_MODE?: string;
  OIDC_REUSE_LEEWAY_SECONDS?: string;
  OIDC_SCOPES?: string;
  OIDC_TENANTS?: string;
  OIDC_TOKEN_AUTH?: string;
  OIDC_TRUSTED_AUDIENCES?: string;
  PROVIDER?: string;
  PROVIDERS?: string | Record<string, unknown>[];
  /** It continues PROVIDERS. */
  [more: `PROVIDERS_${number}`]: string | Record<string, unknown>[] | undefined;
  PUBLIC_ORIGIN?: string;
  REGION_GRACE_SECONDS?: string;
  REGION_MIN_STAY_SECONDS?: string;
  REGION_POLICY?: string;
  ROUTES?: string | object[];
  SESSIONS_PER_USER?: string;
  SESSION_ABSOLUTE_SECONDS?: string;
  SESSION_IDLE_SECONDS?: string;
  SESSION_STORE?: string;
  /** A secret. */
  STATE_KEYS?: string;
  STREAM_CHECK_SECONDS?: string;
  UPSTREAM?: string;
  UPSTREAM_TIMEOUT_SECONDS?: string;
  WORKOS_API_HOST?: string;
  /** A secret. */
  WORKOS_API_KEY?: string;
  WORKOS_CLIENT_ID?: string;
}

/** The bindings. `Bindings<DurableObjectNamespace, KVNamespace, Hyperdrive, RateLimit, AnalyticsEngineDataset>` names their types. */
export interface Bindings<Namespace = unknown, Kv = unknown, Database = unknown, Limit = unknown, Dataset = unknown> {
  SESSIONS: Namespace;
  DIRECTORY: Namespace;
  SESSION_KV?: Kv;
  SESSION_DB?: Database;
  LOGIN_LIMIT?: Limit;
  METRICS?: Dataset;
}

/** The Worker's environment. */
export type Env = Variables & Bindings;

/** A session's Durable Object. */
export declare class SessionActor {}
/** The Durable Object of a user's sessions. */
export declare class RegionDirectory {}

/** For other Workers, by a service binding with `entrypoint = "Sessions"`. */
export declare class Sessions {
  /** Who has sent this request: what `GET /auth/session` answers to its headers, or null. It rejects where nobody can tell now. */
  session(request: Request): Promise<Session | null>;
}

/** Who is logged in. Times are RFC 3339 in UTC. */
export interface Session {
  subject: string;
  issuer: string;
  claims: Record<string, unknown>;
  region: string;
  created_at: string;
  idle_expires_at: string;
  expires_at: string;
  access_token_expires_at: string | null;
  /** The name in PROVIDERS of the provider that the user logged in at; null where there is no such table. */
  provider: string | null;
}

declare const gateway: { fetch(request: Request, env: Env, context: unknown): Response | Promise<Response> };
export default gateway;
