// A session whose access token has just expired by the gateway's clock: where every test of a refresh begins.
import { INSTRUMENTS, setClockAhead } from "./instruments.mjs";
import { createWorld } from "./world.mjs";

/** Seconds that access tokens live. */
export const LIFE = 60;

/** The world of a logged-in browser, its access token (`first`) expired. */
export async function expired(t, { hostile = {}, vars, ahead = LIFE + 1 } = {}) {
  const world = await createWorld(t, { hostile: { accessTokenSeconds: LIFE, ...hostile }, vars, entry: INSTRUMENTS });
  const browser = await world.login();
  const first = await world.token(browser);
  await setClockAhead(world.gateway, ahead);
  return { ...world, browser, first };
}

/** So many requests at once. */
export const burst = (browser, count) => Promise.all(Array.from({ length: count }, (_, i) => browser.api(`/api/${i}`)));

/** The statuses that there are among answers. */
export const statuses = (answers) => [...new Set(answers.map(({ status }) => status))];
