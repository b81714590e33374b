// A small application to put behind the gateway: a page, and an API that answers with what it was sent. It knows
// nothing of OAuth but the header `Authorization: Bearer …`, which is all that an application behind the
// gateway needs to know. `make dev` and the browser test start it.
import { createServer } from "node:http";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

const PAGE = new URL("./page.html", import.meta.url);
const SCRIPT = new URL("./page.js", import.meta.url);

/**
 * Starts the application and resolves to `{ origin, close }`. With `issuer` the API asks that provider's UserInfo
 * endpoint whether the token that arrived is a living one, as an API that trusts nobody would.
 */
export async function startApplication({ port = 0, issuer } = {}) {
  const server = createServer((request, response) => {
    answer(request, response, issuer).catch((error) => {
      console.error("demo application:", error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

async function answer(request, response, issuer) {
  const { pathname } = new URL(request.url, "http://application");
  if (pathname.startsWith("/api/")) return json(response, 200, await describe(request, issuer));
  if (pathname === "/") return file(response, PAGE, "text/html");
  if (pathname === "/page.js") return file(response, SCRIPT, "text/javascript");
  if (pathname === "/favicon.ico") return response.writeHead(204).end();
  return json(response, 404, { error: "not found", path: pathname });
}

/** What arrived, with a fingerprint in place of the token: enough to see that it's another one, no use to a thief. */
async function describe(request, issuer) {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  const headers = Object.entries(request.headers).filter(([name]) => /^(x-forwarded-|x-geo-|cf-)/.test(name));
  return {
    path: request.url,
    token: token ? fingerprint(token) : null,
    token_accepted: token && issuer ? await accepted(token, issuer) : null,
    cookies: (request.headers.cookie ?? "").split("; ").filter(Boolean).map((cookie) => cookie.split("=")[0]),
    headers: Object.fromEntries(headers),
  };
}

export const fingerprint = (token) => createHash("sha256").update(token).digest("hex").slice(0, 8);

async function accepted(token, issuer) {
  try {
    const reply = await fetch(`${issuer}/me`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(5000),
    });
    return reply.ok;
  } catch {
    return null; // the provider is away: not known
  }
}

async function file(response, url, type) {
  const content = await readFile(url);
  response.writeHead(200, {
    "content-type": `${type}; charset=utf-8`,
    "content-security-policy": "default-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  response.end(content);
}

function json(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}
