// Who is logged in, as the gateway says it in headers. The server listens on this machine alone: who could reach it directly could send it any.

/** Puts the user into `locals`. */
export function handle({ event, resolve }) {
  const { headers } = event.request;
  const id = headers.get("x-forwarded-user");
  event.locals.user = id === null ? null : { id, name: decodeURIComponent(headers.get("x-forwarded-preferred-username") ?? id) };
  return resolve(event);
}
