// `make dev`, and what it says once it has started.
import assert from "node:assert/strict";
import { until } from "./process.mjs";

/** Waits until the started process says where to go; fails if it ends before. */
export async function untilStarted(child, ms) {
  let over = false;
  child.gone.then(() => (over = true));
  await until("it says where to go", () => {
    assert.ok(!over, child.output);
    return child.output.includes("Ctrl-C");
  }, ms);
}
