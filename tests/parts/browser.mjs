// A scripted browser: cookies, redirects, forms that submit themselves, pages that refresh themselves, and the Fetch
// Metadata headers by which a server knows where a request comes from.
import assert from "node:assert/strict";
import { CookieJar } from "./cookies.mjs";
import { open, request } from "./http.mjs";

const HOPS = 15;

/** A browser whose user has the gateway at `origin` open. */
export class Browser {
  /** Every response of the last navigation, redirects included: `{ url, status, headers, setCookies, sent }`. */
  hops = [];
  #jars = new Map();

  /** `fill(page, user)` is what this user enters in a page of the provider's, by the field's name; nothing in most. */
  constructor({ origin, cookie, ca, fill = () => undefined }, { userAgent = "Mozilla/5.0 (scripted)", headers = {} } = {}) {
    Object.assign(this, { origin, names: cookie, ca, fill, userAgent, headers, user: "ada" });
  }

  /** The jar of an origin; the gateway's where none is given. */
  jar(origin = this.origin) {
    if (!this.#jars.has(origin)) this.#jars.set(origin, new CookieJar());
    return this.#jars.get(origin);
  }

  /** The gateway's session cookie. */
  get session() {
    return this.jar().get(this.names.session);
  }

  /** The `Cookie` header that its session makes. */
  get sessionHeader() {
    return `${this.session.name}=${this.session.value}`;
  }

  /**
   * Opens a page and resolves to the last response. Typed into the address bar, unless `from` says which page's
   * link or script led here. With `follow: false` the first response is the last, with `until` the one that leads to
   * such a URL.
   */
  async navigate(target, { from, method = "GET", form, follow = true, until = () => false, limit } = {}) {
    this.hops = [];
    let url = new URL(target, this.origin);
    let [verb, body] = [method, form && new URLSearchParams(form).toString()];
    let chain = [];
    for (;;) {
      chain.push(url);
      const answer = await this.#load(url, { verb, body, from, chain, limit });
      if (!follow) return answer;
      assert.ok(this.hops.length < HOPS, `the browser goes in circles at ${url}`);
      const next = nextOf(answer) ?? this.#filled(answer);
      if (!next || until(next.url)) return answer;
      if (next.redirect) {
        if (![307, 308].includes(answer.status)) [verb, body] = ["GET", undefined];
      } else {
        // Another page's doing: a form's or a refresh's.
        from = url.origin;
        chain = [];
        [verb, body] = next.form ? ["POST", new URLSearchParams(next.form).toString()] : ["GET", undefined];
      }
      url = next.url;
    }
  }

  /** What comes of a page of the provider's when the user has filled in its form. */
  #filled({ url, text }) {
    const entered = url.origin !== this.origin && this.fill({ url, text }, this.user);
    if (!entered) return undefined;
    const form = formOf(text, url);
    const fields = Object.entries({ ...Object.fromEntries(form.fields), ...entered });
    if (form.method === "post") return { url: form.url, form: fields };
    form.url.search = new URLSearchParams(fields);
    return { url: form.url };
  }

  async #load(url, { verb, body, from, chain, limit }) {
    const site = from === undefined ? "none" : siteOf(chain, from);
    const jar = this.jar(url.origin);
    const cookie = jar.header(url, { crossSite: site === "cross-site", method: verb, topLevel: true });
    const headers = {
      accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      "user-agent": this.userAgent,
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
      "sec-fetch-site": site,
      ...(cookie && { cookie }),
      ...(body !== undefined && { "content-type": "application/x-www-form-urlencoded", origin: from ?? url.origin }),
      ...(url.origin === this.origin && this.headers),
    };
    const answer = await request(url, { method: verb, headers, body, ca: this.ca, limit });
    for (const line of answer.setCookies) jar.store(url, line);
    this.hops.push({ ...answer, sent: headers });
    return answer;
  }

  /** Submits the only form of a page that the browser shows. */
  submit(page) {
    const form = formOf(page.text, page.url);
    return this.navigate(form.url, { from: page.url.origin, method: "POST", form: form.fields });
  }

  /** What `fetch` in a page of the gateway's origin does. */
  async api(target, { method = "GET", headers = {}, body, ...more } = {}) {
    const url = new URL(target, this.origin);
    const answer = await request(url, { method, headers: this.#fetchHeaders(url, method, headers), body, ca: this.ca, ...more });
    for (const line of answer.setCookies) this.jar().store(url, line);
    return answer;
  }

  /** The same, as far as the headers: the body comes as a stream. */
  stream(target, { method = "GET", headers = {}, ...more } = {}) {
    const url = new URL(target, this.origin);
    return open(url, { method, headers: this.#fetchHeaders(url, method, headers), ca: this.ca, ...more });
  }

  #fetchHeaders(url, method, headers) {
    const cookie = this.jar(url.origin).header(url, { method });
    return {
      accept: "application/json",
      "user-agent": this.userAgent,
      "sec-fetch-mode": "cors",
      "sec-fetch-dest": "empty",
      "sec-fetch-site": "same-origin",
      ...(method !== "GET" && method !== "HEAD" && { origin: this.origin }),
      ...(cookie && { cookie }),
      ...this.headers,
      ...headers,
    };
  }

  /** Logs in, and fails where that does. Resolves to the page that the login led to. */
  async login({ returnTo = "/", hint, prefix = "/auth" } = {}) {
    this.user = hint ?? this.user;
    const query = new URLSearchParams({ return_to: returnTo, ...(hint && { login_hint: hint }) });
    const page = await this.navigate(`${prefix}/login?${query}`);
    const way = this.hops.map(({ status, url }) => `${status} ${url.origin}${url.pathname}`).join("\n  ");
    assert.ok(this.session, `the login made no session:\n  ${way}\n${page.text.slice(0, 400)}`);
    return page;
  }
}

/** Where a response leads without the user's doing. */
function nextOf({ status, headers, text, url }) {
  if (status >= 300 && status < 400 && headers.location) return { url: new URL(headers.location, url), redirect: true };
  const refresh = /<meta http-equiv="refresh" content="0;\s*url=([^"]*)"/i.exec(text);
  if (refresh) return { url: new URL(unescape(refresh[1]), url) };
  if (/\.forms\[0\]\.submit\(\)/.test(text)) {
    const form = formOf(text, url);
    return { url: form.url, form: form.fields };
  }
  return undefined;
}

function formOf(html, base) {
  const action = /<form[^>]*\baction="([^"]*)"/i.exec(html);
  assert.ok(action, `there is no form in ${html.slice(0, 300)}`);
  const fields = [...html.matchAll(/<(?:input|button)\b[^>]*>/gi)].flatMap(([tag]) => {
    const name = /\bname="([^"]*)"/i.exec(tag);
    const value = /\bvalue="([^"]*)"/i.exec(tag);
    return name ? [[unescape(name[1]), unescape(value?.[1] ?? "")]] : [];
  });
  const method = /\bmethod="([^"]*)"/i.exec(/<form[^>]*>/i.exec(html)[0])?.[1].toLowerCase() ?? "get";
  return { url: new URL(unescape(action[1]), base), fields, method };
}

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#x27;": "'" };
const unescape = (text) => text.replace(/&(?:amp|lt|gt|quot|#39|#x27);/g, (entity) => ENTITIES[entity]);

/** `Sec-Fetch-Site` of a request that a page of `from` caused, after the redirects of `chain`. */
function siteOf(chain, from) {
  const initiator = new URL(from);
  let site = "same-origin";
  for (const url of chain) {
    if (url.origin === initiator.origin) continue;
    const sameSite = url.protocol === initiator.protocol && url.hostname === initiator.hostname;
    if (!sameSite) return "cross-site";
    site = "same-site";
  }
  return site;
}
