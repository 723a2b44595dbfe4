#!/usr/bin/env python3
"""Prints medians, and ratios against raw, of the JSON files that run.sh wrote.

Usage: summary.py RESULTS_DIR. Also writes RESULTS_DIR/summary.json, and RESULTS_DIR/chart.svg
where python3-matplotlib is installed.
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
    "rss_bytes_before",
    "rss_bytes_after",
    "latency_p50_micros",
    "latency_p99_micros",
    "latency_p99_9_micros",
]
# A row in which one of these is not 0 measured something else than it says.
FAULTS = ["refused", "lost", "misordered", "connections_lost", "events_missing"]
TARGETS = ["raw", "longwire", "nchan", "nats", "ws"]
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


def print_table(rows, targets):
    print("| row | figure | " + " | ".join(targets) + " | longwire / raw |")
    print("| --- | --- |" + " ---: |" * (len(targets) + 1))
    summary = {}
    for row, rounds in rows.items():
        for figure in FIGURES:
            medians = {target: median_of(rounds, target, figure) for target in targets}
            if all(value is None for value in medians.values()):
                continue
            ratio = None if figure in WITHOUT_RATIO else ratio_of(rounds, figure)
            cells = [text(medians[target]) for target in targets] + [text(ratio)]
            print(f"| {row} | {figure} | " + " | ".join(cells) + " |")
            summary.setdefault(row, {"rounds": len(rounds)})[figure] = {**medians, "ratio": ratio}
    return summary


def print_faults(rows):
    for row, rounds in rows.items():
        for number, reports in rounds.items():
            for target, report in reports.items():
                faults = {name: report[name] for name in FAULTS if report.get(name)}
                if faults:
                    print(f"FAULT in {row}, round {number}, {target}: {faults}")


def main():
    directory = pathlib.Path(sys.argv[1])
    rows = read(directory)
    if not rows:
        sys.exit(f"summary.py: no results in {directory}")
    measured = {target for rounds in rows.values() for r in rounds.values() for target in r}
    targets = [target for target in TARGETS if target in measured]
    summary = print_table(rows, targets)
    print_faults(rows)
    (directory / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    try:
        import chart
    except ImportError:
        print("no chart: apt-get install python3-matplotlib")
        return
    chart.draw(rows, targets, directory / "chart.svg")


if __name__ == "__main__":
    main()
