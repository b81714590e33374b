// WorkOS on this machine, by its own emulator: the npm package workos. Every user comes in.
import { Worker } from "node:worker_threads";

/** What the emulator's access tokens live. */
const HOUR = 3600;

/** The emulator's client id, API key and users. */
export const CLIENT_ID = "client_the-gateway";
export const API_KEY = "sk_test_the-gateway";
const SEED = {
  apiKeys: { [API_KEY]: { environment: "test" } },
  users: [
    { email: "ada@example.com", first_name: "Ada", last_name: "Lovelace", email_verified: true },
    { email: "grace@example.com", first_name: "Grace", last_name: "Hopper", email_verified: true },
  ],
  organizations: [{ name: "Acme" }],
};

/** Starts the emulator, with access tokens that live so long, and resolves to `{ origin, close }`. */
export async function startEmulator({ accessTokenSeconds }) {
  const file = new URL("./workos-emulator.mjs", import.meta.url);
  const thread = new Worker(file, { workerData: { seed: SEED, behind: (HOUR - accessTokenSeconds) * 1000 } });
  const { url } = await new Promise((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
  return { origin: url, close: () => thread.terminate() };
}
