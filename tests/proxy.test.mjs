// The way to the application and back: conformance 20, 25–27, 29.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { send } from "./parts/browser.mjs";
import { sleep, world } from "./parts/world.mjs";

async function loggedIn(t, options) {
  const parts = await world(t, options);
  const ada = parts.browser();
  await ada.login();
  return { ...parts, ada };
}

test("conformance 20: every authenticated response is no-store, whatever the application says", async (t) => {
  const { ada, upstream } = await loggedIn(t);
  upstream.script = (_, response) => {
    response.writeHead(200, { "cache-control": "public, s-maxage=600", "cdn-cache-control": "max-age=600", "surrogate-control": "max-age=600", "set-cookie": ["app=1; Path=/", "other=2"] }).end("x");
  };
  const { headers, setCookie } = await ada.call("/cached");
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["cdn-cache-control"], undefined);
  assert.equal(headers["surrogate-control"], undefined);
  assert.deepEqual(setCookie, ["app=1; Path=/", "other=2"]);
});

test("conformance 20: every response that sets a cookie is no-store", async (t) => {
  const { browser } = await world(t);
  const response = await browser().send("/auth/login");
  assert.ok(response.setCookie.length);
  assert.equal(response.headers["cache-control"], "no-store");
});

const OWN = [
  ["Authorization", "Bearer forged"], ["AUTHORIZATION", "x"], ["X-Forwarded-For", "6.6.6.6"], ["x_forwarded_for", "6.6.6.6"], ["X-Forwarded-User", "root"],
  ["X_Forwarded_User", "root"], ["x-forwarded_groups", "admin"], ["X-Forwarded-Email", "root@x"], ["X-Forwarded-Host", "evil.example"], ["X-Forwarded-Proto", "gopher"],
  ["Forwarded", "for=6.6.6.6"], ["X-Geo-City", "forged"], ["X_GEO_CITY", "forged"], ["Cf-ASN", "1"], ["CF_ASN", "1"], ["Cf-Bot-Score", "99"], ["cf_bot_score", "99"],
  ["Cf-Verified-Bot", "true"], ["X-Captcha-Passed-At", "forged"], ["X_Captcha_Passed_At", "forged"],
];

for (const method of ["GET", "POST", "OPTIONS"]) {
  test(`conformance 25: a client's ${method} cannot bring the gateway's headers, in any spelling`, async (t) => {
    const { ada, gateway, upstream } = await loggedIn(t);
    const headers = [...OWN, ["cookie", `session=${ada.session.value}`], ["origin", gateway.origin], ["host", new URL(gateway.origin).host]];
    const response = await send(gateway.url("/x"), { method, headers });
    assert.equal(response.status, 200);
    const { raw } = upstream.requests.at(-1);
    for (const [name, value] of raw) {
      assert.ok(!/forged|root|6\.6\.6\.6|evil|gopher|admin|99/.test(value), `${name}: ${value}`);
      assert.ok(!name.includes("_"), name);
    }
    const seen = Object.fromEntries(raw.map(([name, value]) => [name.toLowerCase(), value]));
    assert.match(seen.authorization, /^Bearer /);
    assert.equal(seen["x-forwarded-host"], new URL(gateway.origin).host);
    assert.equal(seen["x-forwarded-proto"], "http");
  });
}

test("conformance 25: without a session nothing reaches the application, OPTIONS included", async (t) => {
  const { gateway, upstream } = await world(t);
  const host = ["host", new URL(gateway.origin).host];
  for (const method of ["GET", "OPTIONS", "HEAD"]) assert.equal((await send(gateway.url("/x"), { method, headers: [host, ...OWN] })).status, 401);
  assert.equal(upstream.requests.length, 0);
});

test("conformance 26: Connection cannot remove a header of the gateway's", async (t) => {
  const { ada, upstream } = await loggedIn(t);
  const response = await ada.call("/x", { headers: { connection: "close, authorization, x-forwarded-host, cookie, x-hop", "x-hop": "1" } });
  assert.equal(response.status, 200);
  const { headers } = upstream.requests.at(-1);
  assert.match(headers.authorization, /^Bearer /);
  assert.ok(headers["x-forwarded-host"]);
  assert.equal(headers["x-hop"], undefined);
});

test("conformance 27: the session cookie never reaches the application, and other cookies arrive byte for byte", async (t) => {
  const { ada, gateway, upstream } = await loggedIn(t);
  const { value } = ada.session;
  for (const [sent, expected] of [
    [`a="1,2"; session=${value}; b==x;c=%20`, 'a="1,2"; b==x;c=%20'], [`session=${value}`, undefined], [`session=${value}; a=1`, "a=1"],
    [`a=1; session=${value}; login-0123abcd=x; login-nothex=y`, "a=1; login-nothex=y"], [`a=1;session=${value};b=2`, "a=1;b=2"],
  ]) {
    const response = await send(gateway.url("/x"), { headers: { cookie: sent } });
    assert.equal(response.status, 200, sent);
    assert.equal(upstream.requests.at(-1).headers.cookie, expected);
  }
});

test("conformance 27: the application cannot set the gateway's cookies", async (t) => {
  const { ada, upstream } = await loggedIn(t);
  upstream.script = (_, response) => response.writeHead(200, { "set-cookie": ["session=evil; Path=/", "login-0123abcd=evil", "mine=1; HttpOnly"] }).end();
  const { setCookie } = await ada.call("/x");
  assert.deepEqual(setCookie, ["mine=1; HttpOnly"]);
});

test("conformance 29: a redirect of the application is passed on, not followed with the token", async (t) => {
  const { ada, upstream } = await loggedIn(t);
  upstream.script = (_, response) => response.writeHead(302, { location: "https://elsewhere.example/x" }).end();
  const before = upstream.requests.length;
  const response = await ada.call("/x");
  assert.equal(response.status, 302);
  assert.equal(response.headers.location, "https://elsewhere.example/x");
  assert.equal(upstream.requests.length, before + 1);
});

test("conformance 28: the path that is matched is the path that is forwarded, and what hides one is a 400", async (t) => {
  const { ada, gateway, upstream } = await loggedIn(t);
  const cookie = `session=${ada.session.value}`;
  const { connect } = await import("node:net");
  const raw = (path) => new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(gateway.port, "127.0.0.1", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`));
    socket.on("data", (chunk) => (text += chunk)).on("error", reject).on("close", () => resolve(Number(text.slice(9, 12))));
  });
  for (const path of ["/a/%2e%2e/b", "/a/..%2fb", "/a%5c..", "/a%00", "/a/..;/b", "/a/.%2e;x/b"]) assert.equal(await raw(path), 400, path);
  for (const [path, expected] of [["/?x=/auth/login", "/?x=/auth/login"], ["/a/../b", "/b"], ["/%252e%252e/x", "/%252e%252e/x"], ["/a;b=1/c", "/a;b=1/c"], ["/a%23b", "/a%23b"]]) {
    assert.equal(await raw(path), 200, path);
    assert.equal(upstream.requests.at(-1).url, expected);
  }
});

test("bodies are passed both ways as they are", async (t) => {
  const { ada, upstream } = await loggedIn(t);
  const body = randomBytes(3 << 20);
  const response = await ada.call("/up", { method: "PUT", body, headers: { "content-type": "application/octet-stream" } });
  assert.equal(response.json().body.sha256, createHash("sha256").update(body).digest("hex"));
  assert.equal(upstream.requests.at(-1).method, "PUT");
});

test("a response is streamed: its first bytes arrive before its last are there", async (t) => {
  const { ada, gateway, upstream } = await loggedIn(t);
  let finish;
  upstream.script = (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: first\n\n");
    finish = () => response.end("data: last\n\n");
  };
  const response = await fetch(gateway.url("/events"), { headers: { cookie: ada.cookieHeader(gateway.origin) } });
  const reader = response.body.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /first/);
  finish();
  assert.match(new TextDecoder().decode((await reader.read()).value), /last/);
});

test("an application that cannot be reached is a 502, a slow one a 504", async (t) => {
  const { ada, upstream } = await loggedIn(t, { vars: { UPSTREAM_TIMEOUT_SECONDS: "1" } });
  upstream.script = () => sleep(3000);
  const slow = await ada.call("/x");
  assert.equal(slow.status, 504);
  assert.equal(slow.json().code, "upstream_timeout");
  await upstream.stop();
  upstream.stop = async () => {};
  const gone = await ada.call("/x");
  assert.equal(gone.status, 502);
  assert.equal(gone.json().code, "upstream_unavailable");
});

test("a non-safe request of another site is rejected on the application's routes", async (t) => {
  const { ada, upstream } = await loggedIn(t);
  const before = upstream.requests.length;
  for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }]) {
    const response = await ada.call("/x", { method: "POST", headers });
    assert.equal(response.status, 403);
    assert.equal(response.json().code, "csrf_rejected");
  }
  assert.equal(upstream.requests.length, before);
});

test("an encoded body, a HEAD, a 304 and a range are passed as they are", async (t) => {
  const { ada, gateway, upstream } = await loggedIn(t);
  const { gzipSync } = await import("node:zlib");
  const body = gzipSync("hello ".repeat(1000));
  upstream.script = (request, response) => {
    if (request.url === "/304") return response.writeHead(304, { etag: '"x"' }).end();
    if (request.url === "/range") return response.writeHead(206, { "content-range": "bytes 0-1/10" }).end("ab");
    response.writeHead(200, { "content-type": "text/plain", "content-encoding": "gzip", "content-length": body.length }).end(request.method === "HEAD" ? undefined : body);
  };
  const headers = { "accept-encoding": "gzip", cookie: ada.cookieHeader(gateway.origin) };
  const http = await import("node:http");
  const raw = await new Promise((resolve, reject) => {
    http.get(gateway.url("/gzip"), { headers }, async (response) => {
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ headers: response.headers, body: Buffer.concat(chunks) });
    }).on("error", reject);
  });
  assert.equal(raw.headers["content-encoding"], "gzip");
  assert.ok(raw.body.equals(body));
  const head = await send(gateway.url("/gzip"), { method: "HEAD", headers });
  assert.deepEqual([head.status, head.body], [200, ""]);
  const unchanged = await ada.call("/304", { headers: { "if-none-match": '"x"' } });
  assert.deepEqual([unchanged.status, unchanged.headers.etag], [304, '"x"']);
  const range = await ada.call("/range", { headers: { range: "bytes=0-1" } });
  assert.deepEqual([range.status, range.body, range.headers["content-range"]], [206, "ab", "bytes 0-1/10"]);
});

test("a WebSocket passes, with the token in its handshake", async (t) => {
  const { ada, gateway, upstream } = await loggedIn(t);
  const { createHash } = await import("node:crypto");
  upstream.upgrade = (request, socket) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const text = Buffer.from(request.headers.authorization);
    socket.write(Buffer.concat([Buffer.of(0x81, text.length), text]));
  };
  const socket = new WebSocket(gateway.url("/ws").replace("http", "ws"), { headers: { cookie: ada.cookieHeader(gateway.origin) } });
  const message = await new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = ({ message }) => reject(new Error(message || "the handshake failed"));
  });
  socket.close();
  assert.match(message, /^Bearer \S+/);
});

test("a hot request does no storage operation", async (t) => {
  const main = `import worker, { SessionActor as Real } from "./entry.js";
    let operations = 0;
    const count = (object, names) => {
      const prototype = Object.getPrototypeOf(object);
      for (const name of names) {
        const method = prototype[name];
        if (method.counted) continue;
        prototype[name] = function (...args) { operations++; return method.apply(this, args); };
        prototype[name].counted = true;
      }
    };
    export class SessionActor extends Real {
      constructor(context, env) {
        count(context.storage, ["get", "put", "delete", "list", "setAlarm", "getAlarm", "deleteAlarm", "transaction"]);
        count(context.storage.sql, ["exec"]);
        super(context, env);
      }
    }
    export default class extends worker {
      fetch(request) { return request.url.endsWith("/count-of-operations") ? new Response(String(operations)) : super.fetch(request); }
    }`;
  const { ada, gateway } = await loggedIn(t, { main });
  const operations = async () => Number((await send(gateway.url("/count-of-operations"))).body);
  await ada.call("/x");
  await sleep(100);
  const before = await operations();
  assert.ok(before > 3, `${before}`);
  for (let request = 0; request < 50; request++) assert.equal((await ada.call("/x")).status, 200);
  await sleep(100);
  assert.equal(await operations(), before);
});
