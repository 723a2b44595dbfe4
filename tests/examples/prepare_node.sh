#!/bin/sh
# Copies a Node package to where the tests run it, and installs there what its lockfile names:
#   prepare_node.sh SOURCE_DIR DESTINATION_DIR
set -eu
command -v npm >/dev/null || {
  echo "npm is missing, and without it the Node example cannot be tested." >&2
  echo "deploy/packages.sh test installs it." >&2
  exit 1
}
mkdir -p "$2"
is_new=yes
# npm writes the second file last.
if cmp -s "$1/package-lock.json" "$2/package-lock.json" &&
  [ -e "$2/node_modules/.package-lock.json" ]; then
  is_new=no
fi
cp "$1/package.json" "$1/package-lock.json" "$1/.npmrc" "$1"/*.js "$2"
[ $is_new = no ] || (cd "$2" && npm ci --no-progress)
