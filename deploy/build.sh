#!/usr/bin/env bash
# Configures and builds: deploy/build.sh PRESET [TARGET ...]. Quiet when all goes well; the build
# tree is build/PRESET. With ccache, if it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
mkdir -p "build/$preset"
log=build/$preset/configure.log
cmake --preset "$preset" "${launcher[@]}" >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
echo "Building build/$preset (the first time takes some minutes) ..."
log=build/$preset/build.log
cmake --build "build/$preset" ${@:+--target "$@"} >"$log" 2>&1 || {
  grep -E -A12 'error|FAILED' "$log" | head -100 >&2
  echo "The build has failed; its whole output is in $log" >&2
  exit 1
}
