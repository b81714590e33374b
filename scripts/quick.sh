#!/usr/bin/env bash
# A second Worker in target/quick-worker/, laid out like the repo's root, that compiles soon and runs slower: what `make dev` runs. wrangler
# calls this again when a source changes.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/build.sh target/quick-worker/build "" quick
cp ./*.mjs package.json target/quick-worker/
awk '/^\[/ { skip = ($0 == "[build]") } !skip' wrangler.toml >target/quick-worker/wrangler.toml
cat >>target/quick-worker/wrangler.toml <<'END'

[build]
command = "bash scripts/quick.sh"
cwd = "../.."
watch_dir = "../../src"
END
