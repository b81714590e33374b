// A chat over WebSockets. The gateway lets the handshake through for its own pages alone, says in a header who it is,
// and closes the connection (4401) when the user logs out or an administrator revokes the session.
import { WebSocketServer } from "ws";
import { file, folderOf, routesOf, serve } from "../serve.mjs";

/** Starts the server: `{ routes, close }`. */
export async function start() {
  const web = await serve((_, response) => file(response, new URL("index.html", import.meta.url), "text/html"));
  const sockets = new WebSocketServer({ server: web.server, path: "/chat", maxPayload: 4096 });
  sockets.on("connection", (socket, request) => {
    const user = request.headers["x-forwarded-user"];
    const tell = (text) => {
      for (const other of sockets.clients) other.send(JSON.stringify({ user, text }));
    };
    socket.on("message", (text) => tell(String(text)));
    socket.on("close", () => tell("has left"));
    tell("is here");
  });
  return {
    routes: await routesOf(folderOf(import.meta.url), { "http://localhost:3000": web.origin }),
    close: web.close,
  };
}
