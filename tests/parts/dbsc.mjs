// Chromium with Device Bound Session Credentials, which it has under these switches even without a TPM: keys in software. It speaks the
// protocol only where the certificate counts as valid, so that the certificate's key is named.
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { chromium } from "playwright-core";
import { ARGUMENTS, EXECUTABLE } from "./chromium.mjs";
import { BOUND } from "./device.mjs";
import { removeFolder, temporaryFolder, until } from "./process.mjs";

const FEATURES = "DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting";

/** A browser with a profile of its own, in front of this world's gateway; `supported: false` is one that knows nothing of it. */
export async function openChromium(t, { gateway }, { supported = true } = {}) {
  assert.ok(EXECUTABLE, "Chromium is missing; set CHROMIUM to its path, or run scripts/install.sh browser");
  const folder = temporaryFolder();
  const leaf = new X509Certificate(gateway.tls.certificateChain);
  const spki = createHash("sha256").update(leaf.publicKey.export({ type: "spki", format: "der" })).digest("base64");
  const args = [...ARGUMENTS, `--ignore-certificate-errors-spki-list=${spki}`, ...(supported ? [`--enable-features=${FEATURES}`] : [`--disable-features=${FEATURES}`])];
  const browser = { origin: gateway.origin, events: [] };
  const launch = async () => {
    browser.context = await chromium.launchPersistentContext(folder, { executablePath: EXECUTABLE, headless: true, args });
    browser.page = await browser.tab();
  };
  browser.tab = async () => {
    const page = await browser.context.newPage();
    page.setDefaultTimeout(15_000);
    const session = await browser.context.newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.enableDeviceBoundSessions", { enable: true }).catch(() => {});
    session.on("Network.deviceBoundSessionEventOccurred", (event) => browser.events.push(event));
    return page;
  };
  browser.cookie = async (name) => (await browser.context.cookies(gateway.origin)).find((cookie) => cookie.name === name);
  browser.bound = () => until("the session is bound", () => browser.cookie(BOUND));
  /** The proof ends. */
  browser.expire = () => browser.context.clearCookies({ name: BOUND });
  browser.restart = async () => {
    await browser.context.close();
    await launch();
  };
  await launch();
  t.after(async () => {
    if (t.passed === false) t.diagnostic(`device bound session events: ${JSON.stringify(browser.events.slice(-6))}`);
    await browser.context.close();
    removeFolder(folder);
  });
  return browser;
}
