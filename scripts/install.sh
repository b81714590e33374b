#!/usr/bin/env bash
# Installs what the arguments name, each only where it is missing, and says so in one line each:
#   rust     the wasm32 target of the Rust toolchain
#   cargo    worker-build and wasm-bindgen, compiled into the cache folder
#   node     the npm packages, Node itself among them
#   browser  Chromium and openssl, for the tests
#   database Postgres and PgBouncer, for the tests
#   lint     rustfmt, clippy and cargo-deny
# Needs Rust (rustup), Node 20 or later with npm and, for `browser` and `database`, a Debian-like system or the
# programs themselves.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Announces a step and runs it quietly; what it printed is shown when it fails.
step() {
  say "installing $1"
  shift
  "$@" >"$log" 2>&1 9>&- || { cat "$log" >&2; stop "that failed: $*"; }
}

# `cargo install` into a folder of its own. These are tools of a few calls, so that they are compiled fast
# rather than made fast. A published lock file may name a version that a mirror lacks: then without it.
cargo_tool() {
  local folder=$1 package=$2 version=$3
  local root="$cache/$folder-$version" scratch
  scratch=$(mktemp -d)
  export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
  if ! CARGO_TARGET_DIR=$scratch cargo install "$package" --version "=$version" --locked --root "$root"; then
    CARGO_TARGET_DIR=$scratch cargo install "$package" --version "=$version" --root "$root" ||
      { rm -rf "$scratch"; return 1; }
  fi
  rm -rf "$scratch"
}

rust() {
  command -v cargo >/dev/null || stop "Rust is missing; install it with rustup"
  [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ] ||
    step "the Rust target wasm32-unknown-unknown" rustup target add wasm32-unknown-unknown
}

cargo_tools() {
  [ -n "${WASM_BINDGEN_BIN:-}" ] || [ -x "$wasm_bindgen" ] ||
    step "wasm-bindgen $wasm_bindgen_version (a few minutes)" \
      cargo_tool wasm-bindgen wasm-bindgen-cli "$wasm_bindgen_version"
  [ -x "$worker_build" ] ||
    step "worker-build $worker_build_version (a few minutes)" \
      cargo_tool worker-build worker-build "$worker_build_version"
}

# npm must not run under the Node that it is about to replace.
npm_ci() {
  PATH="${PATH//"$PWD/node_modules/.bin:"/}" npm ci --no-audit --no-fund
}

node_packages() {
  command -v npm >/dev/null || stop "npm is missing; install Node 20 or later"
  [ -x node_modules/node/bin/node ] && [ -x node_modules/.bin/wrangler ] &&
    [ ! package-lock.json -nt node_modules/.package-lock.json ] ||
    step "the npm packages of package-lock.json" npm_ci
}

apt_packages() {
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  "${root[@]}" apt-get update
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

browser() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  command -v openssl >/dev/null || missing+=(openssl)
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || stop "please install: ${missing[*]}"
  step "${missing[*]} (system packages)" apt_packages "${missing[@]}"
}

database() {
  local missing=()
  compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || missing+=(postgresql)
  [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null ||
    stop "please install: ${missing[*]} (programs in /usr/lib/postgresql and /usr/sbin/pgbouncer)"
  step "${missing[*]} (system packages)" apt_packages "${missing[@]}"
}

lint() {
  cargo fmt --version >/dev/null 2>&1 || step "rustfmt" rustup component add rustfmt
  cargo clippy --version >/dev/null 2>&1 || step "clippy" rustup component add clippy
  [ -x "$cargo_deny" ] ||
    step "cargo-deny $cargo_deny_version (a few minutes)" cargo_tool cargo-deny cargo-deny "$cargo_deny_version"
}

take_lock install
for part in "$@"; do
  case $part in
    rust) rust ;;
    cargo) cargo_tools ;;
    node) node_packages ;;
    browser) browser ;;
    database) database ;;
    lint) lint ;;
    *) stop "unknown part: $part" ;;
  esac
done
