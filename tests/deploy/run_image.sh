#!/usr/bin/env bash
# The second half of dockerfile.sh, which calls it in namespaces of its own:
#   tests/deploy/run_image.sh ROOT CONFIG_DIR
# Runs what docker-compose.yml runs, as Docker would: root read-only, no capabilities, the image's
# user, each service as process 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$1 config=$2
out=$(mktemp -d "$config/run.XXXXXX")
mapfile -t env <"$config/Env"
mapfile -t entrypoint <"$config/Entrypoint"
mapfile -t healthcheck <"$config/Healthcheck.Test"

fail() {
  echo "FAILED: $*" >&2
  tail -n 20 "$out"/* >&2
  exit 1
}

# Waits for a command to succeed: within SECONDS_MAX COMMAND...
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "in vain waited for: $*"
    sleep 0.05
  done
}

# The words of a one-line list of docker-compose.yml, the first of that key.
compose_list() { sed -n "s/^ *$1: \[\(.*\)\]\$/\1/p" docker-compose.yml | head -1 | tr -d '",'; }
compose_value() { sed -n "s/^ *$1: //p" docker-compose.yml | head -1; }

set_up_root() {
  ip link set lo up
  mount --bind "$root" "$root"
  mount --rbind /dev "$root/dev"
  # Docker writes this file too.
  printf '127.0.0.1 localhost gateway\n' >"$out/hosts"
  touch "$root/etc/hosts"
  mount --bind "$out/hosts" "$root/etc/hosts"
  mount -o remount,bind,ro "$root"
  ! touch "$root/written" 2>/dev/null || fail "the root is writable"
}

# As the image's user, confined as docker-compose.yml says. Settings before a command are env's.
confine=(chroot "$root" setpriv --reuid 10001 --regid 10001 --clear-groups --bounding-set=-all
  --inh-caps=-all --no-new-privs env -i "${env[@]}")
confined() { "${confine[@]}" "$@"; }

# Starts NAME COMMAND..., as process 1 of a namespace. Sets `pid` to it, and `unshare_pid` to our
# child, which ends as it does.
start() {
  local name=$1
  shift
  unshare --pid --fork --mount-proc="$root/proc" "${confine[@]}" "$@" \
    >"$out/$name" 2>&1 </dev/null &
  unshare_pid=$!
  within 5 has_child "$unshare_pid"
  pid=$(child_of "$unshare_pid")
}
child_of() { tr -d ' ' <"/proc/$1/task/$1/children"; }
has_child() { [ -n "$(child_of "$1")" ]; }

# Docker's CMD form: the words behind the first.
is_healthy() { confined timeout 3 "${healthcheck[@]:1}" >/dev/null 2>&1; }

check_refusal() {
  local rc=0
  confined "${entrypoint[@]}" >"$out/refusal" 2>&1 || rc=$?
  [ $rc -eq 2 ] || fail "without --auth it ended with $rc, not 2"
  grep -q -- '--auth' "$out/refusal" || fail "the refusal does not name --auth"
}

check_confinement() {
  local status=/proc/$1/status
  grep -q '^Uid:.10001.10001.10001.10001$' "$status" || fail "it runs as another user"
  grep -E '^Cap(Prm|Eff|Bnd|Amb):' "$status" | grep -qv '0000000000000000$' &&
    fail "it has capabilities"
  grep -q '^NoNewPrivs:.1$' "$status" || fail "it may gain privileges"
}

check_chat() {
  # Two lines: the greeting, and our own words as the chat tells them to all.
  confined timeout 10 longwire connect ws://127.0.0.1:8080/ --send hello --count 2 --for 8s \
    </dev/null >"$out/client" 2>&1 || fail "the client ended with $?"
  grep -q '^\* welcome, ' "$out/client" || fail "the client got no greeting"
  grep -q ': hello$' "$out/client" || fail "the client got no answer"
}

check_exit() {
  local rc=0
  wait "$2" || rc=$?
  [ $rc -eq 0 ] || fail "$1 ended with $rc on SIGTERM"
}

set_up_root
check_refusal
! is_healthy || fail "the health check is content without a gateway"

read -r -a command <<<"$(compose_list command)"
[ ${#command[@]} -gt 0 ] || fail "docker-compose.yml has no command: [...] on one line"
start gateway "${entrypoint[@]}" "${command[@]}"
gateway=$unshare_pid gateway_pid=$pid
trap 'kill "$gateway_pid" 2>/dev/null; wait' EXIT
within 10 grep -q '^grpc listening on 0.0.0.0:9090$' "$out/gateway"
within 10 is_healthy
check_confinement "$gateway_pid"

start demo "LONGWIRE_ADDRESS=$(compose_value LONGWIRE_ADDRESS)" "$(compose_list entrypoint)"
demo=$unshare_pid demo_pid=$pid
trap 'kill "$gateway_pid" "$demo_pid" 2>/dev/null; wait' EXIT
within 10 grep -q '^chat: ready' "$out/demo"
check_chat

# A client stays, and is told of the end.
(confined timeout 20 longwire connect ws://127.0.0.1:8080/ </dev/null >"$out/last" 2>&1 || true) &
last=$!
within 10 grep -q '^\* welcome, ' "$out/last"
kill -TERM "$gateway_pid"
check_exit "the gateway" "$gateway"
wait "$last"
grep -q '1001' "$out/last" || fail "the last client was not closed with 1001"
kill -TERM "$demo_pid"
check_exit "the demo chat" "$demo"
trap - EXIT
