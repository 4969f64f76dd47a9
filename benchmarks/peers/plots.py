"""The plots of docs/benchmarks.md, as SVG; matplotlib comes with the extra `bench`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers.summary import Entrant, Range, Summary

Key = Callable[[Entrant], Range | None]
_OURS, _CEILING, _POSTGRES, _REDIS = "#0b7285", "#868e96", "#74b8c4", "#e8a87c"
_LABELS = {
    _OURS: "djtasks",
    _CEILING: "the bare loop",
    _POSTGRES: "tasks in PostgreSQL",
    _REDIS: "tasks in Redis",
}


def draw(summary: Summary, folder: Path) -> list[str]:
    """Write the plots that there are figures for; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "drain": (lambda one: one.range_of("drain_per_second"), "tasks a second (log)"),
        "enqueue": (lambda one: one.range_of("enqueue_per_second"), "enqueueings a second"),
        "enqueue-many": (
            lambda one: one.range_of("enqueue_many_per_second"),
            "enqueueings a second, 1,000 a call",
        ),
        "naps": (
            lambda one: one.range_of("nap_seconds"),
            "seconds for 2,000 tasks of 50 ms at concurrency 100 (ideal: 1)",
        ),
    }
    names = [name for name, plot in made.items() if _bars(summary, folder / f"{name}.svg", *plot)]
    _waits(summary, folder / "pick-up.svg")
    return [*names, "pick-up"]


def _colour(one: Entrant) -> str:
    if one.name in {"djtasks", "ceiling"}:
        return _OURS if one.name == "djtasks" else _CEILING
    return _POSTGRES if one.is_in_postgres else _REDIS


def _bars(summary: Summary, path: Path, key: Key, label: str) -> bool:
    """Draw one bar a contestant, the best at the top, with a whisker from least to most."""
    is_time = "seconds for" in label
    ranked = summary.ranked(key, least=is_time)[::-1]
    if not ranked:
        return False
    figure, axes = _canvas(len(ranked))
    for at, one in enumerate(ranked):
        found = key(one)
        assert found is not None
        spread = [[found.median - found.least], [found.most - found.median]]
        axes.barh(at, found.median, color=_colour(one), xerr=spread, error_kw={"lw": 0.8})
        axes.annotate(
            f"{found.median:,.2f}" if is_time else f"{found.median:,.0f}",
            (found.most, at),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    if "log" in label:
        axes.set_xscale("log")
    axes.margins(x=0.12)
    _finish(figure, axes, [one.name for one in ranked], label=label, path=path)
    return True


def _waits(summary: Summary, path: Path) -> None:
    """Draw a line a contestant from p50 to p99, with a mark at p95."""
    ranked = summary.ranked(lambda one: one.wait(0.5), least=True)[::-1]
    figure, axes = _canvas(len(ranked))
    for at, one in enumerate(ranked):
        low, middle, high = (one.wait(share) for share in (0.5, 0.95, 0.99))
        assert low is not None
        assert middle is not None
        assert high is not None
        axes.plot([low.median, high.median], [at, at], color=_colour(one), lw=5, alpha=0.6)
        axes.plot([low.median], [at], "o", color=_colour(one))
        axes.plot([middle.median], [at], "|", color="black", ms=9)
    axes.set_xscale("log")
    label = "ms from enqueueing to the task's first line: p50 (dot), p95 (bar), p99 (log)"
    _finish(figure, axes, [one.name for one in ranked], label=label, path=path)


def _canvas(rows: int) -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams |= {"svg.hashsalt": "djtasks", "svg.fonttype": "none", "font.size": 9}
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(8, 0.3 * rows + 1.1), layout="constrained")


def _finish(figure: Any, axes: Any, names: list[str], *, label: str, path: Path) -> None:
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(label)
    axes.grid(axis="x", lw=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    legend = [Patch(color=colour, label=text) for colour, text in _LABELS.items()]
    figure.legend(handles=legend, loc="outside upper left", ncols=4, frameon=False, fontsize=8)
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
