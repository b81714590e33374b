// The user's orders: read on the server, added to by a call of the API.
import { useRevalidator } from "react-router";
import { gateway } from "../gateway.js";
import { ordersOf } from "../orders.server.js";
import { userOf } from "../user.server.js";

export const loader = ({ request }) => ({ orders: ordersOf(userOf(request)) });

export default function Orders({ loaderData }) {
  const { revalidate } = useRevalidator();
  async function order(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const body = JSON.stringify(Object.fromEntries(new FormData(form)));
    // Where the session has ended, the user goes to log in and comes back here.
    await gateway.fetch("/api/orders", { method: "POST", headers: { "content-type": "application/json" }, body });
    form.reset();
    await revalidate();
  }
  return (
    <>
      <h1>Orders</h1>
      <ul>
        {loaderData.orders.map((text, at) => (
          <li key={at}>{text}</li>
        ))}
      </ul>
      <form onSubmit={order}>
        <input name="order" aria-label="Order" required /> <button>Order</button>
      </form>
    </>
  );
}
