"""The plots of docs/explanation/growth.md, as SVG; matplotlib comes with the extra `bench`.

python -m benchmarks.growth.plots LINES.jsonl --folder FOLDER
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Line = dict[str, Any]
_FIRST, _SECOND, _IDEAL = "#0b7285", "#c2571a", "#868e96"


def main() -> None:
    """Draw what there are lines for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth.plots", description=__doc__)
    parser.add_argument("lines", type=Path, nargs="+", help="what `python -m benchmarks` printed")
    parser.add_argument("--folder", type=Path, default=Path("build"))
    asked = parser.parse_args()
    lines = [json.loads(text) for path in asked.lines for text in path.read_text().splitlines()]
    growth = [line for line in lines if line["benchmark"] == "growth"]
    asked.folder.mkdir(parents=True, exist_ok=True)
    for key, draw in (
        ("backlog", rows),
        ("queues", queues),
        ("schedules", schedules),
        ("worker_processes", workers),
        ("worker_processes", naps),
        ("slow_share", slow),
        ("churned", churn),
    ):
        if any(line.get(key) for line in growth):
            draw(growth, asked.folder)


def rows(lines: Sequence[Line], folder: Path) -> None:
    """Throughput beside tasks that wait, and beside tasks that are over."""
    axes = _canvas()
    for key, label, colour in (
        ("backlog", "that wait", _FIRST),
        ("history", "that are over", _SECOND),
    ):
        _range(axes, [line for line in lines if line.get(key)], key, label=label, colour=colour)
    _finish(axes, folder / "growth-rows.svg", x="rows in the table", y="tasks a second")


def queues(lines: Sequence[Line], folder: Path) -> None:
    """Throughput over the number of queues."""
    axes = _canvas()
    _range(axes, _with(lines, "queues"), "queues", label="djtasks", colour=_FIRST)
    label = "queues that one worker serves"
    _finish(axes, folder / "growth-queues.svg", x=label, y="tasks a second")


def schedules(lines: Sequence[Line], folder: Path) -> None:
    """Lateness of one scheduler over the number of its schedules."""
    axes = _canvas()
    found = _with(lines, "schedules")
    counts = [line["schedules"] for line in found]
    for share, colour in ((50, _FIRST), (99, _SECOND)):
        late = [line[f"p{share}_late_ms"] for line in found]
        axes.plot(counts, late, "o-", color=colour, label=f"p{share}")
    label = "schedules, each every 5 s"
    _finish(axes, folder / "growth-schedules.svg", x=label, y="ms after the due time")


def workers(lines: Sequence[Line], folder: Path) -> None:
    """Throughput over the number of processes, near the servers and far from them."""
    axes = _canvas()
    for trip, colour in zip(_trips(lines), (_FIRST, _SECOND), strict=False):
        found = _at(lines, trip)
        label = f"round trip {trip:.1f} ms"
        _range(axes, found, "worker_processes", label=label, colour=colour)
    _finish(
        axes, folder / "growth-workers.svg", x="worker processes on 2 cores", y="tasks a second"
    )


def naps(lines: Sequence[Line], folder: Path) -> None:
    """The same for tasks that wait 50 ms, beside what the slots allow."""
    axes = _canvas()
    for trip, colour in zip(_trips(lines), (_FIRST, _SECOND), strict=False):
        found = _at(lines, trip)
        counts = [line["worker_processes"] for line in found]
        rates = [line["naps_per_second"] for line in found]
        axes.plot(counts, rates, "o-", color=colour, label=f"round trip {trip:.1f} ms")
    ideal = [(line["worker_processes"], line["ideal_naps_per_second"]) for line in found]
    axes.plot(*zip(*ideal, strict=True), "--", color=_IDEAL, label="what the slots allow")
    axes.set_yscale("log")
    label = "tasks of 50 ms a second"
    _finish(axes, folder / "growth-naps.svg", x="worker processes of 4 threads", y=label)


def slow(lines: Sequence[Line], folder: Path) -> None:
    """Throughput over the share of slow tasks, beside what the slots allow."""
    axes = _canvas()
    found = [line for line in _with(lines, "slow_share") if line["slow_share"]]
    _range(axes, found, "slow_share", label="djtasks", colour=_FIRST)
    ideal = [(line["slow_share"], line["slots_allow_per_second"]) for line in found]
    axes.plot(*zip(*ideal, strict=True), "--", color=_IDEAL, label="what 16 slots allow")
    axes.set_yscale("log")
    label = "share of tasks that take 50 ms"
    _finish(axes, folder / "growth-slow.svg", x=label, y="tasks a second")


def churn(lines: Sequence[Line], folder: Path) -> None:
    """What workers ask, before a day's churn, after it, and when it has been cleaned up."""
    axes = _canvas()
    asked = ("claim", "look", "page", "without_redis")
    found = _with(lines, "churned")
    for place, (line, colour) in enumerate(zip(found, (_FIRST, _SECOND, _IDEAL), strict=True)):
        at = [number + 0.25 * (place - 1) for number in range(len(asked))]
        waits = [line[f"{name}_p99_ms"] for name in asked]
        label = {"before": "before", "open": "beside the open one", "closed": "ended, vacuumed"}
        axes.bar(at, waits, width=0.25, color=colour, label=label[line["transaction"]])
    axes.set_yscale("log")
    names = ("claim by id", "indexer: lanes", "indexer: page", "claim without Redis")
    axes.set_xticks(range(len(asked)), names)
    _finish(axes, folder / "growth-churn.svg", x="", y="p99 in ms", is_log=False)


def _with(lines: Iterable[Line], key: str) -> list[Line]:
    return [line for line in lines if key in line]


def _trips(lines: Sequence[Line]) -> list[float]:
    return sorted({line["round_trip_ms"] for line in _with(lines, "round_trip_ms")})


def _at(lines: Sequence[Line], trip: float) -> list[Line]:
    return [line for line in _with(lines, "round_trip_ms") if line["round_trip_ms"] == trip]


def _range(axes: Any, lines: Sequence[Line], key: str, *, label: str, colour: str) -> None:
    """Draw medians as a line, in a band from the least run to the most."""
    at = [line[key] for line in lines]
    axes.plot(at, [line["tasks_per_second"] for line in lines], "o-", color=colour, label=label)
    least, most = ([line[name] for line in lines] for name in ("min", "max"))
    axes.fill_between(at, least, most, color=colour, alpha=0.15, lw=0)


def _canvas() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams |= {"svg.hashsalt": "djtasks", "svg.fonttype": "none", "font.size": 9}
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(6.4, 2.8), layout="constrained")[1]


def _finish(axes: Any, path: Path, *, x: str, y: str, is_log: bool = True) -> None:
    import matplotlib.pyplot as plt

    if is_log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,g}")
    if axes.get_yscale() == "linear":
        axes.set_ylim(bottom=0)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(lw=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(frameon=False, fontsize=8)
    axes.figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(axes.figure)


if __name__ == "__main__":
    main()
