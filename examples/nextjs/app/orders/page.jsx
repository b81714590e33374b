// The user's orders, read on the server.
import { ordersOf } from "../../lib/orders.js";
import { getUser } from "../../lib/user.js";
import { OrderForm } from "./form.jsx";

export default async function Orders() {
  const orders = ordersOf(await getUser());
  return (
    <>
      <h1>Orders</h1>
      <ul>
        {orders.map((text, at) => (
          <li key={at}>{text}</li>
        ))}
      </ul>
      <OrderForm />
    </>
  );
}
