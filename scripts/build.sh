#!/usr/bin/env bash
# Builds the Worker: build.sh [OUT [FEATURES [PROFILE]]], into build/ unless told otherwise. PROFILE is release, or quick for a
# build that compiles soon and runs slower. What went into a build is stamped by content, so that nothing is done when nothing
# changed, whatever git did to the dates of files.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

out=${1:-build}
features=${2:-}
profile=${3:-release}
stamp="$out/.inputs"

export -f checksum
inputs() {
  printf '%s\n' "profile=$profile $(env | { grep '^CARGO_PROFILE_' || true; } | LC_ALL=C sort | tr '\n' ' ')features=$features wasm-bindgen=$wasm_bindgen_version worker-build=$worker_build_version"
  find Cargo.toml Cargo.lock scripts/build.sh src -type f -print0 | LC_ALL=C sort -z | xargs -0 bash -c 'checksum "$@"' bash
}

up_to_date() { [ -f "$out/index_bg.wasm" ] && [ -f "$out/index.js" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(inputs)" ]; }

up_to_date && exit
bash scripts/install.sh rust cargo node
take_lock build
up_to_date && exit # someone else built it while we waited

say "compiling the Worker into $out/ (some minutes the first time, seconds after a change)"
before=$(inputs)
# worker-build waits for the leftovers of a failed run, taking them for a run of somebody else's.
rm -rf "$stamp" "$out/.tmp" "$out/.oldtmp"
export WASM_BINDGEN_BIN="${WASM_BINDGEN_BIN:-$wasm_bindgen}"
export WASM_OPT_BIN="${WASM_OPT_BIN:-$PWD/node_modules/.bin/wasm-opt}"
export ESBUILD_BIN="${ESBUILD_BIN:-$PWD/node_modules/.bin/esbuild}"
export PATH="$PWD/node_modules/.bin:$PATH"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# What matters of a failure is what the compiler says, not how worker-build came to call it.
export CARGO_TERM_QUIET=true RUST_BACKTRACE=0
if [ "$profile" = release ]; then how=(--release); else how=(--profile "$profile" --no-opt); fi
# At a terminal cargo shows how far it is.
if [ -t 2 ] && [ "$profile" != release ]; then
  CARGO_TERM_QUIET=false CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=80 \
    "$worker_build" "${how[@]}" --out-dir "$out" ${features:+--features "$features"} >"$log" 9>&- ||
    stop "the Worker does not build"
else
  "$worker_build" "${how[@]}" --out-dir "$out" ${features:+--features "$features"} >"$log" 2>&1 9>&- ||
    { grep -v '^\[INFO\]' "$log" >&2; stop "the Worker does not build"; }
fi
[ "$profile" = release ] || { printf '%s\n' "$before" >"$stamp"; exit; }
# The names of functions are an eighth of the upload, and no stack trace of a release shows them.
"$WASM_OPT_BIN" --all-features --reorder-functions-by-name --strip-debug "$out/index_bg.wasm" -o "$out/index_bg.wasm" ||
  stop "wasm-opt could not strip the Worker"
# The inputs as they were at the start: what was edited meanwhile is built next time.
printf '%s\n' "$before" >"$stamp"
