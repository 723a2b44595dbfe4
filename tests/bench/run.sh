#!/usr/bin/env bash
# Measures longwire-gateway beside a bare-epoll server, in alternation, and prints medians and
# ratios. It judges nothing: see README.md for how to read what it prints.
#
#   tests/bench/run.sh [BUILD_DIR]        default: build/release
#
# Environment, with defaults:
#   ROUNDS=5            rounds of each row; each round measures each target once
#   ROWS="idle push-max push-5000 echo echo-pipelined"
#   TARGETS="raw longwire"
#   SECONDS_EACH=3      length of one measurement
#   IDLE_STEPS=1000,10000
#   SERVER_CORE=0 LOAD_CORE=1
#   GATEWAY=PATH        another longwire-gateway than the one in BUILD_DIR
#   GATEWAY_FLAGS=      more flags for it
#   RESULTS=BUILD_DIR/bench-results/TIME
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build/release}
rounds=${ROUNDS:-5}
rows=${ROWS:-idle push-max push-5000 echo echo-pipelined}
targets=${TARGETS:-raw longwire}
seconds=${SECONDS_EACH:-3}
idle_steps=${IDLE_STEPS:-1000,10000}
server_core=${SERVER_CORE:-0}
load_core=${LOAD_CORE:-1}
results=${RESULTS:-$build/bench-results/$(date +%Y%m%d-%H%M%S)}
bench=$build/tests/bench/longwire-bench
raw=$build/tests/bench/longwire-bench-raw
gateway=${GATEWAY:-$(find "$build" -name longwire-gateway -type f -perm -u+x -print -quit)}

server_pid=
load_pid=

die() {
  echo "run.sh: $*" >&2
  exit 1
}

# Ends one process that this script started: first politely, after 10 s not.
end_process() {
  local pid=$1
  kill -TERM "$pid" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

end_all() {
  [[ -z $load_pid ]] || end_process "$load_pid"
  [[ -z $server_pid ]] || end_process "$server_pid"
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Prints the address in the line `NAME listening on ADDRESS` of the server, once it is there.
address_of() {
  local name=$1 log=$2 address
  for _ in $(seq 100); do
    address=$(sed -n "s/^$name listening on //p" "$log")
    [[ -z $address ]] || break
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  [[ -n $address ]] || die "no '$name listening on' within 10 s; see $log"
  echo "$address"
}

# Starts the target on its core, with fresh memory, and sets server_pid and server_flags.
start_server() {
  local target=$1 row=$2 log=$3
  local flags=() ws control grpc
  if [[ $target == raw ]]; then
    taskset -c "$server_core" "$raw" >"$log" 2>&1 &
    server_pid=$!
    ws=$(address_of ws "$log")
    control=$(address_of control "$log")
    server_flags=(--ws "$ws" --raw-control "$control")
    return
  fi
  # One event loop, because it has one core. For idle a small event log that the load fills before
  # the first reading: the log's memory is bounded and is not the sessions'.
  flags=(--ws-listen=127.0.0.1:0 --grpc-listen=127.0.0.1:0 --admin-listen=127.0.0.1:0 --threads=1)
  [[ $row != idle ]] || flags+=(--event-log-bytes-max=4194304)
  # shellcheck disable=SC2206  # Several flags in one variable are meant to be split.
  flags+=(${GATEWAY_FLAGS:-})
  taskset -c "$server_core" "$gateway" "${flags[@]}" >"$log" 2>&1 &
  server_pid=$!
  ws=$(address_of ws "$log")
  grpc=$(address_of grpc "$log")
  server_flags=(--ws "$ws" --grpc "$grpc")
}

load_flags_of() {
  case $1 in
    idle) echo "idle --steps $idle_steps --payload 1024 --fill-messages 20000" ;;
    push-max) echo "push --sessions 1000 --payload 64 --batch 64" ;;
    push-5000) echo "push --sessions 1000 --payload 64 --rate 5000 --batch 5" ;;
    echo) echo "echo --sessions 1000 --payload 64 --in-flight 1" ;;
    echo-pipelined) echo "echo --sessions 100 --payload 64 --in-flight 16" ;;
    *) die "no such row: $1" ;;
  esac
}

# One measurement: a fresh server, the load, and both gone again.
measure() {
  local row=$1 round=$2 target=$3
  local stem=$results/$row.$round.$target
  local flags
  flags=$(load_flags_of "$row")
  start_server "$target" "$row" "$stem.server.log"
  # shellcheck disable=SC2086  # The row's flags are meant to be split.
  taskset -c "$load_core" timeout 300 "$bench" $flags "${server_flags[@]}" \
    --server-pid "$server_pid" --label "$target" --seconds "$seconds" \
    --json "$stem.json" >"$stem.txt" &
  load_pid=$!
  wait "$load_pid" || die "the load failed: row $row, round $round, $target; see $stem.*"
  load_pid=
  end_process "$server_pid"
  server_pid=
  echo "$row, round $round: $target done" >&2
}

[[ -x $bench && -x $raw ]] || die "no bench in $build: build it there, or name another directory"
[[ $targets != *longwire* || -n $gateway ]] || die "no longwire-gateway in $build; set GATEWAY"
ulimit -n "$(ulimit -Hn)"
mkdir -p "$results"
{
  date -u +%FT%TZ
  uname -sr
  grep -m1 'model name' /proc/cpuinfo || true
  echo "tcp congestion control: $(cat /proc/sys/net/ipv4/tcp_congestion_control)"
  echo "cores: $(nproc), open files: $(ulimit -n), load before: $(cat /proc/loadavg)"
} >"$results/machine.txt"

for row in $rows; do
  for round in $(seq "$rounds"); do
    for target in $targets; do measure "$row" "$round" "$target"; done
  done
done
cat "$results/machine.txt"
python3 "$here/summary.py" "$results" | tee "$results/summary.txt"
echo "results: $results"
