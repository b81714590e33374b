#!/usr/bin/env node
// The package's command: `edge-oauth-sessions init` writes what `wrangler` needs to run and deploy the gateway.
import { UsageError } from "../lib/options.mjs";
import { init, USAGE } from "../lib/init.mjs";

const [command, ...rest] = process.argv.slice(2);
try {
  if (command === "init") await init(rest);
  else if (command === undefined || command === "help" || command === "--help" || command === "-h") console.log(USAGE);
  else throw new UsageError(`there is no command ${command}`);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`error: ${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
