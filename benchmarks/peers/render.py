"""Write docs/benchmarks.md, with its plots, from the lines of a run.

python -m benchmarks.peers.render RESULTS.jsonl [--folder docs]
"""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from string import Template

from benchmarks.peers import plots, tables
from benchmarks.peers.summary import Entrant, Range, Summary, read

_TEMPLATE = Path(__file__).with_name("page.md")


def main() -> None:
    """Write the page, its plots, and the lines beside them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.render", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("docs"))
    asked = parser.parse_args()
    summary = read(asked.results)
    data = asked.folder / "benchmarks" / "peers.jsonl"
    data.parent.mkdir(parents=True, exist_ok=True)
    if data.resolve() != asked.results.resolve():
        shutil.copy(asked.results, data)
    plots.draw(summary, asked.folder / "images" / "benchmarks")
    (asked.folder / "benchmarks.md").write_text(page(summary))
    print(f"Wrote {asked.folder / 'benchmarks.md'}.")


def page(summary: Summary) -> str:
    """Return the page."""
    about, loads, loop = summary.conditions, summary.loads(), summary.calibrations()
    postgresql = f"{about['postgresql'] // 10_000}.{about['postgresql'] % 10_000}"
    return Template(_TEMPLATE.read_text()).substitute(
        at=about["at"][:16].replace("T", " "),
        runs=max(len(one.runs) for one in summary.entrants.values()),
        cores=about["cores"],
        machine=f"{about['system']} on {about['machine']}",
        postgresql=postgresql,
        valkey=about["valkey"],
        loads=f"{loads.median:.1f} [{loads.least:.1f} .. {loads.most:.1f}]",
        loop=f"{loop.median:.0f} ms [{loop.least:.0f} .. {loop.most:.0f}]",
        headlines="\n".join(headlines(summary)),
        absences=tables.absences(summary),
        drain=tables.drain(summary),
        enqueue=tables.enqueue(summary),
        pick_up=tables.pick_up(summary),
        naps=tables.naps(summary),
        durability=tables.durability(summary),
        settings=tables.settings(summary),
    )


def headlines(summary: Summary) -> list[str]:
    """Return djtasks' throughput beside those of the others that say most, and its places."""
    figure = "drain_per_second"
    ours = summary.entrants.get(tables.OURS)
    rate = ours.range_of(figure) if ours else None
    if ours is None or rate is None:
        return ["This run has no figures of djtasks."]
    those = {
        "the bare loop": summary.entrants.get(tables.CEILING),
        "Celery with django-celery-results, default settings": summary.entrants.get(
            "celery-results"
        ),
        "Celery with django-celery-results, tuned": summary.entrants.get("celery-results-tuned"),
        "Celery without results": summary.entrants.get("celery"),
        "the fastest other Django queue with results in PostgreSQL": tables.best(
            summary, _has_rows_in_django, figure
        ),
        "the fastest peer without results": tables.best(
            summary, lambda one: not one.stores, figure
        ),
        "the fastest peer of all": tables.best(summary, lambda _one: True, figure),
    }
    rows = [["**djtasks**, with results", tables.number(rate.median), _cpu(ours), ""]]
    for label, one in those.items():
        theirs = one.range_of(figure) if one else None
        if one and theirs:
            name = f" ({one.name})" if label.startswith("the fastest") else ""
            times = f"{tables.times(rate, theirs)} as fast"
            rows.append([label + name, tables.number(theirs.median), _cpu(one), times])
    head = ["working off a backlog", "tasks/s", "CPU per task", "djtasks is"]
    return [tables.table(head, rows), "", *places(summary)]


def places(summary: Summary) -> list[str]:
    """Return where djtasks is among all in the other workloads, as a table."""
    by: dict[str, tuple[Callable[[Entrant], Range | None], str]] = {
        "enqueueing one by one": (lambda one: one.range_of("enqueue_per_second"), "/s"),
        "enqueueing many per call": (lambda one: one.range_of("enqueue_many_per_second"), "/s"),
        "latency, p50": (lambda one: one.wait(0.5), " ms"),
        "latency, p99": (lambda one: one.wait(0.99), " ms"),
        "2,000 tasks of 50 ms": (lambda one: one.range_of("nap_seconds"), " s"),
    }
    rows = [row for label, (key, unit) in by.items() for row in _place(summary, label, key, unit)]
    head = ["other workloads", "djtasks", "its rank", "its rank among queues in PostgreSQL"]
    return [tables.table([*head, "the fastest other"], rows)] if rows else []


def _place(
    summary: Summary, label: str, key: Callable[[Entrant], Range | None], unit: str
) -> list[list[str]]:
    """Return djtasks' row of `places`; none where it has no figure."""
    ranked = summary.ranked(key, least=unit != "/s")
    ranked = [one for one in ranked if one.name != tables.CEILING]
    names = [one.name for one in ranked]
    if tables.OURS not in names:
        return []
    at = names.index(tables.OURS)
    same = [one.name for one in ranked if one.is_in_postgres]
    shown = ranked[0] if at else ranked[min(1, len(ranked) - 1)]
    place = "PostgreSQL" if shown.is_in_postgres else "Redis"
    return [
        [
            label,
            f"{_median(key(ranked[at]))}{unit}",
            f"{at + 1} of {len(names)}",
            f"{same.index(tables.OURS) + 1} of {len(same)}",
            f"{shown.name}: {_median(key(shown))}{unit}, tasks in {place}",
        ]
    ]


def _median(found: Range | None) -> str:
    return tables.number(found.median) if found else "-"


def _cpu(one: Entrant) -> str:
    return f"{_median(one.cpu())} µs"


def _has_rows_in_django(one: Entrant) -> bool:
    in_rows = "PostgreSQL" in one.about["durability"]["result"] or (
        one.is_in_postgres and one.about["durability"]["result"] == "the row"
    )
    return bool(one.about["is_django"]) and in_rows and not one.name.startswith("celery")


if __name__ == "__main__":
    main()
