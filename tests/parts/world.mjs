// A gateway with a real provider in front of it and an application behind it, stopped when the test ends.
import { freePort, startGateway } from "./gateway.mjs";
import { startProvider } from "./provider.mjs";
import { startHostile } from "./hostile.mjs";
import { startUpstream } from "./upstream.mjs";
import { Browser } from "./browser.mjs";
import { setTimeout as sleep } from "node:timers/promises";

/** `provider`: settings of provider.mjs; everything else as startGateway takes it. */
export async function world(t, { provider: settings, ...rest } = {}) {
  const port = await freePort();
  const callback = `${rest.tls ? "https://localhost" : "http://127.0.0.1"}:${port}/auth/callback`;
  return assemble(t, await startProvider({ ...settings, redirectUris: [callback] }), { port, ...rest });
}

/** The same with the scriptable provider. */
export async function hostileWorld(t, options = {}) {
  return assemble(t, await startHostile(), options);
}

async function assemble(t, provider, options) {
  const upstream = await startUpstream();
  const gateway = await startGateway({ provider, upstream, ...options });
  t.after(async () => {
    await gateway.stop();
    await Promise.all([provider.stop(), upstream.stop()]);
  });
  return { provider, upstream, gateway, browser: (options) => new Browser(gateway, options) };
}

/** Waits until something is so. */
export async function until(what, condition, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(50);
  }
}

export { sleep };
