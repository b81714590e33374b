// Just enough of RFC 6455 for a test: an application that echoes text, and a client whose handshake can say anything.
import { createHash, randomBytes } from "node:crypto";
import net from "node:net";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const accept = (key) => createHash("sha1").update(key + GUID).digest("base64");
const TEXT = 1;
const CLOSE = 8;

/** Makes an application (upstream.mjs) accept WebSockets: it echoes short texts. Handshakes go into `seen`. */
export function echoWebSockets({ server }, seen = []) {
  server.on("upgrade", (request, socket) => {
    seen.push({ url: request.url, headers: request.rawHeaders });
    const lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade"];
    socket.write(`${[...lines, `sec-websocket-accept: ${accept(request.headers["sec-websocket-key"])}`].join("\r\n")}\r\n\r\n`);
    socket.on("error", () => {});
    onFrames(socket, ({ opcode, payload }) => {
      if (opcode === TEXT) socket.write(frame(opcode, payload, false));
      else socket.end();
    });
  });
  return seen;
}

/**
 * Opens one: `{ status, socket, say(text), leave() }`, where `say` resolves to the next text that comes and `leave`
 * closes it as a browser does.
 */
export function openWebSocket(origin, target, headers = []) {
  const { host, hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname).on("error", reject);
    socket.setTimeout(10_000, () => socket.destroy(new Error("the WebSocket says nothing")));
    const key = randomBytes(16).toString("base64");
    const lines = [`GET ${target} HTTP/1.1`, `host: ${host}`, "upgrade: websocket", "connection: Upgrade",
      "sec-websocket-version: 13", `sec-websocket-key: ${key}`, ...headers];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    let text = "";
    socket.on("data", function handshake(chunk) {
      text += chunk.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      socket.off("data", handshake);
      const waiting = [];
      onFrames(socket, ({ opcode, payload }) => opcode === TEXT && waiting.shift()?.(payload.toString()));
      const say = (words) =>
        new Promise((heard) => {
          waiting.push(heard);
          socket.write(frame(TEXT, Buffer.from(words), true));
        });
      const leave = () => socket.write(frame(CLOSE, Buffer.from([3, 232]), true)); // 1000: normal closure
      resolve({ status: Number(text.split(" ")[1]), socket, say, leave });
    });
  });
}

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
