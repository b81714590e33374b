// What stands beside the gateways in `make bench`, in a process of its own: the provider, the captcha's verifier, and an
// application that costs as little as Node allows. All contestants have the same ones.
import { createServer } from "node:http";
import { jwt } from "../tests/parts/jwt.mjs";
import { signingKey } from "../tests/parts/keys.mjs";
import { startProvider } from "../tests/parts/provider.mjs";
import { startSiteverifyStandIn } from "../tests/parts/siteverify.mjs";
import { RESOURCES } from "./routes.mjs";

const SMALL = Buffer.from(JSON.stringify({ message: "what an application answers to a small request, 80 bytes" }));
const BIG = Buffer.alloc(64 * 1024, "x");
/** No token is refreshed while requests are counted. */
const TOKEN_SECONDS = 6 * 3600;

const application = createServer((request, response) => {
  const type = { "content-type": "application/json" };
  const answer = () => {
    // Says what came: a contestant has to show that it does its job.
    if (request.url === "/echo") return response.writeHead(200, type).end(JSON.stringify(request.headers));
    const body = request.url === "/64k" ? BIG : SMALL;
    response.writeHead(200, { ...type, "content-length": body.length }).end(body);
  };
  if (request.method !== "POST") return answer();
  request.on("end", answer).resume();
});
application.keepAliveTimeout = 3_600_000;
await new Promise((resolve) => application.listen(0, "127.0.0.1", resolve));
const provider = await startProvider({ accessTokenSeconds: TOKEN_SECONDS, resources: RESOURCES });
const { url, secret } = await startSiteverifyStandIn();

/** A JWT that a client brings along, signed with the provider's key. */
function clientToken(audience) {
  const now = Math.floor(Date.now() / 1000);
  const key = signingKey("RS256");
  return jwt({ alg: key.alg, kid: key.kid, typ: "at+jwt" }, { iss: provider.issuer, aud: audience, sub: "machine", iat: now, exp: now + 3600 }, key);
}

process.on("message", ({ allow, audience }) => {
  if (allow) provider.allow(allow);
  process.send({ token: audience && clientToken(audience) });
});
process.on("disconnect", () => process.exit());
process.send({
  upstream: `http://127.0.0.1:${application.address().port}`,
  provider: { issuer: provider.issuer, clientId: provider.clientId, clientSecret: provider.clientSecret },
  verifier: { url, secret },
});
