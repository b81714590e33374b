#!/usr/bin/env bash
# Brings the schema of the Postgres at DATABASE_URL up to date with migrations/; does nothing when it is.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

[ -n "${DATABASE_URL:-}" ] || stop "DATABASE_URL is missing: make migrate DATABASE_URL=postgres://user:password@host/database"
bash scripts/install.sh node
PATH="$PWD/node_modules/.bin:$PATH" node-pg-migrate up --migrations-dir migrations \
  --migrations-schema edge_oauth --create-migrations-schema --migrations-table migration --verbose false
