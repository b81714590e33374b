# Where the tools are and which versions are wanted. Sourced by the other scripts, from the root of the repo.
#
# Versions follow Cargo.lock: wasm-bindgen refuses code made for another version of itself, and worker-build
# writes the JavaScript that the `worker` crate of the same version expects.

# Not every caller has cargo on its PATH: an editor or a service started before Rust was installed, say.
command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"

say() { printf '%s\n' "$*" >&2; }
stop() { say "error: $*"; exit 1; }

# The version of a package in Cargo.lock.
locked() {
  [ -f Cargo.lock ] || stop "Cargo.lock is missing; restore it from git"
  awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/version = |"/, ""); print; exit }' Cargo.lock
}

# A checksum over files, the same on every system for the same content.
checksum() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

cache="${XDG_CACHE_HOME:-$HOME/.cache}/edge-oauth-sessions"
wasm_bindgen_version="$(locked wasm-bindgen)"
worker_build_version="$(locked worker)"
cargo_deny_version=0.20.2

# Compiled tools, one folder for each version, outside of the repo so that all checkouts share them.
tool() { printf '%s/%s-%s/bin/%s' "$cache" "$1" "$2" "$3"; }
wasm_bindgen="$(tool wasm-bindgen "$wasm_bindgen_version" wasm-bindgen)"
worker_build="$(tool worker-build "$worker_build_version" worker-build)"
cargo_deny="$(tool cargo-deny "$cargo_deny_version" cargo-deny)"

# One at a time of what the argument names, where the system has flock: `wrangler dev` builds too. Each kind of
# work has its own lock, since wrangler builds while it bundles. Given up when the script ends; what it starts
# must not inherit it (9>&-).
take_lock() {
  mkdir -p target
  exec 9>"target/.lock-$1"
  if command -v flock >/dev/null; then flock 9; fi
}
