// The page asks the gateway who is logged in, and calls the API with the client's `fetch`: the cookie goes along by itself, and where there is
// no session, the user goes to log in and comes back here.
import { Client } from "edge-oauth-sessions-client";

const gateway = new Client();
const element = (id) => document.getElementById(id);

async function show() {
  const session = await gateway.session();
  element("signed-in").hidden = !session;
  element("signed-out").hidden = Boolean(session);
  if (!session) return (element("user").textContent = "Nobody is logged in.");
  element("user").textContent = `Hello, ${session.claims.name ?? session.subject}.`;
  list();
  listSessions();
}

/** Where the user is logged in, and whether a stolen cookie of that session would be of any use (docs/devices.md). */
async function listSessions() {
  const { sessions } = await (await gateway.fetch("/auth/sessions")).json();
  const live = sessions.filter(({ state }) => state === "active");
  element("sessions").replaceChildren(...live.map(({ current, device, user_agent: browser }) => {
    const bound = device ? `bound to ${current ? "this" : "its"} device` : "not bound to a device";
    return Object.assign(document.createElement("li"), { textContent: `${current ? "This browser" : (browser ?? "An unknown browser")}, ${bound}` });
  }));
}

async function list(options) {
  const response = await gateway.fetch("/api/orders", options);
  const { orders } = await response.json();
  element("orders").replaceChildren(...orders.map((order) => Object.assign(document.createElement("li"), { textContent: order })));
}

element("order").onsubmit = async (event) => {
  event.preventDefault();
  const order = new FormData(event.target).get("order");
  await list({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ order }) });
  event.target.reset();
};
element("login").onclick = () => gateway.login();
element("logout").onclick = () => gateway.logout({ returnTo: "/" });
gateway.onChange(show);
show();
