#!/usr/bin/env bash
# A second Worker in target/quick/, laid out like the repo's root, that compiles soon and runs slower: what `make dev` runs. wrangler
# calls this again when a source changes.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/build.sh target/quick/build "" quick
cp ./*.mjs package.json target/quick/
awk '/^\[/ { skip = ($0 == "[build]") } !skip' wrangler.toml >target/quick/wrangler.toml
cat >>target/quick/wrangler.toml <<'END'

[build]
command = "bash scripts/quick.sh"
cwd = "../.."
watch_dir = "../../src"
END
