#!/usr/bin/env bash
# Checks deploy/systemd, by hand and as root:  tests/deploy/systemd.sh [longwire-gateway's path]
# systemd itself reads the unit and judges how exposed it is; then the gateway runs as the unit has
# it, as far as that goes without systemd as process 1: another user, no capabilities, a read-only
# root, and the unit's own configuration. It has to serve, to reload on SIGHUP and to end on SIGTERM.
set -euo pipefail
cd "$(dirname "$0")/../.."
gateway=$(readlink -f "${1:-build/release/server/longwire-gateway}")
unit=deploy/systemd/longwire-gateway.service
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# With the path of this build, since systemd looks whether the program is there.
sed "s|/usr/local/bin/longwire-gateway|$gateway|" "$unit" >"$work/longwire-gateway.service"
complaints=$(systemd-analyze verify --man=no "$work/longwire-gateway.service" 2>&1 |
  grep -F longwire-gateway.service || true)
[ -z "$complaints" ] || fail "systemd does not like the unit: $complaints"
systemd-analyze security --offline=true --threshold=15 "$work/longwire-gateway.service" \
  >"$work/exposure" || fail "the unit is more exposed than 1.5: $(cat "$work/exposure")"
tail -1 "$work/exposure"

sed -e 's/"0\.0\.0\.0:8443"/"127.0.0.1:0"/' -e 's/:909[01]"/:0"/' deploy/systemd/gateway.conf \
  >"$work/gateway.conf"
chmod 755 "$work"
# In a mount namespace of its own, whose every file system is read-only.
confined='mount -o remount,bind,ro / && exec setpriv --reuid 65534 --regid 65534 --clear-groups \
  --bounding-set=-all --inh-caps=-all --no-new-privs "$0" "$@"'
unshare --mount bash -c "$confined" "$gateway" --config "$work/gateway.conf" \
  >"$work/out" 2>"$work/log" &
pid=$!
deadline=$((SECONDS + 10))
until grep -q '^admin listening on' "$work/out"; do
  kill -0 $pid 2>/dev/null || fail "it did not start: $(cat "$work/log")"
  [ $SECONDS -lt $deadline ] || fail "it did not start in time"
  sleep 0.05
done
grep -q '^NoNewPrivs:.1$' "/proc/$pid/status" || fail "it may gain privileges"
grep -E '^Cap(Prm|Eff|Bnd|Amb):' "/proc/$pid/status" | grep -qv '0000000000000000$' &&
  fail "it has capabilities"
endpoint=$(sed -n 's/^ws listening on //p' "$work/out")
kill -HUP $pid
answer=$(curl -s "http://$endpoint/healthz") || fail "no answer after SIGHUP"
kill -TERM $pid
rc=0
wait $pid || rc=$?
[ $rc -eq 0 ] || fail "it ended with $rc on SIGTERM"
echo "The unit is well-formed, and the gateway runs as it says (healthz: $answer)."
