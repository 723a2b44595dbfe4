#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: tests/run.sh [ctest's options]
set -euo pipefail
cd "$(dirname "$0")/.."
deploy/packages.sh test
deploy/build.sh release
jobs=$(nproc)
if ctest --test-dir build/release -j "$jobs" --output-on-failure "$@"; then
  echo "All tests have passed."
else
  echo "Some tests have failed: see above." >&2
  exit 1
fi
