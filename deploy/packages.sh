#!/usr/bin/env bash
# Installs Debian packages that are missing: deploy/packages.sh build | test | run
# The lists of the whole project stand here. As root, or with sudo; silent when nothing is missing.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libboost1.81-dev libgrpc++-dev protobuf-compiler
  protobuf-compiler-grpc libprotobuf-dev libabsl-dev libssl-dev libcli11-dev libspdlog-dev
  prometheus-cpp-dev)
test=("${build[@]}" libgtest-dev libgmock-dev libbenchmark-dev libjwt-dev python3
  python3-grpcio python3-protobuf python3-websockets nodejs npm)
run=(libgrpc++1.51 libprotobuf32 libspdlog1.10 libprometheus-cpp-core1.0 libssl3)

case "${1:-}" in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${test[@]}") ;;
  run) wanted=("${run[@]}") ;;
  *)
    sed -n '2,3s/^# //p' "$0"
    exit 2
    ;;
esac

missing=()
for package in "${wanted[@]}"; do
  # A Node.js from elsewhere brings npm with it, and would collide with Debian's.
  if [ "$package" = npm ] && command -v npm >/dev/null; then continue; fi
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
    missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "These Debian packages are missing, and installing them needs root: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" >>"$log" 2>&1
}
# The package lists of a machine may be old or absent; they are fetched only when they are needed.
install || { "${as_root[@]}" apt-get update -q >>"$log" 2>&1 && install; } || {
  tail -20 "$log" >&2
  echo "The packages could not be installed; the whole output is in $log" >&2
  exit 1
}
rm -f "$log"
