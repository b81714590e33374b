#!/usr/bin/env node
// The package's command: `init` writes what wrangler needs to run and deploy the gateway; `serve` runs it without Cloudflare.
import { init } from "../lib/init.mjs";
import { UsageError } from "../lib/options.mjs";
import { USAGE } from "../lib/usage.mjs";

const [command = "help", ...rest] = process.argv.slice(2);
try {
  if (command === "init") await init(rest);
  else if (command === "serve" || command === "health") await (await import("../lib/serve.mjs"))[command](rest);
  else if (["help", "--help", "-h"].includes(command)) console.log(USAGE);
  else throw new UsageError(`there is no command ${command}`);
} catch (error) {
  if (error?.code === "ABORT_ERR") {
    console.error("\nstopped; nothing was written");
    process.exit(130);
  }
  if (!(error instanceof UsageError)) throw error;
  console.error(`error: ${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
