// The API.
import { addOrder, ordersOf } from "../../../lib/orders.js";
import { getUser } from "../../../lib/user.js";

export const GET = async () => Response.json({ orders: ordersOf(await getUser()) });

export async function POST(request) {
  const { order } = await request.json();
  return Response.json({ orders: addOrder(await getUser(), order) });
}
