#!/usr/bin/env bash
# Installs what the arguments name, each only where it is missing, and says so in one line each:
#   rust     the wasm32 target of the Rust toolchain
#   cargo    worker-build and wasm-bindgen, compiled into the cache folder
#   node     the npm packages, Node itself among them
#   browser  Chromium and openssl, for the tests
#   database Postgres and PgBouncer, for the tests
#   provider Canaille, an OpenID provider in Python, for the tests: into the cache folder
#   applications  Django, Express, SvelteKit and Next.js, for the tests that put real applications behind the gateway: into the cache folder
#   lint     rustfmt, clippy and cargo-deny
# Needs Rust (rustup), Node 20 or later with npm and, for `browser`, `database` and `provider`, a Debian-like system or
# the programs themselves (for the latter Python 3.10 or later with venv).
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

# Python packages at the versions of a list, in an environment of their own; its last file says that it is complete.
python_environment() {
  local folder=$1 list=$2
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$list"
  touch "$folder/complete"
}

# A new environment for each list of versions; tests/parts/canaille.mjs and applications.mjs look for it there.
python_packages() {
  local name=$1 list=$2 folder
  folder="$cache/$name-$(checksum "$list" | cut -c 1-12)"
  [ -e "$folder/complete" ] && return
  python3 -c 'import ensurepip' 2>/dev/null || {
    command -v apt-get >/dev/null || stop "please install: Python 3.10 or later, with venv"
    step "Python's venv (system package)" apt_packages python3 python3-venv
  }
  step "$name, with the versions of $list" python_environment "$folder" "$list"
}

# A copy of a folder with the packages of its package.json, and what is to be built in it; its last file says that it is complete.
node_applications() {
  local folder=$1 source=$2
  rm -rf "$folder"
  cp -R "$source" "$folder"
  (
    export NEXT_TELEMETRY_DISABLED=1
    cd "$folder"
    npm install --no-audit --no-fund
    (cd sveltekit && node ../node_modules/vite/bin/vite.js build)
    (cd nextjs && node ../node_modules/next/dist/bin/next build)
  )
  touch "$folder/complete"
}

applications() {
  local source=tests/parts/applications/node folder
  python_packages django tests/parts/applications/django.txt
  folder="$cache/applications-$(find "$source" -type f | LC_ALL=C sort | xargs cat | checksum | cut -c 1-12)"
  [ -e "$folder/complete" ] || step "the applications of $source (a minute)" node_applications "$folder" "$source"
}

# Providers' own programs, as Debian packages them, for `make test-all`.
providers() {
  local missing=()
  command -v plackup >/dev/null && [ -e /usr/share/perl5/Lemonldap/NG/Portal/Main.pm ] && [ -e /usr/share/perl5/SOAP/Lite.pm ] ||
    missing+=(liblemonldap-ng-portal-perl libplack-perl libstring-random-perl libcrypt-openssl-x509-perl libcrypt-openssl-rsa-perl
      libcrypt-openssl-bignum-perl libio-string-perl libsoap-lite-perl)
  command -v glewlwyd >/dev/null || missing+=(glewlwyd)
  command -v sqlite3 >/dev/null || missing+=(sqlite3)
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || return 0 # their tests are skipped
  step "LemonLDAP::NG and Glewlwyd (system packages)" apt_packages "${missing[@]}"
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
    provider) python_packages canaille tests/parts/canaille.txt ;;
    applications) applications ;;
    providers) providers ;;
    lint) lint ;;
    *) stop "unknown part: $part" ;;
  esac
done
