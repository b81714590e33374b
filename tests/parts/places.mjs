// Where a scripted browser is: what Cloudflare would say of its address.
import { CF_HEADER } from "./workerd.mjs";

export const FRANKFURT = { continent: "EU", country: "DE", longitude: "8.68" };
export const SYDNEY = { continent: "OC", country: "AU", longitude: "151.21" };
export const DENVER = { continent: "NA", country: "US", longitude: "-104.99" };

/** The request header that says so. */
export const at = (place) => ({ [CF_HEADER]: JSON.stringify(place) });

/** From now on all requests of this browser to the gateway come from that place. */
export function travel(browser, place) {
  browser.headers = place ? at(place) : {};
  return browser;
}

/** A browser that logs in there. */
export async function loginAt(world, place, how) {
  const browser = travel(world.browser(), place);
  await browser.login(how);
  return browser;
}

/** The region and the actor in a browser's session cookie, and its secret. */
export function cookieOf(browser) {
  const [region, actor, secret] = browser.session.value.split(".");
  return { region, actor, secret };
}
