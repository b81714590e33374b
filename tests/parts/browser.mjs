// A scripted browser: a cookie jar with attributes, navigations that follow redirects across origins, and calls as
// a page's script makes them. What only a real browser does is tried in browser.test.mjs.
import http from "node:http";
import https from "node:https";

const NAVIGATION = { accept: "text/html,application/xhtml+xml", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none" };
const CALL = { accept: "application/json", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" };

/** One request, nothing followed: `{ status, headers, setCookie, body, json() }`. `headers` may be a list of pairs. */
export function send(url, { method = "GET", headers = {}, body, ca, signal } = {}) {
  const { protocol } = new URL(url);
  return new Promise((resolve, reject) => {
    const client = protocol === "https:" ? https : http;
    const request = client.request(url, { method, headers: Array.isArray(headers) ? headers.flat() : headers, ca, signal, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ url: String(url), status: response.statusCode, headers: response.headers, setCookie: response.headers["set-cookie"] ?? [], body: text, json: () => JSON.parse(text) });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

export class Browser {
  constructor(gateway, { cf, ca } = {}) {
    this.gateway = gateway;
    this.jar = new Map(); // origin → name → { value, attributes, line }
    this.ca = ca;
    this.cf = cf ? { "MF-CF-Blob": JSON.stringify(cf) } : {};
    this.visited = [];
  }

  cookies(origin = this.gateway.origin) {
    if (!this.jar.has(origin)) this.jar.set(origin, new Map());
    return this.jar.get(origin);
  }

  cookieHeader(origin) {
    return [...this.cookies(origin)].map(([name, { value }]) => `${name}=${value}`).join("; ");
  }

  /** The session cookie, `{ name, value, attributes }`. */
  get session() {
    for (const name of ["session", "__Host-Http-session"]) {
      const cookie = this.cookies().get(name);
      if (cookie) return { name, ...cookie };
    }
  }

  get actor() {
    return this.session?.value.split(".")[1];
  }

  async send(url, options = {}) {
    const { origin } = new URL(url, this.gateway.origin);
    const cookie = this.cookieHeader(origin);
    const own = origin === this.gateway.origin ? this.cf : {};
    const headers = { ...own, ...(cookie && { cookie }), ...options.headers };
    const response = await send(new URL(url, this.gateway.origin), { ca: this.ca, ...options, headers });
    for (const line of response.setCookie) this.keep(origin, line);
    return response;
  }

  keep(origin, line) {
    const [pair, ...rest] = line.split(/;\s*/);
    const name = pair.slice(0, pair.indexOf("="));
    const attributes = Object.fromEntries(rest.map((part) => [part.split("=")[0].toLowerCase(), part.includes("=") ? part.slice(part.indexOf("=") + 1) : true]));
    const dead = attributes["max-age"] === "0" || (attributes.expires && new Date(attributes.expires) < new Date());
    if (dead) this.cookies(origin).delete(name);
    else this.cookies(origin).set(name, { value: pair.slice(pair.indexOf("=") + 1), attributes, line });
  }

  /** Opens a page: follows redirects until there is one, and returns it. `stop(url)` says where not to go. */
  async navigate(to, { stop = () => false, headers = {} } = {}) {
    let url = new URL(to, this.gateway.origin).href;
    for (let hops = 0; hops < 20; hops++) {
      const response = await this.send(url, { headers: { ...NAVIGATION, ...headers } });
      this.visited.push(url);
      if (![301, 302, 303, 307, 308].includes(response.status)) return response;
      const next = new URL(response.headers.location, url).href;
      if (stop(next)) return { ...response, next };
      url = next;
    }
    throw new Error(`redirects without end:\n${this.visited.slice(-6).join("\n")}`);
  }

  /** Calls as a page's script does. */
  call(to, { method = "GET", headers = {}, ...rest } = {}) {
    const origin = method === "GET" || method === "HEAD" ? {} : { origin: this.gateway.origin };
    return this.send(to, { method, headers: { ...CALL, ...origin, ...headers }, ...rest });
  }

  /** Posts a form, as a page of the same site does. */
  post(to, form = {}, headers = {}) {
    const body = new URLSearchParams(form).toString();
    return this.send(to, { method: "POST", body, headers: { ...NAVIGATION, "sec-fetch-site": "same-origin", origin: this.gateway.origin, "content-type": "application/x-www-form-urlencoded", ...headers } });
  }

  async login(query = "return_to=/after-login") {
    const page = await this.navigate(`/auth/login?${query}`);
    if (!this.session) throw new Error(`no session after the login: ${page.status} at ${page.url}\n${page.body}\n${this.gateway.output}`);
    return page;
  }

  /** Goes to the provider and stops in front of the callback: its URL. */
  async toCallback(query = "return_to=/after-login") {
    const stopped = await this.navigate(`/auth/login?${query}`, { stop: (url) => url.startsWith(`${this.gateway.origin}/auth/callback`) });
    if (!stopped.next) throw new Error(`no callback: ${stopped.status} at ${stopped.url}\n${stopped.body}`);
    return stopped.next;
  }
}
