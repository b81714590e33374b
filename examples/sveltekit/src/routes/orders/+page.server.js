import { ordersOf } from "#lib/server/orders.js";

export const load = ({ locals }) => ({ orders: ordersOf(locals.user) });
