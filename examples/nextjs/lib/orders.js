// Orders, in memory. An API of your own would be called here, with the user's access token: the header `authorization`.
const orders = (globalThis.orders ??= new Map());

export const ordersOf = (user) => orders.get(user.id) ?? [];

export function addOrder(user, order) {
  orders.set(user.id, [...ordersOf(user), String(order).slice(0, 100)].slice(-20));
  return ordersOf(user);
}
