// Who is logged in, as the gateway says it in headers. The server listens on this machine alone: who could reach it directly could send it any.

/** The user of this request, or null. */
export function userOf(request) {
  const id = request.headers.get("x-forwarded-user");
  if (id === null) return null;
  return { id, name: decodeURIComponent(request.headers.get("x-forwarded-preferred-username") ?? id) };
}
