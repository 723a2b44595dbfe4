"""Draws the figures of a run of run.sh, for summary.py."""

import statistics

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402: the backend has to be chosen first.

# What is shown of each row, and whether more of it is better.
SHOWN = [
    ("per_second", "a second"),
    ("server_cpu_micros_each", "server CPU each, us"),
    ("anonymous_bytes_each", "heap a session, bytes"),
    ("latency_p50_micros", "latency p50, us"),
    ("latency_p99_micros", "latency p99, us"),
]
# At the maximum the latency is the window divided by the rate, and says nothing of its own.
LATENCY_ROWS = {"push-5000", "echo", "churn"}
COLOURS = {"raw": "0.6", "longwire": "tab:blue", "nchan": "tab:green", "nats": "tab:orange",
           "ws": "tab:purple"}


def panels(rows):
    """(row, figure, label) of everything that was measured and is worth a panel."""
    for row, rounds in rows.items():
        for figure, label in SHOWN:
            if figure.startswith("latency") and row not in LATENCY_ROWS:
                continue
            if any(figure in report for r in rounds.values() for report in r.values()):
                yield row, figure, label


def draw(rows, targets, file):
    """A panel for each figure: a bar with the median of each target, a dot for each round."""
    shown = list(panels(rows))
    if not shown:
        return
    columns = 4
    lines = -(-len(shown) // columns)
    figure, grid = pyplot.subplots(lines, columns, figsize=(4 * columns, 2.6 * lines),
                                   squeeze=False, layout="constrained")
    for axes in grid.flat[len(shown):]:
        axes.set_visible(False)
    for axes, (row, name, label) in zip(grid.flat, shown):
        for place, target in enumerate(targets):
            values = [r[target][name] for r in rows[row].values() if name in r.get(target, {})]
            if not values:
                continue
            axes.bar(place, statistics.median(values), color=COLOURS[target])
            axes.plot([place] * len(values), values, ".", color="black", markersize=3)
        axes.set_xticks(range(len(targets)), targets, fontsize=8)
        axes.set_xlim(-0.6, len(targets) - 0.4)
        axes.set_title(f"{row}: {label}", fontsize=9)
        axes.tick_params(axis="y", labelsize=8)
    figure.savefig(file)
    pyplot.close(figure)
