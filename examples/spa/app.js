// The page asks the gateway who is logged in, and the API with a plain `fetch`: the cookie goes along by itself.
const element = (id) => document.getElementById(id);

async function show() {
  const session = await fetch("/auth/session");
  element("signed-in").hidden = !session.ok;
  element("signed-out").hidden = session.ok;
  if (!session.ok) return (element("user").textContent = "Nobody is logged in.");
  const { claims, subject } = await session.json();
  element("user").textContent = `Hello, ${claims.name ?? subject}.`;
  list(await call("/api/orders"));
}

/** A call of the API. Without a session there is a 401, never a redirect: go and log in, and come back here. */
async function call(path, options) {
  const response = await fetch(path, options);
  if (response.status === 401) location.href = `/auth/login?return_to=${encodeURIComponent(location.pathname + location.search + location.hash)}`;
  return response.json();
}

function list({ orders }) {
  element("orders").replaceChildren(...orders.map((order) => Object.assign(document.createElement("li"), { textContent: order })));
}

element("order").addEventListener("submit", async (event) => {
  event.preventDefault();
  const order = new FormData(event.target).get("order");
  list(await call("/api/orders", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ order }) }));
  event.target.reset();
});

show();
