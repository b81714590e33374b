// Texts in and out of WebAssembly. They cross in one buffer of its memory, which costs less than the copies and allocations of
// generated bindings. If a text does not fit, the call has no answer, and the
// caller takes the path that waits.
import { HotPath } from "./build/index.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
// What worker-build's shim knows of the WebAssembly instance.
const state = globalThis.__worker_init_state;

let view = new Uint8Array();
let instance = -1;

/** The buffer. A panic replaces it with the instance, and memory that grows moves. */
function buffer() {
  if (view.byteLength === 0 || instance !== state.instanceId || state.criticalError) {
    // The first call after a panic makes the new instance.
    const [at, length] = [HotPath.buffer(), HotPath.buffer_length()];
    view = new Uint8Array(HotPath.memory().buffer, at, length);
    instance = state.instanceId;
  }
  return view;
}

/** Writes a text at `from`, and returns its end; -1 where it does not fit. */
function write(text, from) {
  const { read, written } = encoder.encodeInto(text, from === 0 ? buffer() : buffer().subarray(from));
  return read === text.length ? from + written : -1;
}

const read = (length) => decoder.decode(buffer().subarray(0, length));

/** The text that `f` left in the buffer, and that is so long; none where it says -1. */
const replied = (length) => (length > 0 ? read(length) : length === 0 ? "" : undefined);

/** What `f` makes of a text. Empty: the text does not fit, or `f` has no answer. */
export function call(f, text, number) {
  const length = write(text, 0);
  return length < 0 ? "" : replied(f(length, number));
}

/** What `f` makes of two texts. */
export function callWithTwo(f, first, second, number) {
  const length = write(first, 0);
  const end = length < 0 ? -1 : write(second, length);
  return end < 0 ? "" : replied(f(length, end, number));
}
