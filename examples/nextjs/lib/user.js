// Who is logged in, as the gateway says it in headers. The server listens on this machine alone: who could reach it directly could send it any.
import { headers } from "next/headers";

/** The user of this request, or null. */
export async function getUser() {
  const received = await headers();
  const id = received.get("x-forwarded-user");
  if (id === null) return null;
  return { id, name: decodeURIComponent(received.get("x-forwarded-preferred-username") ?? id) };
}
