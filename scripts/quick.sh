#!/usr/bin/env bash
# A second Worker in target/quick-worker/, laid out like the repo's root, that compiles soon and runs slower: what `make dev` runs. Of it
# wrangler calls scripts/build.sh alone when a source changes: it watches the other files, and would begin again at each that is written.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/build.sh target/quick-worker/build "" quick
cp ./*.mjs package.json target/quick-worker/
{
  awk '/^\[/ { skip = ($0 == "[build]") } !skip' wrangler.toml
  printf '\n[build]\ncommand = "bash scripts/build.sh target/quick-worker/build '"''"' quick"\nwatch_dir = "../../src"\n'
} >target/quick-worker/wrangler.toml
