// Bytes sent straight to an actor, past the gateway: a second Worker in the same workerd, with the gateway's
// Durable Objects bound to it, hands on what it is sent over the same remote call that the gateway uses.
import { request } from "./http.mjs";
import { freePort } from "./process.mjs";

const SCRIPT = `
export default {
  async fetch(request, env) {
    const [, binding, id] = new URL(request.url).pathname.split("/");
    const namespace = env[binding];
    if (id === "id") return new Response(String(namespace.newUniqueId()));
    const actor = namespace.get(id === "new" ? namespace.newUniqueId() : namespace.idFromString(id));
    try {
      const reply = await actor.ask(new Uint8Array(await request.arrayBuffer()));
      return new Response(reply, { headers: { "x-is-bytes": String(reply instanceof Uint8Array) } });
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};`;

/** What to give a gateway as `probe`. */
export const actorProbe = async () => ({ port: await freePort(), script: SCRIPT });

/** Sends bytes to the actor with this id, or to a new one: `{ status, bytes, isBytes, text }`. */
export async function ask(gateway, id, bytes, { binding = "SESSIONS", limit = 8000 } = {}) {
  const url = `http://127.0.0.1:${gateway.probe.port}/${binding}/${id}`;
  const answer = await request(url, { method: "POST", body: Buffer.from(bytes), limit });
  return { status: answer.status, bytes: answer.bytes, isBytes: answer.headers["x-is-bytes"] === "true", text: answer.text };
}

/** An id that the platform accepts, of an actor that has never been asked anything. */
export async function newActorId(gateway, binding = "SESSIONS") {
  return (await request(`http://127.0.0.1:${gateway.probe.port}/${binding}/id`)).text;
}

/** The actor id in a session cookie. */
export const actorOf = (session) => session.value.split(".")[1];
