// A cookie jar that is as strict as a browser's (draft-ietf-httpbis-rfc6265bis): prefixes, Secure, Path, expiry and
// SameSite decide what is kept and what is sent. One jar is for one host and port.

/** The cookies of one origin. */
export class CookieJar {
  /** What is kept, in the order of its creation: `{ name, value, path, secure, httpOnly, sameSite, expires, line }`. */
  cookies = [];
  /** Lines that a browser would have ignored. */
  refused = [];

  /** Takes a `Set-Cookie` line of a response from `url`. */
  store(url, line) {
    const cookie = parse(url, line);
    if (!isAcceptable(cookie, url)) {
      this.refused.push(line);
      return;
    }
    const at = this.cookies.findIndex(({ name, path }) => name === cookie.name && path === cookie.path);
    if (cookie.expires <= Date.now()) {
      if (at >= 0) this.cookies.splice(at, 1);
    } else if (at >= 0) this.cookies[at] = cookie;
    else this.cookies.push(cookie);
  }

  /** The cookies that go along with a request to `url`. */
  for(url, { crossSite = false, method = "GET", topLevel = false } = {}) {
    const sent = this.cookies.filter(({ path, secure, sameSite, expires }) => {
      if (expires <= Date.now() || (secure && url.protocol !== "https:")) return false;
      if (!(url.pathname === path || url.pathname.startsWith(path.endsWith("/") ? path : `${path}/`))) return false;
      if (!crossSite || sameSite === "None") return true;
      return sameSite === "Lax" && topLevel && method === "GET";
    });
    // Longer paths first, then the older ones.
    return sent.toSorted((one, other) => other.path.length - one.path.length);
  }

  /** The `Cookie` header of such a request; undefined where there is none. */
  header(url, context) {
    return this.for(url, context).map(({ name, value }) => `${name}=${value}`).join("; ") || undefined;
  }

  /** The cookie of this name, or whose name matches. */
  get(name) {
    return this.cookies.find((cookie) => (name instanceof RegExp ? name.test(cookie.name) : cookie.name === name));
  }
}

const SAME_SITE = { strict: "Strict", lax: "Lax", none: "None" };

/** A `Set-Cookie` line, its attributes read. */
export function parse(url, line) {
  const [pair, ...rest] = line.split(";");
  const cut = pair.indexOf("=");
  const attributes = new Map(
    rest.map((text) => {
      const at = text.indexOf("=");
      return at < 0 ? [text.trim().toLowerCase(), ""] : [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
    }),
  );
  const folder = url.pathname.slice(0, Math.max(1, url.pathname.lastIndexOf("/")));
  const maxAge = attributes.has("max-age") ? Number(attributes.get("max-age")) : undefined;
  const until = attributes.has("expires") ? Date.parse(attributes.get("expires")) : Infinity;
  return {
    line,
    name: cut < 0 ? "" : pair.slice(0, cut).trim(),
    value: pair.slice(cut + 1).trim(),
    path: attributes.get("path")?.startsWith("/") ? attributes.get("path") : folder,
    hasPath: attributes.has("path"),
    domain: attributes.get("domain"),
    secure: attributes.has("secure"),
    httpOnly: attributes.has("httponly"),
    sameSite: SAME_SITE[attributes.get("samesite")?.toLowerCase()] ?? "Lax",
    maxAge,
    expires: maxAge === undefined ? until : Date.now() + maxAge * 1000,
  };
}

function isAcceptable(cookie, url) {
  const https = url.protocol === "https:";
  const name = cookie.name.toLowerCase();
  if (cookie.secure && !https) return false;
  if (cookie.sameSite === "None" && !cookie.secure) return false;
  if (/^__(secure|host|http)-/.test(name) && !cookie.secure) return false;
  if (name.startsWith("__host-") && !(cookie.hasPath && cookie.path === "/" && cookie.domain === undefined)) return false;
  if (/^__(host-)?http-/.test(name) && !cookie.httpOnly) return false;
  return true;
}
