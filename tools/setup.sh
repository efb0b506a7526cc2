#!/bin/sh
# Installs the locked dependencies where they are missing or older than the lock file; says nothing otherwise.
# npm scripts run it first, so that a fresh clone needs no step of its own.
set -eu
cd "$(dirname "$0")/.."
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "installing dependencies (npm ci)" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
