// The page. Its script calls the API with the client's `fetch`: where the session has ended, the user goes to log in and comes back.
import { html } from "hono/html";

export const page = (user) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <link rel="icon" href="data:,">
    <title>Orders</title>
    <style>:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; } body { max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }</style>
    <script type="importmap">{ "imports": { "edge-oauth-sessions-client": "/client.js" } }</script>
  </head>
  <body>
    <h1>Orders</h1>
    ${user ? signedIn(user) : html`<p>Nobody is logged in. <a href="/auth/login?return_to=/">Log in</a></p>`}
  </body>
</html>`;

const signedIn = (user) => html`<p>Hello, ${user.name}. <a href="/auth/logout?return_to=/">Log out</a></p>
    <form><input name="order" aria-label="Order" required> <button>Order</button></form>
    <ul></ul>
    <script type="module">
      import { Client } from "edge-oauth-sessions-client";

      const gateway = new Client();
      const form = document.querySelector("form");

      async function show(options) {
        const response = await gateway.fetch("/api/orders", options);
        const { orders } = await response.json();
        const items = orders.map((text) => Object.assign(document.createElement("li"), { textContent: text }));
        document.querySelector("ul").replaceChildren(...items);
      }

      form.onsubmit = async (event) => {
        event.preventDefault();
        const body = JSON.stringify(Object.fromEntries(new FormData(form)));
        await show({ method: "POST", headers: { "content-type": "application/json" }, body });
        form.reset();
      };
      gateway.onChange(() => location.reload());
      show();
    </script>`;
