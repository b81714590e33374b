// What a login looks like that failed, or that became a session. The modules about logging in share it.
import assert from "node:assert/strict";

/** One login attempt in a new browser: the browser and the page where it ended. */
export async function attempt(world, { target = "/auth/login?return_to=/", browser = world.browser() } = {}) {
  const page = await browser.navigate(target);
  return { browser, page };
}

/** Up to the provider's answer: the callback's URL, which the browser has not opened yet. */
export async function callbackOf(browser, target = "/auth/login?return_to=/") {
  const isCallback = (url) => url.origin === browser.origin && url.pathname.endsWith("/callback");
  const answer = await browser.navigate(target, { until: isCallback });
  assert.ok([302, 303].includes(answer.status), answer.text.slice(0, 500));
  return new URL(answer.headers.location);
}

/** The page says that the login failed, without details of tokens, and there is no session. */
export function assertRejected({ browser, page }, { status = 400, code = "callback_rejected" } = {}) {
  const titles = { callback_rejected: "Login failed", provider_rejected: "refused", provider_unavailable: "unavailable" };
  assert.equal(page.status, status, page.text.slice(0, 500));
  assert.equal(page.url.pathname, "/auth/callback");
  assert.match(page.text, new RegExp(`<h1>[^<]*${titles[code]}`));
  assert.equal(browser.session, undefined, "no session cookie is set");
  const { setCookies } = page;
  for (const line of setCookies) assert.ok(!/session=[^;]/.test(line), line);
}

/** There is a session, and the application gets its token. */
export async function assertSignedIn(world, { browser, page }) {
  assert.equal(page.status, 200, page.text.slice(0, 500));
  assert.ok(browser.session, "a session cookie is set");
  const token = await world.token(browser);
  assert.ok(token);
  return token;
}
