#!/usr/bin/env bash
# A second Worker in target/panic/, laid out like the repo's root, whose actors panic when a test asks for it
# (cargo feature deliberate-panic). Never deployed.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/build.sh target/panic/build deliberate-panic
cp ./*.mjs package.json target/panic/
# Without [build]: wrangler would call `make build` in target/panic/.
awk '/^\[/ { skip = ($0 == "[build]") } !skip' wrangler.toml >target/panic/wrangler.toml
bash scripts/bundle.sh target/panic target/panic/bundle
