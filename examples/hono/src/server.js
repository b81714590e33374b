// The server. It listens on this machine alone: who could reach it directly could send it any header.
import { serve } from "@hono/node-server";
import { app } from "./app.js";

const { PORT = "3000", HOST = "127.0.0.1" } = process.env;
serve({ fetch: app.fetch, port: Number(PORT), hostname: HOST }, ({ port }) => console.log(`listening on ${HOST}:${port}`));
