// The thread that WorkOS's emulator runs in. Its access tokens live an hour; with its clock `behind` they live that much
// less.
import { parentPort, workerData } from "node:worker_threads";

const { now } = Date;
Date.now = () => now() - workerData.behind;
const { createEmulator } = await import("workos/emulate");
const emulator = await createEmulator({ port: 0, seed: workerData.seed });
parentPort.postMessage({ url: emulator.url });
