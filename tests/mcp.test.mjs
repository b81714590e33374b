// A real MCP client finds its way to a real MCP server behind the gateway: MCP's own SDK at both ends, a certified provider between.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Agent, seenBy, serveMcp } from "./parts/mcp.mjs";
import { freePort } from "./parts/process.mjs";
import { startProvider } from "./parts/provider.mjs";
import { createWorld } from "./parts/world.mjs";

const METADATA = "/.well-known/oauth-protected-resource";
const ELSEWHERE = "https://elsewhere.example/";

/** A gateway before an MCP server, whose tokens are meant for `audience`, a path of it; the provider has agents register themselves. */
async function createMcpWorld({ audience, routes = [{ match: "/mcp", bearer: true }, { match: "/*" }] }) {
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}${audience}`;
  const provider = await startProvider({ registration: true, resources: [resource, ELSEWHERE] });
  const vars = { JWT_ISSUERS: JSON.stringify([{ issuer: provider.issuer, audience: resource, jwks_uri: `${provider.issuer}/jwks` }]) };
  const world = await createWorld(undefined, { start: () => provider, port, routes, vars });
  world.upstream.answer("/mcp", serveMcp);
  return { ...world, resource, server: `${world.gateway.origin}/mcp` };
}

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());

for (const [audience, metadata] of Object.entries({ "/mcp": `${METADATA}/mcp`, "": METADATA })) {
  describe(`an MCP client, where tokens are meant for ${audience ? "the server's path" : "the origin"}`, () => {
    let world;
    before(async () => (world = await createMcpWorld({ audience })));
    after(() => world.close());

    /** An agent that has a token, by way of its user. */
    async function authorized(options) {
      const agent = new Agent(world.server, options);
      await assert.rejects(agent.connect(), UnauthorizedError);
      await agent.letUserLogIn(world.browser());
      agent.way();
      return agent;
    }

    test("finds the authorization server by the challenge, registers, gets a token for the resource, and calls a tool", async () => {
      const agent = new Agent(world.server);
      await assert.rejects(agent.connect(), UnauthorizedError);
      assert.equal(agent.asked[0].challenge, `Bearer resource_metadata="${world.gateway.origin}${metadata}"`);
      const found = [`GET 200 ${metadata}`, "GET 200 /.well-known/oauth-authorization-server"];
      assert.deepEqual(agent.way(), ["POST 401 /mcp", ...found, "POST 201 /reg"]);
      const asked = agent.authorizationUrl;
      assert.equal(asked.origin, world.provider.issuer);
      assert.equal(asked.searchParams.get("resource"), world.resource);
      assert.equal(asked.searchParams.get("code_challenge_method"), "S256");

      await agent.letUserLogIn(world.browser());
      assert.deepEqual(agent.way(), [...found, "POST 200 /token"]);
      const token = agent.tokens().access_token;
      assert.equal(claims(token).aud, world.resource);

      const client = await agent.connect();
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map(({ name }) => name), ["headers"]);
      assert.equal((await seenBy(client)).authorization, `Bearer ${token}`);
      await client.close();
      assert.ok(agent.way().every((line) => /^\w+ 20\d \/mcp$/.test(line)), "nothing else was asked for");
    });

    test("finds it by the server's address alone, as one does that has not asked the server yet", async () => {
      const agent = new Agent(world.server);
      await agent.prepare();
      const probed = audience ? [] : [`GET 404 ${METADATA}/mcp`];
      assert.deepEqual(agent.way(), [...probed, `GET 200 ${metadata}`, "GET 200 /.well-known/oauth-authorization-server", "POST 201 /reg"]);
      assert.equal(agent.authorizationUrl.searchParams.get("resource"), world.resource);
    });

    test("whose token is meant for another is refused, and gets one that is not", async () => {
      const agent = await authorized({ resource: ELSEWHERE });
      const wrong = agent.tokens().access_token;
      assert.equal(claims(wrong).aud, ELSEWHERE);
      agent.validateResourceURL = undefined;
      await assert.rejects(agent.connect(), UnauthorizedError);
      const [refused] = agent.asked;
      assert.equal(refused.status, 401);
      assert.equal(refused.challenge, `Bearer error="invalid_token", resource_metadata="${world.gateway.origin}${metadata}"`);
      await agent.letUserLogIn(world.browser());
      const client = await agent.connect();
      const { authorization } = await seenBy(client);
      assert.equal(authorization, `Bearer ${agent.tokens().access_token}`);
      assert.equal(claims(authorization).aud, world.resource);
      await client.close();
    });

    test("in a page with a session that brings its own token has that passed on, and the cookie kept from the server", async () => {
      const browser = await world.login();
      const agent = await authorized();
      agent.headers = { cookie: `${browser.sessionHeader}; theme=dark`, origin: world.gateway.origin };
      const client = await agent.connect();
      const seen = await seenBy(client);
      assert.equal(seen.authorization, `Bearer ${agent.tokens().access_token}`);
      assert.equal(seen.cookie, "theme=dark");
      await client.close();
    });

    test("in a page with a session needs no token: the server gets the session's", async () => {
      const browser = await world.login();
      const agent = new Agent(world.server, { headers: { cookie: browser.sessionHeader, origin: world.gateway.origin } });
      const client = await agent.connect({ authorized: false });
      const seen = await seenBy(client);
      assert.equal(seen.authorization, `Bearer ${await world.token(browser)}`);
      assert.equal(seen.cookie, undefined);
      await client.close();
    });
  });
}

test("metadata below the well-known path is the application's where the path takes no tokens", async () => {
  const world = await createMcpWorld({ audience: "", routes: [{ match: "/mcp", bearer: true }, { match: "/*", session: "none" }] });
  const at = (path) => world.gateway.request(`${METADATA}${path}`);
  assert.equal((await at("/other")).json().url, `${METADATA}/other`);
  assert.equal((await at("/mcp")).status, 404);
  await world.close();
});
