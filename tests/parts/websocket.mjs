// Just enough of RFC 6455 for a test: an application that echoes text, and a client whose handshake can say anything.
import { createHash, randomBytes } from "node:crypto";
import net from "node:net";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const accept = (key) => createHash("sha1").update(key + GUID).digest("base64");
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;

/**
 * Makes an application (upstream.mjs) accept WebSockets: it echoes short messages, takes the first subprotocol that is
 * offered, and closes with the code in `?close=`. Handshakes go into `seen`; how the last one was closed is the
 * application's `closed`.
 */
export function echoWebSockets(upstream, seen = []) {
  upstream.server.on("upgrade", (request, socket) => {
    seen.push({ url: request.url, headers: request.rawHeaders });
    const lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade"];
    const offered = request.headers["sec-websocket-protocol"];
    if (offered) lines.push(`sec-websocket-protocol: ${offered.split(",")[0]}`);
    socket.write(`${[...lines, `sec-websocket-accept: ${accept(request.headers["sec-websocket-key"])}`].join("\r\n")}\r\n\r\n`);
    socket.on("error", () => {});
    onFrames(socket, ({ opcode, payload }) => {
      if (opcode !== CLOSE) return socket.write(frame(opcode, payload, false));
      upstream.closed = closing(payload);
      socket.end(frame(CLOSE, payload, false));
    });
    const code = new URL(request.url, "http://application").searchParams.get("close");
    if (code) socket.write(frame(CLOSE, closePayload(Number(code)), false));
  });
  return seen;
}

/**
 * Opens one: `{ status, head, socket, say(words), leave(code, reason), closed, heard }`. `say` resolves to the next message
 * that comes; those that nobody waits for are in `heard`. `leave` closes it as a browser does, `closed` resolves to the code and the reason of the other side.
 */
export function openWebSocket(origin, target, headers = []) {
  const { host, hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname).on("error", reject);
    socket.setTimeout(30_000, () => socket.destroy(new Error("the WebSocket says nothing")));
    const key = randomBytes(16).toString("base64");
    const lines = [`GET ${target} HTTP/1.1`, `host: ${host}`, "upgrade: websocket", "connection: Upgrade",
      "sec-websocket-version: 13", `sec-websocket-key: ${key}`, ...headers];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    let head = Buffer.alloc(0);
    socket.on("data", function handshake(chunk) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", handshake);
      const waiting = [];
      const heard = [];
      let over;
      const closed = new Promise((done) => (over = done));
      socket.on("close", () => over({ code: 1006, reason: "" }));
      onFrames(socket, ({ opcode, payload }) => {
        if (opcode === CLOSE) over(closing(payload));
        else {
          const message = opcode === TEXT ? payload.toString() : payload;
          const next = waiting.shift();
          if (next) next(message);
          else heard.push(message);
        }
      });
      const rest = head.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      const say = (words) =>
        new Promise((heard) => {
          waiting.push(heard);
          socket.write(frame(typeof words === "string" ? TEXT : BINARY, Buffer.from(words), true));
        });
      const leave = (code = 1000, reason = "") => socket.write(frame(CLOSE, closePayload(code, reason), true));
      const text = head.subarray(0, end).toString("latin1");
      resolve({ status: Number(text.split(" ")[1]), head: text, socket, say, leave, closed, heard });
    });
  });
}

const closePayload = (code, reason = "") => Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
const closing = (payload) =>
  payload.length < 2 ? { code: 1005, reason: "" } : { code: payload.readUInt16BE(), reason: payload.subarray(2).toString() };

/** One whole frame of at most 125 bytes. */
function frame(opcode, payload, masked) {
  if (!masked) return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, payload.map((byte, at) => byte ^ mask[at % 4])]);
}

function onFrames(socket, take) {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 2) {
      const masked = rest[1] & 0x80;
      const start = masked ? 6 : 2;
      const end = start + (rest[1] & 0x7f);
      if (rest.length < end) return;
      const mask = rest.subarray(2, 6);
      const payload = rest.subarray(start, end);
      take({ opcode: rest[0] & 0x0f, payload: masked ? payload.map((byte, at) => byte ^ mask[at % 4]) : payload });
      rest = rest.subarray(end);
    }
  });
}
