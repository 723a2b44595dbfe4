#!/usr/bin/env python3
"""Attacks a longwire-gateway with every hostile client of attacks.py while 100 good sessions go on, and
says what it costs them:

    tests/hostile/run.py [--seconds 60] [--tls] [--only NAME,...] [--build build/release]

Four phases: quiet, attack, quiet, the same attack. README.md says what is measured and how to read it."""

import argparse
import contextlib
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from attacks import ATTACKS, Target, run_attack

GATEWAY_CORE, LOAD_CORE = "0", "1"
GOOD_SESSIONS, GOOD_MESSAGES_PER_SECOND = 100, 1_000
WARM_UP_SECONDS, WARM_UP_MESSAGES_PER_SECOND = 5, 10_000
LEAD_SECONDS = 4  # from the good sessions' start to the attack's
SETTLE_SECONDS = 12  # more than any of the gateway's timeouts, after which nothing of an attack is left
# Ahead of the attackers, with which they share a core: it is the gateway that is measured.
AHEAD = ["chrt", "-r", "10"] if os.geteuid() == 0 else []
P99_RATIO_MAX, MEMORY_RATIO_MAX = 3.0, 1.05
LIMITS = [
    "--messages-per-second-max=200",
    "--bytes-per-second-max=1MiB",
    "--sessions-per-ip-max=8000",
    "--handshake-timeout=5s",
    "--slow-consumer-timeout=5s",
    # Has its own bound and is not what is measured: the warm-up fills it.
    "--event-log-bytes-max=4MiB",
]


@dataclass
class Phase:
    name: str
    p50: float
    p99: float
    lost: int
    rss_kib: int = 0
    descriptors: int = 0


class Gateway:
    def __init__(self, build: Path, directory: Path, tls: bool):
        flags = [f"--{port}-listen=127.0.0.1:0" for port in ("ws", "grpc")]
        flags += ["--admin-listen=", "--threads=1", "--log-level=error", *LIMITS]
        if tls:
            flags += make_certificate(directory)
        self.process = subprocess.Popen(
            ["taskset", "-c", GATEWAY_CORE, build / "server/longwire-gateway", *flags],
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = [self.process.stdout.readline() for _ in range(2)]
        self.ws, self.grpc = [re.search(r"listening on (\S+)", line)[1] for line in lines]

    def rss_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def make_certificate(directory: Path) -> list[str]:
    cert, key = directory / "cert.pem", directory / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    subprocess.run(
        [*command.split(), "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return [f"--ws-tls-cert={cert}", f"--ws-tls-key={key}"]


@contextlib.contextmanager
def tls_in_front_of(gateway: Gateway, directory: Path, tls: bool):
    """Where the load generator, which speaks plain text, reaches a gateway with TLS: an haproxy that
    encrypts. Its own latency is in the quiet figure as well."""
    if not tls:
        yield gateway.ws
        return
    port = free_port()
    config = directory / "haproxy.cfg"
    config.write_text(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n timeout server 1h\n"
        f"listen good\n bind 127.0.0.1:{port}\n server gateway {gateway.ws} ssl verify none\n"
    )
    proxy = subprocess.Popen([*AHEAD, "haproxy", "-db", "-q", "-f", config])
    try:
        time.sleep(0.5)
        yield f"127.0.0.1:{port}"
    finally:
        proxy.terminate()
        proxy.wait()


def free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start_attack(gateway: Gateway, names: list[str], seconds: float, tls: bool) -> list:
    host, port = gateway.ws.split(":")
    until = time.monotonic() + seconds
    processes = []
    for index, name in enumerate(names):
        target = Target(host, int(port), tls, source=f"127.0.1.{index + 1}")
        process = multiprocessing.Process(target=run_attack, args=(name, target, until))
        process.start()
        processes.append(process)
    return processes


def measure(
    name: str, gateway: Gateway, ws: str, build: Path, rate: int, seconds: float, attack
) -> Phase:
    """Runs the good sessions, and in their middle the attack, which is given how long it has."""
    report = subprocess.Popen(
        [
            *AHEAD,
            build / "tests/bench/longwire-bench",
            "echo",
            f"--ws={ws}",
            f"--grpc={gateway.grpc}",
            f"--server-pid={gateway.process.pid}",
            f"--sessions={GOOD_SESSIONS}",
            f"--rate={rate}",
            f"--warmup={LEAD_SECONDS + 1}",
            f"--seconds={seconds}",
            "--json=-",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(LEAD_SECONDS)
    attackers = attack(seconds + 1)
    out, _ = report.communicate(timeout=seconds + 60)
    for attacker in attackers:
        attacker.join(timeout=30)
        if attacker.is_alive():
            attacker.kill()
    if report.returncode != 0:
        raise SystemExit(f"{name}: the good sessions did not get through (exit {report.returncode})")
    figures = json.loads(out[out.index("{") :])
    # What was refused is echoes to attackers, who are gone or do not read.
    lost = figures["lost"] + figures["connections_lost"] + figures["misordered"]
    return Phase(name, figures["latency_p50_micros"], figures["latency_p99_micros"], lost)


def run(arguments: argparse.Namespace, directory: Path) -> list[tuple[str, bool]]:
    gateway = Gateway(arguments.build, directory, arguments.tls)
    phases: list[Phase] = []
    try:
        with tls_in_front_of(gateway, directory, arguments.tls) as ws:
            for name in ("warm-up", "quiet", "attack", "quiet again", "attack again"):
                attack = lambda seconds: []
                if name.startswith("attack"):
                    attack = lambda seconds: start_attack(
                        gateway, arguments.only, seconds, arguments.tls
                    )
                rate, seconds = GOOD_MESSAGES_PER_SECOND, arguments.seconds
                if name == "warm-up":
                    rate, seconds = WARM_UP_MESSAGES_PER_SECOND, WARM_UP_SECONDS
                phase = measure(name, gateway, ws, arguments.build, rate, seconds, attack)
                time.sleep(SETTLE_SECONDS)
                phase.rss_kib, phase.descriptors = gateway.rss_kib(), gateway.descriptors()
                phases.append(phase)
                print(
                    f"{name:13} p50 {phase.p50:8.0f} us   p99 {phase.p99:8.0f} us   lost {phase.lost}"
                    f"   then RSS {phase.rss_kib:7} KiB, {phase.descriptors} descriptors",
                    flush=True,
                )
    finally:
        code = gateway.stop()
    _, quiet, first, _, second = phases
    return [
        ("p99 under attack within 3 times the quiet one", first.p99 <= P99_RATIO_MAX * quiet.p99),
        ("and again", second.p99 <= P99_RATIO_MAX * quiet.p99),
        ("no good session and no message lost", all(phase.lost == 0 for phase in phases)),
        ("the second attack adds less than 5 %", second.rss_kib <= MEMORY_RATIO_MAX * first.rss_kib),
        ("every descriptor is given back", second.descriptors <= quiet.descriptors),
        ("the gateway ends with 0", code == 0),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(ATTACKS))
    parser.add_argument("--build", type=Path, default=Path("build/release"))
    arguments = parser.parse_args()
    if arguments.tls and shutil.which("haproxy") is None:
        raise SystemExit("--tls needs haproxy: apt install haproxy")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    with tempfile.TemporaryDirectory() as directory:
        results = run(arguments, Path(directory))
    for what, held in results:
        print(f"{'held' if held else 'BROKEN':6} {what}")
    all_held = all(held for _, held in results)
    print("The gateway has held." if all_held else "The gateway has NOT held: see above.")
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main())
