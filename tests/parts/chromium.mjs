// Chromium, as installed on this machine; it opens nothing but what a test tells it to.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

/** The browser: CHROMIUM, or where systems put it. */
export const EXECUTABLE = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
/** What keeps it from calling home. */
export const ARGUMENTS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts it without a window; `args` are more of its switches. */
export function launchChromium({ args = [] } = {}) {
  assert.ok(EXECUTABLE, "Chromium is missing; set CHROMIUM to its path, or run scripts/install.sh browser");
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, args: [...ARGUMENTS, ...args] });
}
