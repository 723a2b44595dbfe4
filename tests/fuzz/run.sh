#!/bin/sh
# Fuzzes every target for SECONDS each, one after the other:  tests/fuzz/run.sh SECONDS
#
# Builds the preset `fuzz` in build/fuzz, or in $LONGWIRE_FUZZ_BUILD. Each target gets a copy of its
# seeds as its corpus, in the build directory: what it finds stays out of the tree until someone
# chooses to add it. The input of a failure is kept there too and named in the last line.
# Exit: 0 all held, 1 a target failed, 2 wrong use or no build.
set -u

seconds=${1:-}
case $seconds in
  '' | *[!0-9]* | 0)
    echo "usage: tests/fuzz/run.sh SECONDS (a whole number above 0)" >&2
    exit 2
    ;;
esac
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
build=${LONGWIRE_FUZZ_BUILD:-$root/build/fuzz}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2

cd "$root" || exit 2
if ! cmake --preset fuzz -B "$build" ||
  ! cmake --build "$build" --target longwire_fuzz_targets; then
  echo "fuzz: nothing was run, the build failed"
  exit 2
fi

ran=0
failed=''
summary=''
for target in "$build"/tests/fuzz/*_fuzz; do
  [ -x "$target" ] || continue
  name=$(basename "$target")
  scratch=$build/fuzz-runs/$name
  rm -rf "$scratch"
  mkdir -p "$scratch/corpus"
  if ! cp "$root/tests/fuzz/seeds/${name%_fuzz}"/* "$scratch/corpus/"; then
    failed="$failed, $name (no seeds)"
    continue
  fi
  echo "== $name, $seconds s"
  "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$scratch/" "$scratch/corpus" >"$scratch/log" 2>&1
  status=$?
  ran=$((ran + 1))
  if [ $status -eq 0 ]; then
    runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$scratch/log")
    summary="$summary, $name ${runs:-?} runs"
  else
    tail -n 40 "$scratch/log"
    input=$(find "$scratch" -maxdepth 1 -type f ! -name log | head -n 1)
    failed="$failed, $name (status $status, input ${input:-none}, log $scratch/log)"
  fi
done

if [ $ran -eq 0 ] && [ -z "$failed" ]; then
  echo "fuzz: no target found in $build/tests/fuzz"
  exit 2
fi
if [ -n "$failed" ]; then
  echo "fuzz: FAILED: ${failed#, }"
  exit 1
fi
echo "fuzz: $ran target(s) held for $seconds s each: ${summary#, }"
