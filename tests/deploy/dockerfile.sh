#!/usr/bin/env bash
# Builds deploy/Dockerfile and runs its image, without a Docker engine: tests/deploy/dockerfile.sh
# By hand and as root; it takes some minutes, and is not among ctest's tests. Buildah carries out
# the Dockerfile as it stands, each RUN in a chroot; debian:12 and debian:12-slim are what
# debootstrap makes. STORAGE=DIR keeps the layers there, so that the next run is faster.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" -eq 0 ] || { echo "This needs root, for chroot and mount." >&2; exit 2; }

missing=()
for tool in debootstrap buildah; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
[ ${#missing[@]} -eq 0 ] || apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null

tmp=${TMPDIR:-/var/tmp}
base=$tmp/fresh-debian-12
work=$(mktemp -d "$tmp/longwire-image.XXXXXX")
storage=${STORAGE:-$work/storage}
buildah() {
  TMPDIR=$work command buildah --root "$storage" --runroot "$work/run" --storage-driver overlay "$@"
}
container=
cleanup() {
  [ -z "$container" ] || buildah rm "$container" >/dev/null || true
  umount -l "$storage/overlay" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT

# A plain Debian 12, made once.
make_base() {
  [ ! -e "$base/.done" ] || return 0
  rm -rf "$base"
  local mirror
  mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null ||
    awk '$1 == "deb" { print $2; exit }' /etc/apt/sources.list)
  echo "Making a plain Debian 12 in $base ..."
  debootstrap --variant=minbase bookworm "$base" "$mirror" >"$base.log" 2>&1 || {
    tail -5 "$base.log" >&2
    exit 1
  }
  touch "$base/.done"
}

# The base under the names that the Dockerfile starts from.
import_base() {
  local from
  ! buildah inspect --type image debian:12-slim >/dev/null 2>&1 || return 0
  from=$(buildah from scratch)
  buildah copy -q "$from" "$base" / >/dev/null
  buildah config --cmd bash "$from"
  for name in debian:12 debian:12-slim; do
    buildah commit -q "$from" "localhost/$name" >/dev/null
  done
  buildah rm "$from" >/dev/null
}

build_image() {
  echo "Building deploy/Dockerfile ..."
  buildah build --isolation chroot --format docker --pull-never --layers \
    -f deploy/Dockerfile -t longwire . >"$work/build.log" 2>&1 || {
    tail -40 "$work/build.log" >&2
    exit 1
  }
}

expect() {
  [ "$2" = "$3" ] || { echo "The image's $1 is \"$2\", not \"$3\"." >&2; exit 1; }
}

# What `docker run` would take from the image, as files of a line for each word.
read_config() {
  config() { buildah inspect --type image --format "$1" longwire; }
  expect user "$(config '{{.Docker.Config.User}}')" 10001:10001
  expect "stop signal" "$(config '{{.Docker.Config.StopSignal}}')" SIGTERM
  expect ports "$(config '{{range $port, $_ := .Docker.Config.ExposedPorts}}{{$port}} {{end}}')" \
    "8080/tcp 9090/tcp 9091/tcp "
  mkdir "$work/config"
  for what in Env Entrypoint Healthcheck.Test; do
    config "{{range .Docker.Config.$what}}{{println .}}{{end}}" | sed '/^$/d' >"$work/config/$what"
  done
}

make_base
import_base
build_image
read_config
container=$(buildah from --pull-never longwire)
root=$(buildah mount "$container")
# A network of its own: the ports are free there, and nothing of the machine is touched.
unshare --net --mount tests/deploy/run_image.sh "$root" "$work/config"
echo "deploy/Dockerfile builds, and its image works: $(du -sh --one-file-system "$root" | cut -f1)."
