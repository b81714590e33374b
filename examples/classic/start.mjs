// A server that renders its pages, as one in any language would: it reads from headers who its user is, and does not
// know how they logged in. `/staff` is for members of the group alone, which the gateway sees to.
import { escape, folderOf, routesOf, serve } from "../serve.mjs";

/** Starts the server: `{ routes, close }`. */
export async function start() {
  const notes = new Map();
  const server = await serve(async (request, response) => {
    const user = request.headers["x-forwarded-user"];
    // Elements of an array have their commas encoded: this is all the parsing that there is.
    const groups = (request.headers["x-forwarded-groups"] ?? "").split(",").filter(Boolean).map(decodeURIComponent);
    if (request.method === "POST") {
      let body = "";
      for await (const chunk of request) body += chunk;
      notes.set(user, [...(notes.get(user) ?? []), new URLSearchParams(body).get("note") ?? ""].slice(-20));
      return response.writeHead(303, { location: "/" }).end();
    }
    const page = request.url === "/staff" ? "<p>Only staff can read this.</p>" : home(notes.get(user) ?? []);
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(frame(user, groups, page));
  });
  return {
    routes: await routesOf(folderOf(import.meta.url), { "http://localhost:3000": server.origin }),
    close: server.close,
  };
}

const home = (notes) => `<ul>${notes.map((note) => `<li>${escape(note)}</li>`).join("")}</ul>
  <form method="post" action="/"><input name="note" aria-label="Note" required> <button>Keep</button></form>
  <p><a href="/staff">For staff</a></p>`;

const frame = (user, groups, page) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
  <meta name="viewport" content="width=device-width"><title>Notes</title>
  <link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
  </head><body><h1>Notes</h1><p>You are <b>${escape(user)}</b>, in: ${escape(groups.join(", ") || "no group")}.</p>${page}
  <form method="post" action="/auth/logout"><button>Log out</button></form></body></html>`;
