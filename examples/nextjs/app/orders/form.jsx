"use client";
// Adds an order by a call of the API.
import { useRouter } from "next/navigation";
import { gateway } from "../../lib/gateway.js";

export function OrderForm() {
  const router = useRouter();
  async function order(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const body = JSON.stringify(Object.fromEntries(new FormData(form)));
    // Where the session has ended, the user goes to log in and comes back here.
    await gateway.fetch("/api/orders", { method: "POST", headers: { "content-type": "application/json" }, body });
    form.reset();
    router.refresh();
  }
  return (
    <form onSubmit={order}>
      <input name="order" aria-label="Order" required /> <button>Order</button>
    </form>
  );
}
