#!/usr/bin/env bash
# Checks docker-compose.yml without an engine: tests/deploy/compose.sh
# By Compose's own checker (`docker compose`, else Debian's docker-compose, which root installs when
# both are missing), and against what the file promises. By hand; not among ctest's tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
else
  command -v docker-compose >/dev/null ||
    apt-get install -y -q --no-install-recommends docker-compose >/dev/null
  compose=(docker-compose)
fi
"${compose[@]}" -f docker-compose.yml config -q
resolved=$(mktemp)
trap 'rm -f "$resolved"' EXIT
"${compose[@]}" -f docker-compose.yml config >"$resolved"
/usr/bin/python3 tests/deploy/compose_check.py "$resolved"
echo "docker-compose.yml is valid (${compose[*]} $("${compose[@]}" version --short))."
