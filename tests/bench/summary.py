#!/usr/bin/env python3
"""Prints medians, and ratios against raw, of the JSON files that run.sh wrote.

Usage: summary.py RESULTS_DIR. Also writes RESULTS_DIR/summary.json.
"""

import json
import pathlib
import statistics
import sys

FIGURES = [
    "rss_bytes_each",
    "anonymous_bytes_each",
    "server_cpu_micros_each_handshake",
    "server_core_percent_idle",
    "reached",
    "per_second",
    "server_cpu_micros_each",
    "operations_each_read",
    "server_core_percent",
    "load_core_percent",
    "others_core_percent",
    "latency_p50_micros",
    "latency_p99_micros",
    "latency_p99_9_micros",
]
# A row in which one of these is not 0 measured something else than it says.
FAULTS = ["refused", "lost", "misordered", "connections_lost"]
# Of these a ratio says nothing.
WITHOUT_RATIO = {
    "server_core_percent_idle",
    "reached",
    "operations_each_read",
    "server_core_percent",
    "load_core_percent",
    "others_core_percent",
}


def read(directory):
    """{row: {round: {target: report}}}, rows in the order in which they were measured."""
    rows = {}
    files = sorted(directory.glob("*.*.*.json"), key=lambda file: file.stat().st_mtime)
    for file in files:
        row, number, target, _ = file.name.split(".")
        report = json.loads(file.read_text())
        rows.setdefault(row, {}).setdefault(int(number), {})[target] = report
    return rows


def median_of(rounds, target, figure):
    values = [r[target][figure] for r in rounds.values() if figure in r.get(target, {})]
    return statistics.median(values) if values else None


def ratio_of(rounds, figure):
    """The median of the rounds' ratios: what disturbed one round disturbed both targets."""
    ratios = [
        r["longwire"][figure] / r["raw"][figure]
        for r in rounds.values()
        if r.get("raw", {}).get(figure) and figure in r.get("longwire", {})
    ]
    return statistics.median(ratios) if ratios else None


def text(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def main():
    directory = pathlib.Path(sys.argv[1])
    rows = read(directory)
    if not rows:
        sys.exit(f"summary.py: no results in {directory}")
    summary = {}
    print("| row | figure | raw | longwire | longwire / raw |")
    print("| --- | --- | ---: | ---: | ---: |")
    for row, rounds in rows.items():
        for figure in FIGURES:
            raw, longwire = (median_of(rounds, target, figure) for target in ("raw", "longwire"))
            if raw is None and longwire is None:
                continue
            ratio = None if figure in WITHOUT_RATIO else ratio_of(rounds, figure)
            print(f"| {row} | {figure} | {text(raw)} | {text(longwire)} | {text(ratio)} |")
            summary.setdefault(row, {"rounds": len(rounds)})[figure] = {
                "raw": raw, "longwire": longwire, "ratio": ratio}
    for row, rounds in rows.items():
        for number, reports in rounds.items():
            for target, report in reports.items():
                faults = {name: report[name] for name in FAULTS if report.get(name)}
                if faults:
                    print(f"FAULT in {row}, round {number}, {target}: {faults}")
    (directory / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
