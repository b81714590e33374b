// A small OpenID provider for trying the gateway: the certified `oidc-provider`, two users, access tokens that live
// for seconds so that refreshes can be watched. `make dev` and the browser test start it. Never put it on a network: its users have no passwords.
import { createServer } from "node:http";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Provider } from "oidc-provider";
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";
import { adapterOver, openStore } from "./saved-adapter.mjs";
import { errorPage, loginPage, logoutPage } from "./provider-pages.mjs";

export const USERS = [
  { id: "ada", name: "Ada Lovelace", email: "ada@example.com", groups: ["engines", "staff"] },
  { id: "grace", name: "Grace Hopper", email: "grace@example.com", groups: ["compilers"] },
];

/**
 * Starts the provider and resolves to `{ issuer, clientId, clientSecret, calls, close }`.
 *
 * - `origins`: origins of the gateway; each one's callback and logged-out page are registered for the client
 * - `port`: 0 picks a free one
 * - `accessTokenSeconds`: how long an access token lives
 * - `authPrefix`: the gateway's AUTH_PREFIX
 * - `file`: where it keeps what it knows from one start to the next; none: it forgets
 *
 * `calls` counts successful token requests by grant type, for those who want to see how many there were.
 */
export async function startProvider({
  origins,
  port = 0,
  accessTokenSeconds = 30,
  authPrefix = "/auth",
  clientId = "demo",
  clientSecret = "demo-secret-demo-secret-demo-secret",
  file,
}) {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  // By address, while the gateway is called `localhost`: cookies don't tell ports apart, but these two apart.
  const issuer = `http://127.0.0.1:${server.address().port}`;

  const store = file && openStore(file);
  const provider = new Provider(issuer, configuration({ origins, accessTokenSeconds, authPrefix, clientId, clientSecret, store }));
  provider.on("server_error", (_, error) => console.error("demo provider:", error));
  const calls = {};
  provider.on("grant.success", ({ oidc }) => {
    calls[oidc.params.grant_type] = (calls[oidc.params.grant_type] ?? 0) + 1;
  });

  const protocol = provider.callback();
  server.on("request", (request, response) => {
    const uid = /^\/interaction\/([\w-]+)$/.exec(request.url)?.[1];
    if (!uid) return protocol(request, response);
    interaction(provider, uid, request, response).catch((error) => {
      response.writeHead(400, { "content-type": "text/html; charset=utf-8" }).end(errorPage(error.message));
    });
  });

  return {
    issuer,
    clientId,
    clientSecret,
    calls,
    close: () =>
      new Promise((resolve) => {
        store?.close();
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

function configuration({ origins, accessTokenSeconds, authPrefix, clientId, clientSecret, store }) {
  const { key, cookieKey } = keys(store);
  return {
    // The memory's is the default one; it is named, or the provider warns of it.
    adapter: store ? adapterOver(store) : createMemoryAdapter(0),
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        client_name: "The demo application",
        redirect_uris: origins.map((origin) => `${origin}${authPrefix}/callback`),
        post_logout_redirect_uris: origins.map((origin) => `${origin}${authPrefix}/logged-out`),
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: [cookieKey] },
    scopes: ["openid", "offline_access"],
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username", "groups"],
      email: ["email", "email_verified"],
    },
    findAccount: (_, id) => account(id),
    loadExistingGrant: grantEverythingAsked,
    pkce: { required: () => true },
    // oidc-provider drops offline_access from a request without prompt=consent; a first-party application
    // that never asks for consent gets its refresh token all the same.
    issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
    expiresWithSession: async () => false,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: async (_, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = logoutPage(form, { confirmed: Boolean(ctx.oidc.entities.IdTokenHint) });
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = errorPage("You are logged out.");
        },
      },
    },
    renderError: (ctx, out) => {
      ctx.type = "html";
      ctx.body = errorPage(`${out.error}: ${out.error_description ?? ""}`);
    },
  };
}

/** The key that signs tokens and the one for cookies: those of the last start, where something is kept. */
function keys(store) {
  const made = { key: signingKey(), cookieKey: randomBytes(24).toString("base64url") };
  if (!store) return made;
  const { payload } = store.rows.get("keys:") ?? { payload: made };
  store.rows.set("keys:", { payload });
  store.changed();
  return payload;
}

function signingKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomBytes(6).toString("hex"), alg: "RS256", use: "sig" };
}

function account(id) {
  const user = USERS.find((candidate) => candidate.id === id);
  if (!user) return undefined;
  const { name, email, groups } = user;
  return {
    accountId: id,
    claims: () => ({ sub: id, name, preferred_username: id, groups, email, email_verified: true }),
  };
}

/** Consent is not what this demonstrates: whatever is asked for is granted. */
async function grantEverythingAsked(ctx) {
  const { client, session, provider, params } = ctx.oidc;
  const known = session.grantIdFor(client.clientId);
  const grant =
    (known && (await provider.Grant.find(known))) ??
    new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope([...new Set(["openid", "offline_access", ...(params.scope ?? "").split(" ")])].join(" "));
  await grant.save();
  return grant;
}

/** The login page: GET shows the users, POST logs the chosen one in. */
async function interaction(provider, uid, request, response) {
  const details = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
    response.end(loginPage(uid, USERS, details.params.login_hint));
    return;
  }
  const form = new URLSearchParams(await body(request));
  const user = USERS.find(({ id }) => id === form.get("user"));
  const result = user
    ? { login: { accountId: user.id } }
    : { error: "access_denied", error_description: "the login was cancelled" };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function body(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 10_000) throw new Error("the form is too long");
  }
  return text;
}
