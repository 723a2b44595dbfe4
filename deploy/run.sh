#!/usr/bin/env bash
# Installs what is missing, builds longwire, and starts it with a demo backend:
#   deploy/run.sh [longwire-gateway's options]
# Ctrl-C ends both.
set -euo pipefail
cd "$(dirname "$0")/.."
deploy/packages.sh build
deploy/build.sh deploy longwire-gateway longwire longwire-demo-chat

bin=build/deploy
gateway=$bin/server/longwire-gateway
cli=$bin/client/cli/longwire
out=$(mktemp -d)
gateway_pid= demo_pid=
stop() {
  # A second signal must not end this half-way, and leave the demo backend behind.
  trap '' INT TERM
  trap - EXIT
  [ -z "$gateway_pid" ] || kill -TERM "$gateway_pid" 2>/dev/null || true
  [ -z "$gateway_pid" ] || wait "$gateway_pid" || true
  [ -z "$demo_pid" ] || kill -TERM "$demo_pid" 2>/dev/null || true
  [ -z "$demo_pid" ] || wait "$demo_pid" || true
  rm -rf "$out"
  echo "longwire has stopped."
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# In sessions of their own, so that a Ctrl-C reaches this script alone, which then drains in order.
setsid "$gateway" --demo "$@" >"$out/endpoints" &
gateway_pid=$!
until grep -q '^grpc listening on' "$out/endpoints"; do
  kill -0 "$gateway_pid" 2>/dev/null || {
    wait "$gateway_pid" || true
    gateway_pid=
    echo "longwire-gateway did not start; the line above says why." >&2
    exit 1
  }
  sleep 0.1
done
endpoint() { sed -n "s/^$1 listening on //p" "$out/endpoints"; }
ws=$(endpoint ws) grpc=$(endpoint grpc)
setsid "$bin/client/examples/longwire-demo-chat" --address "$grpc" >"$out/demo" 2>&1 &
demo_pid=$!

cat <<TEXT

longwire is running: WebSocket on $ws, gRPC on $grpc, with the demo chat as its backend.

  Chat with yourself, in two tabs of a browser:
      http://$ws/
  or in another terminal:
      $cli connect ws://$ws/
  Every ENTER, ROUTE and LEAVE as it happens:
      $cli events --address $grpc --from earliest
  Push to a session, by the ID that its ENTER shows:
      $cli route --address $grpc --session ID "hello"

Ctrl-C ends it.
TEXT
wait "$gateway_pid" || true
gateway_pid=
