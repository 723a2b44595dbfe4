#!/usr/bin/env bash
# Measures longwire-gateway beside a bare-epoll server and its peers, in alternation, and prints
# medians and ratios. It judges nothing: see README.md for how to read what it prints.
#
#   tests/bench/run.sh [BUILD_DIR]        default: build/release
#
# Environment, with defaults:
#   ROUNDS=5            rounds of each row; each round measures each target once
#   ROWS="idle handshake push-max push-deep push-unary push-5000 events echo echo-pipelined broadcast churn"
#                       there are also idle-tls, keepalive, events-long, and push-max at other
#                       sizes: push-sessions-N, push-payload-N
#   TARGETS="raw longwire"    of raw longwire nchan nats ws; what cannot do a row is left out of it
#   SECONDS_EACH=3      length of one measurement
#   IDLE_STEPS=1000,19000
#   SERVER_CORE=0 LOAD_CORE=1
#   THREADS=1           event loops of the gateway
#   GATEWAY=PATH        another longwire-gateway than the one in BUILD_DIR
#   GATEWAY_FLAGS=      more flags for it
#   RESULTS=BUILD_DIR/bench-results/TIME
set -euo pipefail
# Where Debian puts the packages of node.
export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}

here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build/release}
rounds=${ROUNDS:-5}
rows=${ROWS:-idle handshake push-max push-deep push-unary push-5000 events echo echo-pipelined broadcast churn}
targets=${TARGETS:-raw longwire}
seconds=${SECONDS_EACH:-3}
idle_steps=${IDLE_STEPS:-1000,19000}
server_core=${SERVER_CORE:-0}
load_core=${LOAD_CORE:-1}
threads=${THREADS:-1}
results=${RESULTS:-$build/bench-results/$(date +%Y%m%d-%H%M%S)}
bench=$build/tests/bench/longwire-bench
raw=$build/tests/bench/longwire-bench-raw
gateway=${GATEWAY:-$(find "$build" -name longwire-gateway -type f -perm -u+x -print -quit)}
nchan_module=/usr/lib/nginx/modules/ngx_nchan_module.so

started_pid=  # What this script has started and has to end,
server_pid=   # and what of it is measured.
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
  [[ -z $started_pid ]] || end_process "$started_pid"
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Prints what follows PATTERN in the server's log, once it is there.
await_in_log() {
  local pattern=$1 log=$2 found
  for _ in $(seq 100); do
    found=$(sed -n "s/.*$pattern\([^ ]*\).*/\1/p" "$log" | head -n 1)
    [[ -z $found ]] || break
    kill -0 "$started_pid" 2>/dev/null || break
    sleep 0.1
  done
  [[ -n $found ]] || die "no '$pattern' within 10 s; see $log"
  echo "$found"
}

# Prints WHY a target cannot be measured here; nothing if it can.
missing() {
  case $1 in
    raw) [[ -x $raw ]] || echo "not built" ;;
    longwire) [[ -n $gateway ]] || echo "not built; set GATEWAY" ;;
    nchan) [[ -e $nchan_module ]] || echo "apt-get install nginx-light libnginx-mod-nchan" ;;
    nats) command -v nats-server >/dev/null || echo "apt-get install nats-server" ;;
    ws) node -e 'require("ws")' 2>/dev/null || echo "apt-get install nodejs node-ws" ;;
    *) die "no such target: $1" ;;
  esac
}

# Whether the target has what the row measures.
can_do() {
  case $2 in
    push-unary | events* | keepalive | idle-tls) [[ $1 == longwire ]] ;;
    echo | echo-pipelined | churn) [[ $1 == raw || $1 == longwire || $1 == ws ]] ;;
    push-deep) [[ $1 == raw || $1 == longwire ]] ;;
  esac
}

# Starts a server's command on its core, with its output in LOG: start LOG COMMAND...
start() {
  local log=$1
  shift
  taskset -c "$server_core" "$@" >"$log" 2>&1 &
  started_pid=$!
  server_pid=$started_pid
}

start_longwire() {
  local row=$1 log=$2
  # As many event loops as it has cores. For idle a small event log that the load fills before the
  # first reading: the log's memory is bounded and is not the sessions'.
  local flags=(--ws-listen=127.0.0.1:0 --grpc-listen=127.0.0.1:0 --admin-listen=127.0.0.1:0
    "--threads=$threads")
  [[ $row != idle* ]] || flags+=(--event-log-bytes-max=4194304)
  [[ $row != events-long ]] || flags+=(--event-log-bytes-max=67108864)
  if [[ $row == idle-tls ]]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench \
      -keyout "$results/key.pem" -out "$results/cert.pem" 2>/dev/null
    flags+=("--ws-tls-cert=$results/cert.pem" "--ws-tls-key=$results/key.pem")
  fi
  # shellcheck disable=SC2206  # Several flags in one variable are meant to be split.
  flags+=(${GATEWAY_FLAGS:-})
  start "$log" "$gateway" "${flags[@]}"
  local ws grpc
  ws=$(await_in_log 'ws listening on ' "$log")
  grpc=$(await_in_log 'grpc listening on ' "$log")
  server_flags=(--ws "$ws" --grpc "$grpc")
  [[ $row != idle-tls ]] || server_flags+=(--tls)
}

# raw, and ws, which speaks as raw does.
start_with_control() {
  local log=$1 ws control
  start "$@"
  ws=$(await_in_log 'ws listening on ' "$log")
  control=$(await_in_log 'control listening on ' "$log")
  server_flags=(--ws "$ws" --raw-control "$control")
}

start_nats() {
  local log=$1 ws publish
  start "$log" nats-server -c "$here/peers/nats.conf"
  ws=$(await_in_log 'websocket clients on ws:\/\/' "$log")
  publish=$(await_in_log 'client connections on ' "$log")
  server_flags=(--ws "$ws" --nats "$publish")
}

start_nchan() {
  local log=$1 port directory=$results/nginx
  mkdir -p "$directory"
  port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  sed "s|PORT|$port|; s|DIRECTORY|$directory|; s|MODULE|$nchan_module|" "$here/peers/nchan.conf" \
    >"$directory/nginx.conf"
  start "$log" nginx -e "$directory/error.log" -c "$directory/nginx.conf"
  # What is measured is its worker.
  server_pid=
  for _ in $(seq 100); do
    server_pid=$(pgrep -P "$started_pid" | head -n 1) || true
    [[ -z $server_pid ]] || break
    sleep 0.1
  done
  [[ -n $server_pid ]] || die "nginx has no worker after 10 s; see $log, $directory/error.log"
  server_flags=(--ws "127.0.0.1:$port" --nchan "127.0.0.1:$port")
}

# Starts the target on its core, with fresh memory; sets the pids and server_flags.
start_server() {
  local target=$1 row=$2 log=$3
  local flags=()
  [[ $row != churn ]] || flags=(--no-echo)
  case $target in
    raw)
      [[ $row != push-deep ]] || flags+=(--control-read-bytes=1048576)
      start_with_control "$log" "$raw" "${flags[@]}"
      ;;
    ws) start_with_control "$log" node "$here/peers/ws_server.js" "${flags[@]}" ;;
    longwire) start_longwire "$row" "$log" ;;
    nats) start_nats "$log" ;;
    nchan) start_nchan "$log" ;;
  esac
}

load_flags_of() {
  local steps=$idle_steps
  # Of the connections that 20,000 descriptors let it have nchan keeps some for itself: it ends at
  # 18,650.
  [[ $2 != nchan || ${steps#*,} -le 18000 ]] || steps=${steps%,*},18000
  case $1 in
    idle) echo "idle --steps $steps --payload 1024 --fill-messages 20000" ;;
    idle-tls) echo "idle --steps ${idle_steps%,*},$((${idle_steps%,*} + 4000)) --payload 1024 --fill-messages 20000" ;;
    # Two of the default keepalive's pings.
    keepalive) echo "idle --steps ${idle_steps#*,} --seconds 60" ;;
    handshake) echo "handshake --sessions 18000" ;;
    push-max | push-deep) echo "push --sessions 1000 --payload 64 --batch 64" ;;
    push-sessions-*) echo "push --sessions ${1##*-} --payload 64 --batch 64" ;;
    push-payload-*) echo "push --sessions 1000 --payload ${1##*-} --batch 16 --outstanding 1024" ;;
    push-unary) echo "push --sessions 1000 --payload 64 --unary --outstanding 64" ;;
    push-5000) echo "push --sessions 1000 --payload 64 --rate 5000 --batch 5" ;;
    # The log reaches its bound in the warm-up and stays there.
    events-long) echo "$(load_flags_of events "$2") --warmup 10 --seconds 120" ;;
    events) echo "events --sessions 100 --payload 64 --in-flight 64 --outstanding 65536" ;;
    echo) echo "echo --sessions 1000 --payload 64 --in-flight 1" ;;
    echo-pipelined) echo "echo --sessions 100 --payload 64 --in-flight 16" ;;
    broadcast) echo "broadcast --sessions 5000 --payload 64 --in-flight 2" ;;
    churn) echo "churn --sessions 1000 --payload 64 --churn-rate 500 --message-rate 5000 --rate 5000" ;;
    *) die "no such row: $1" ;;
  esac
}

# One measurement: a fresh server, the load, and both gone again.
measure() {
  local row=$1 round=$2 target=$3
  local stem=$results/$row.$round.$target
  local flags
  flags=$(load_flags_of "$row" "$target")
  [[ $flags == *--seconds* ]] || flags+=" --seconds $seconds"
  start_server "$target" "$row" "$stem.server.log"
  # shellcheck disable=SC2086  # The row's flags are meant to be split.
  taskset -c "$load_core" timeout 300 "$bench" $flags "${server_flags[@]}" \
    --server-pid "$server_pid" --label "$target" --json "$stem.json" >"$stem.txt" &
  load_pid=$!
  wait "$load_pid" || die "the load failed: row $row, round $round, $target; see $stem.*"
  load_pid=
  end_process "$started_pid"
  started_pid=
  echo "$row, round $round: $target done" >&2
}

[[ -x $bench ]] || die "no bench in $build: build it there, or name another directory"
for target in $targets; do
  why=$(missing "$target")
  [[ -z $why ]] || die "$target cannot be measured: $why"
done
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
    for target in $targets; do
      can_do "$target" "$row" || continue
      measure "$row" "$round" "$target"
    done
  done
done
cat "$results/machine.txt"
/usr/bin/python3 "$here/summary.py" "$results" | tee "$results/summary.txt"
echo "results: $results"
