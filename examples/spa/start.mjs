// A single-page application: static pages for everybody, and an API on another origin that gets the access token. To
// the browser both are one origin, so that there is no CORS and no token in the page.
import { buildClient } from "../project.mjs";
import { file, folderOf, json, routesOf, serve } from "../serve.mjs";

const at = (name) => new URL(name, import.meta.url);

/** Starts both servers: `{ routes, close }`. */
export async function start() {
  await buildClient();
  const pages = await serve((request, response) => {
    if (request.url === "/app.js") return file(response, at("public/app.js"), "text/javascript");
    if (request.url === "/client.js") return file(response, at("../../packages/client/dist/index.js"), "text/javascript");
    return file(response, at("public/index.html"), "text/html");
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
    routes: await routesOf(folderOf(import.meta.url), { "http://localhost:3000": api.origin, "binding:ASSETS": pages.origin }),
    close: () => Promise.all([pages.close(), api.close()]),
  };
}
