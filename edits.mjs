// Changes of headers, as src/gateway/plan.rs tells them.

/** Deletes headers; their names have commas between them. */
function remove(headers, names) {
  if (names === "") return;
  if (names.indexOf(",") < 0) headers.delete(names);
  else for (const name of names.split(",")) headers.delete(name);
}

/** A request's headers without those removed, and with those that the plan sets from there on: `(<name>,<value> LF)*`. */
export function edited(original, removed, plan, from) {
  const headers = new Headers(original);
  remove(headers, removed);
  for (let at = from; at < plan.length; ) {
    const comma = plan.indexOf(",", at);
    const end = plan.indexOf("\n", comma);
    headers.set(plan.slice(at, comma), plan.slice(comma + 1, end));
    at = end + 1;
  }
  return headers;
}

/** `E<removed>,… LF <Cache-Control> LF (<name>,<value> LF)* LF (keep | replace) LF (<Set-Cookie> LF)*`, done to a response's headers. */
export function edit(headers, plan) {
  const [removed, cacheControl, ...lines] = plan.slice(1).split("\n");
  remove(headers, removed);
  if (cacheControl !== "") headers.set("cache-control", cacheControl);
  let at = 0;
  for (; lines[at] !== ""; at++) {
    const comma = lines[at].indexOf(",");
    headers.set(lines[at].slice(0, comma), lines[at].slice(comma + 1));
  }
  if (lines[at + 1] !== "replace") return;
  headers.delete("set-cookie");
  for (const line of lines.slice(at + 2)) if (line !== "") headers.append("set-cookie", line);
}
