// A line between the gateway and a server that can be cut, jammed or slow: TCP, byte for byte.
import { connect, createServer } from "node:net";

/**
 * Starts one to `port` and resolves to a `Line`. `mode` is what becomes of it:
 * - `"through"`: everything passes
 * - `"refuse"`: connections are closed as they come, those that there are at once
 * - `"jam"`: what is sent gets nowhere, and nothing is answered
 * - `"mute"`: what is sent arrives, and the answer is lost; with `drop` the connection ends then, else it stays open
 */
export async function startLine(port) {
  const line = new Line(port);
  await new Promise((resolve) => line.server.listen(0, "127.0.0.1", resolve));
  return line;
}

class Line {
  #mode = "through";
  #pairs = new Set();
  drop = false;
  /** Sees each piece that is sent, and may return a mode to go on with, or `"cut"`: this connection alone is closed. */
  watch = undefined;
  opened = 0;

  constructor(port) {
    this.server = createServer((near) => this.#accept(near, port));
  }

  get port() {
    return this.server.address().port;
  }

  get open() {
    return this.#pairs.size;
  }

  get mode() {
    return this.#mode;
  }

  set mode(mode) {
    this.#mode = mode;
    if (mode === "refuse") for (const { near } of this.#pairs) near.destroy();
  }

  #accept(near, port) {
    this.opened += 1;
    near.on("error", () => {});
    if (this.#mode === "refuse") return near.destroy();
    const far = connect(port, "127.0.0.1");
    const pair = { near, far };
    this.#pairs.add(pair);
    far.on("error", () => near.destroy());
    near.on("data", (piece) => {
      const verdict = this.watch?.(piece);
      if (verdict === "cut") return near.destroy();
      this.#mode = verdict ?? this.#mode;
      if (this.#mode === "refuse") near.destroy();
      else if (this.#mode !== "jam") far.write(piece);
    });
    far.on("data", (piece) => {
      if (this.#mode === "through") near.write(piece);
      else if (this.#mode === "mute" && this.drop) near.destroy();
    });
    near.on("close", () => {
      this.#pairs.delete(pair);
      far.destroy();
    });
    far.on("close", () => this.#mode !== "jam" && near.destroy());
  }

  close() {
    this.mode = "refuse";
    return new Promise((resolve) => this.server.close(resolve));
  }
}
