// A scriptable provider, for what a correct one will not do. It behaves unless a test says otherwise: `script` holds
// the parts that a test has replaced.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { CompactSign, exportJWK, generateKeyPair } from "jose";

const now = () => Math.floor(Date.now() / 1000);
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A signing key: its public JWK and how to sign with it. */
export async function newKey(alg = "RS256", kid = `key-${randomBytes(4).toString("hex")}`) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** A JWT; `header` replaces or (with undefined) removes parameters. */
export async function sign(claims, key, header = {}) {
  const protectedHeader = JSON.parse(JSON.stringify({ alg: key.alg, kid: key.kid, typ: "JWT", ...header }));
  if (protectedHeader.alg !== key.alg) return `${base64url(protectedHeader)}.${base64url(claims)}.${header.signature ?? ""}`;
  return new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader(protectedHeader).sign(key.privateKey);
}

export async function startHostile() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const key = await newKey("RS256", "first");
  const provider = {
    issuer, clientId: "gateway", clientSecret: "the gateway's secret", port: server.address().port,
    key, keys: [key.jwk], calls: [], presented: [], expiresIn: 3600, script: {}, issued: 0,
  };
  provider.count = (path, grant) => provider.calls.filter((call) => call.path === path && (!grant || call.body.get("grant_type") === grant)).length;

  /** The claims of a good ID token. */
  provider.claims = (nonce, accessToken) => ({
    iss: issuer, sub: "ada", aud: "gateway", iat: now(), exp: now() + 300, ...(nonce && { nonce }),
    at_hash: createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url"),
  });
  provider.idToken = async (nonce, accessToken) => {
    const { claims = (good) => good, header = {}, idToken } = provider.script;
    if (idToken) return idToken(nonce, accessToken);
    return sign(claims(provider.claims(nonce, accessToken)), provider.key, header);
  };

  const codes = new Map();
  const json = (response, status, body, headers = {}) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  const paths = {
    "/.well-known/openid-configuration": (_, response) => json(response, 200, { ...metadata(issuer), ...provider.script.metadata }),
    "/jwks": (_, response) => json(response, 200, { keys: provider.keys }),
    "/authorize": ({ query }, response) => {
      const code = randomBytes(12).toString("hex");
      codes.set(code, query.get("nonce"));
      const answer = { code, state: query.get("state"), iss: issuer, ...provider.script.callback?.(query) };
      const location = new URL(query.get("redirect_uri"));
      for (const [name, value] of Object.entries(answer)) if (value !== undefined) location.searchParams.set(name, value);
      response.writeHead(302, { location: location.href }).end();
    },
    "/token": async ({ body }, response) => {
      const refresh = body.get("grant_type") === "refresh_token";
      if (refresh) provider.presented.push(body.get("refresh_token"));
      const accessToken = `access-${++provider.issued}`;
      const tokens = { access_token: accessToken, token_type: "Bearer", expires_in: provider.expiresIn, refresh_token: `refresh-${provider.issued}` };
      tokens.id_token = await provider.idToken(refresh ? undefined : codes.get(body.get("code")), accessToken);
      json(response, 200, { ...tokens, ...(refresh ? provider.script.refreshed : provider.script.tokens) });
    },
    "/userinfo": (_, response) => json(response, 200, { sub: "ada", email: "ada@example.com", email_verified: true, ...provider.script.userinfo }),
    "/revoke": (_, response) => response.writeHead(200).end(),
  };

  server.on("request", async (request, response) => {
    const url = new URL(request.url, issuer);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const call = { path: url.pathname, method: request.method, headers: request.headers, query: url.searchParams, body: new URLSearchParams(Buffer.concat(chunks).toString()) };
    provider.calls.push(call);
    const scripted = provider.script[url.pathname];
    if (scripted && (await scripted(call, response, provider)) !== false) return;
    const answer = paths[url.pathname];
    if (answer) return answer(call, response);
    response.writeHead(404).end();
  });
  /** Scripts that several tests use. */
  provider.answer = (status, body, headers) => (_, response) => json(response, status, body, headers);
  provider.hang = () => () => new Promise(() => {});
  provider.drop = () => (_, response) => response.destroy();
  provider.after = (ms) => async () => { await sleep(ms); return false; };
  provider.stop = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  provider.up = async () => {
    server.listen(provider.port, "127.0.0.1");
    await once(server, "listening");
  };
  return provider;
}

function metadata(issuer) {
  return {
    issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`, revocation_endpoint: `${issuer}/revoke`, end_session_endpoint: `${issuer}/logout`,
    response_types_supported: ["code"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    authorization_response_iss_parameter_supported: true, code_challenge_methods_supported: ["S256"],
  };
}
