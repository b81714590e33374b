// The API.
import { addOrder, ordersOf } from "../orders.server.js";
import { userOf } from "../user.server.js";

export const loader = ({ request }) => Response.json({ orders: ordersOf(userOf(request)) });

export async function action({ request }) {
  const { order } = await request.json();
  return Response.json({ orders: addOrder(userOf(request), order) });
}
