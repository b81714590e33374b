// MCP's own SDK at both ends: a server with one tool, and clients that get their tokens as the SDK does.
import { auth } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

/** Where a client's user comes back to. Nothing listens there: the scripted browser stops before it. */
const REDIRECT_URI = "http://127.0.0.1:9/callback";

/** Answers a request as an MCP server (streamable HTTP) whose tool `headers` says what headers it came with. */
export async function serveMcp(request, response) {
  const server = new McpServer({ name: "tools", version: "1.0.0" });
  server.registerTool("headers", { description: "The headers of this request" }, ({ requestInfo }) => ({
    content: [{ type: "text", text: JSON.stringify(requestInfo.headers) }],
  }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => Promise.all([transport.close(), server.close()]));
  await server.connect(transport);
  await transport.handleRequest(request, response);
}

/** An MCP client and what it remembers of the authorization server: the SDK's OAuthClientProvider, in memory. */
export class Agent {
  /** Every request, in order: `{ method, url, status, challenge }`. */
  asked = [];
  /** Where it wants its user to go. */
  authorizationUrl;
  #state = {};

  /** `headers` go along with every request to the server; `resource` is what it wants tokens for, in place of what the metadata says. */
  constructor(url, { headers = {}, resource } = {}) {
    this.url = new URL(url);
    this.headers = headers;
    if (resource) this.validateResourceURL = async () => new URL(resource);
  }

  /** A connection to the server, or the SDK's UnauthorizedError when the user has to log in first. */
  async connect({ authorized = true } = {}) {
    const transport = new StreamableHTTPClientTransport(this.url, {
      ...(authorized && { authProvider: this }),
      requestInit: { headers: this.headers },
      fetch: this.fetch,
    });
    this.transport = transport;
    const client = new Client({ name: "agent", version: "1.0.0" });
    await client.connect(transport);
    return client;
  }

  /** Gets ready to send its user to log in, before it has asked the server anything. */
  prepare() {
    return auth(this, { serverUrl: this.url, fetchFn: this.fetch });
  }

  /** The user logs in in this browser and comes back with a code, which becomes a token. */
  async letUserLogIn(browser) {
    await browser.navigate(this.authorizationUrl, { until: (url) => url.href.startsWith(REDIRECT_URI) });
    const back = new URL(browser.hops.at(-1).headers.location);
    await this.transport.finishAuth(back.searchParams.get("code"));
  }

  fetch = async (url, init) => {
    const answer = await fetch(url, init);
    const challenge = answer.headers.get("www-authenticate") ?? undefined;
    this.asked.push({ method: init?.method ?? "GET", url: String(url), status: answer.status, ...(challenge && { challenge }) });
    return answer;
  };

  /** What it has asked for since it was asked last, such as "POST 401 /mcp". */
  way() {
    return this.asked.splice(0).map(({ method, status, url }) => `${method} ${status} ${new URL(url).pathname}`);
  }

  // What the SDK asks of a client.
  redirectUrl = REDIRECT_URI;
  clientMetadata = {
    client_name: "agent",
    redirect_uris: [REDIRECT_URI],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    scope: "openid",
  };
  clientInformation = () => this.#state.client;
  saveClientInformation = (client) => void (this.#state.client = client);
  tokens = () => this.#state.tokens;
  saveTokens = (tokens) => void (this.#state.tokens = tokens);
  codeVerifier = () => this.#state.verifier;
  saveCodeVerifier = (verifier) => void (this.#state.verifier = verifier);
  redirectToAuthorization = (url) => void (this.authorizationUrl = url);
}

/** The headers that the server's tool saw. */
export async function seenBy(client) {
  const { content } = await client.callTool({ name: "headers" });
  return JSON.parse(content[0].text);
}
