// The API.
import { json } from "@sveltejs/kit";
import { addOrder, ordersOf } from "#lib/server/orders.js";

export const GET = ({ locals }) => json({ orders: ordersOf(locals.user) });

export async function POST({ locals, request }) {
  const { order } = await request.json();
  return json({ orders: addOrder(locals.user, order) });
}
