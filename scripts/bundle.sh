#!/usr/bin/env bash
# Bundles what `wrangler deploy` would upload: bundle.sh DIR OUT, where DIR has wrangler.toml, package.json, the
# .mjs files and build/. The tests and the measurements run workerd on OUT. Does nothing when up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

dir=$1
out=$2
stamp="$out.inputs"

inputs() { checksum "$dir/wrangler.toml" "$dir/package.json" "$dir"/*.mjs "$dir/build/index.js" "$dir/build/index_bg.wasm"; }
up_to_date() { [ -d "$out" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(inputs)" ]; }

up_to_date && exit
take_lock bundle
up_to_date && exit

say "bundling into $out/"
before=$(inputs)
rm -rf "$stamp" "$out"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
PATH="$PWD/node_modules/.bin:$PATH" WRANGLER_SEND_METRICS=false CI=1 \
  wrangler deploy --dry-run --config "$dir/wrangler.toml" --outdir "$PWD/$out" >"$log" 2>&1 </dev/null 9>&- ||
  { cat "$log" >&2; stop "wrangler could not bundle the Worker"; }
printf '%s\n' "$before" >"$stamp"
