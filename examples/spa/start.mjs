// A single-page application: static pages for everybody, and an API on another origin that gets the access token. To
// the browser both are one origin, so that there is no CORS and no token in the page.
import { file, json, serve } from "../serve.mjs";

/** Starts both servers: `{ routes, close }`. */
export async function start() {
  const pages = await serve((request, response) => {
    if (request.url === "/app.js") return file(response, new URL("app.js", import.meta.url), "text/javascript");
    return file(response, new URL("index.html", import.meta.url), "text/html");
  });
  const orders = ["a difference engine", "an analytical engine"];
  const api = await serve(async (request, response) => {
    // A real API would verify the token, or ask the provider about it.
    if (!request.headers.authorization?.startsWith("Bearer ")) return json(response, 401, { error: "no token" });
    if (request.method === "POST") {
      let body = "";
      for await (const chunk of request) body += chunk;
      orders.push(String(JSON.parse(body).order).slice(0, 100));
    }
    return json(response, 200, { orders });
  });
  return {
    routes: [
      { match: "/api/*", upstream: api.origin },
      { match: "/*", upstream: pages.origin, session: "none" },
    ],
    close: () => Promise.all([pages.close(), api.close()]),
  };
}
