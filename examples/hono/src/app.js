// A page for everybody, and an API for those who are logged in. It knows nothing of OAuth: the gateway says in headers who the user is, and
// puts the user's access token into `Authorization`, for APIs that this one calls.
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { page } from "./page.js";

const orders = new Map();
const ordersOf = (user) => orders.get(user.id) ?? [];

export const app = new Hono();

app.use(async (c, next) => {
  const id = c.req.header("x-forwarded-user");
  const name = c.req.header("x-forwarded-preferred-username") ?? id;
  // The route `/` is for everybody. At the others the gateway lets nobody through who is not logged in.
  c.set("user", id === undefined ? null : { id, name: decodeURIComponent(name) });
  await next();
});

app.get("/", (c) => c.html(page(c.get("user"))));
app.get("/client.js", serveStatic({ path: "node_modules/edge-oauth-sessions-client/dist/index.js" }));

app.get("/api/orders", (c) => c.json({ orders: ordersOf(c.get("user")) }));
app.post("/api/orders", async (c) => {
  const { order } = await c.req.json();
  orders.set(c.get("user").id, [...ordersOf(c.get("user")), String(order).slice(0, 100)].slice(-20));
  return c.json({ orders: ordersOf(c.get("user")) });
});
