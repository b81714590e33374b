#!/usr/bin/env bash
# Brings the schema of the Postgres at DATABASE_URL up to date with migrations/; does nothing when it is.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install.sh node
PATH="$PWD/node_modules/.bin:$PATH" exec node scripts/migrate.mjs
