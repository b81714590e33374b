// A scriptable provider for what a correct one will not do. It is valid by default; each of its answers, and each
// part of its ID tokens, can be replaced by a function. Sockets may hang, drop and drown the client.
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { jwt } from "./jwt.mjs";
import { signingKey } from "./keys.mjs";

/** An answer that never comes. */
export const HANG = Symbol("hang");
/** A connection that is closed without an answer. */
export const DROP = Symbol("drop");

const PATHS = {
  "/.well-known/openid-configuration": "discovery",
  "/jwks": "jwks",
  "/authorize": "authorization",
  "/par": "par",
  "/token": "token",
  "/userinfo": "userinfo",
  "/revoke": "revocation",
  "/logout": "endSession",
  // Auth0's own.
  "/oauth/revoke": "revocation",
  "/v2/logout": "v2Logout",
};
const random = () => randomBytes(24).toString("base64url");

/**
 * Starts the provider; options become its properties. `slash`: its issuer ends in one; `issuerPath`: what stands behind its origin;
 * `paths`: endpoints at other paths, too.
 */
export async function startHostileProvider(options = {}) {
  const provider = new HostileProvider(options);
  await new Promise((resolve) => provider.server.listen(options.port ?? 0, "127.0.0.1", resolve));
  provider.origin = `http://127.0.0.1:${provider.server.address().port}`;
  provider.issuer = `${provider.origin}${options.issuerPath ?? (options.slash ? "/" : "")}`;
  return provider;
}

class HostileProvider {
  clientId = "the-gateway";
  clientSecret = "client-secret";
  subject = "ada";
  accessTokenSeconds = 300;
  /** The key that signs, and the keys that are published. */
  key = signingKey("RS256");
  published = undefined;
  /** Replace parts of ID tokens: `claims(claims, grantType)`, `header(header)`, `sign(header, claims)`; `false`: none. */
  idToken = {};
  /**
   * Replace answers by endpoint: `async (valid, call) => answer`, where `valid()` makes the answer of a correct
   * provider. An answer is `{ status, headers, json | body }`, or HANG, or DROP.
   */
  answers = {};
  calls = Object.fromEntries(Object.values(PATHS).map((name) => [name, []]));
  /** Whether a used refresh token ends the grant, as rotation with reuse detection demands. */
  rotates = true;
  #codes = new Map();
  #pushed = new Map();
  #access = new Map();
  #refresh = new Map();

  /** `iss` of its authorization responses, where it is another one than the issuer; null: none. */
  callbackIssuer = undefined;

  constructor(options) {
    Object.assign(this, options);
    this.paths = { ...PATHS, ...options.paths };
    this.server = createServer((request, response) => this.#serve(request, response));
  }

  /** Every refresh token that was presented at the token endpoint, in order. */
  get presented() {
    return this.refreshes.map(({ params }) => params.refresh_token);
  }

  get refreshes() {
    return this.calls.token.filter(({ params }) => params.grant_type === "refresh_token");
  }

  get revoked() {
    return this.calls.revocation.map(({ params }) => params.token);
  }

  /** Nothing is left of what was asked. */
  forgetCalls() {
    for (const list of Object.values(this.calls)) list.length = 0;
  }

  /** Also an outage: `comeBack` ends it, and nothing is forgotten. */
  close() {
    return new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }

  /** Listens again, at the same address. */
  comeBack() {
    return new Promise((resolve) => this.server.listen(Number(new URL(this.issuer).port), "127.0.0.1", resolve));
  }

  async #serve(request, response) {
    const url = new URL(request.url, this.issuer);
    const endpoint = this.paths[url.pathname];
    if (!endpoint) return response.writeHead(404).end();
    let body = "";
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    const params = Object.fromEntries([...url.searchParams, ...form]);
    const call = { endpoint, params, form, headers: request.headers, at: Date.now(), gone: false };
    response.on("close", () => {
      call.gone = !response.writableFinished;
    });
    this.calls[endpoint].push(call);
    const valid = () => this.#valid(call);
    const answer = await (this.answers[endpoint] ? this.answers[endpoint](valid, call) : valid());
    call.answer = answer;
    if (answer === HANG) return;
    if (answer === DROP) return request.socket.destroy();
    write(response, answer);
  }

  #valid(call) {
    return this[`_${call.endpoint}`](call);
  }

  _discovery() {
    const at = (path) => `${this.origin}${path}`;
    return {
      json: {
        issuer: this.issuer,
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        jwks_uri: at("/jwks"),
        userinfo_endpoint: at("/userinfo"),
        revocation_endpoint: at("/revoke"),
        end_session_endpoint: at("/logout"),
        pushed_authorization_request_endpoint: at("/par"),
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256", "none"],
        scopes_supported: ["openid", "profile", "email", "offline_access"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        authorization_response_iss_parameter_supported: true,
        ...this.discovery,
      },
    };
  }

  _jwks() {
    return { json: { keys: this.published ?? [this.key.publicJwk] } };
  }

  _par({ params }) {
    const request_uri = `urn:ietf:params:oauth:request_uri:${random()}`;
    this.#pushed.set(request_uri, params);
    return { status: 201, json: { request_uri, expires_in: 60 } };
  }

  _authorization({ params }) {
    const asked = params.request_uri ? this.#pushed.get(params.request_uri) : params;
    const code = random();
    this.#codes.set(code, asked);
    const back = new URL(asked.redirect_uri);
    const iss = this.callbackIssuer === undefined ? this.issuer : this.callbackIssuer;
    for (const [name, value] of Object.entries({ code, state: asked.state, iss })) {
      if (value !== null) back.searchParams.set(name, value);
    }
    return { status: 303, headers: { location: back.href } };
  }

  _token({ params }) {
    const refused = (error) => ({ status: 400, json: { error } });
    if (params.grant_type === "refresh_token") {
      const known = this.#refresh.get(params.refresh_token);
      if (!known || known.used) return refused("invalid_grant");
      known.used = this.rotates;
      return this.#tokens(known.asked, params.grant_type);
    }
    const asked = this.#codes.get(params.code);
    this.#codes.delete(params.code);
    const challenge = createHash("sha256").update(params.code_verifier ?? "").digest("base64url");
    if (!asked || asked.code_challenge !== challenge) return refused("invalid_grant");
    return this.#tokens(asked, params.grant_type);
  }

  #tokens(asked, grantType) {
    const access_token = random();
    const refresh_token = random();
    this.#access.set(access_token, this.subject);
    this.#refresh.set(refresh_token, { asked, used: false });
    const id_token = this.#idToken(asked, grantType, access_token);
    return {
      headers: { "cache-control": "no-store" },
      json: { access_token, token_type: "Bearer", expires_in: this.accessTokenSeconds, refresh_token, id_token },
    };
  }

  #idToken(asked, grantType, accessToken) {
    if (this.idToken === false) return undefined;
    const now = Math.floor(Date.now() / 1000);
    const { claims = (c) => c, header = (h) => h, sign = (h, c) => jwt(h, c, this.key) } = this.idToken;
    const nonce = grantType === "authorization_code" ? asked.nonce : undefined;
    const plain = { iss: this.issuer, sub: this.subject, aud: this.clientId, iat: now, exp: now + 3600, nonce };
    return sign(header({ alg: this.key.alg, kid: this.key.kid }), claims(plain, grantType, accessToken));
  }

  _userinfo({ headers }) {
    const subject = this.#access.get(headers.authorization?.replace(/^Bearer /, ""));
    if (!subject) return { status: 401, headers: { "www-authenticate": "Bearer" }, body: "" };
    return { json: { sub: subject, name: "Ada Lovelace", email: "ada@example.com", email_verified: true } };
  }

  _revocation({ params }) {
    this.#refresh.delete(params.token);
    return { body: "" };
  }

  _v2Logout({ params }) {
    return { status: 302, headers: { location: params.returnTo } };
  }

  _endSession({ params }) {
    const back = new URL(params.post_logout_redirect_uri);
    if (params.state) back.searchParams.set("state", params.state);
    return { status: 303, headers: { location: back.href } };
  }
}

/** Sends an answer. */
export function write(response, { status = 200, headers = {}, json, body }) {
  // workerd repeats a GET whose kept connection breaks, once for each connection that it kept: no call could be counted.
  response.shouldKeepAlive = false;
  if (json !== undefined) {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(json));
    return;
  }
  response.writeHead(status, headers);
  if (body instanceof Readable) body.on("error", () => {}).pipe(response);
  else response.end(body);
}

/** A body of this many bytes, as fast as it is read; `sent()` says how many were. */
export function flood(bytes) {
  const piece = Buffer.alloc(65_536, " ");
  let sent = 0;
  const body = new Readable({
    read() {
      if (sent >= bytes) return void this.push(null);
      sent += piece.length;
      this.push(piece);
    },
  });
  return { body, sent: () => sent };
}
