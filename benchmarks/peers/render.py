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
    """Return djtasks' drain beside those of the others that say most, a line each."""
    ours = summary.entrants.get(tables.OURS)
    rate = ours.range_of("drain_per_second") if ours else None
    if rate is None:
        return ["This run has no figures of djtasks."]
    figure = "drain_per_second"
    those = {
        "the bare loop": summary.entrants.get(tables.LIMIT),
        "Celery with django-celery-results as shipped": summary.entrants.get("celery-results"),
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
    lines = [
        f"- djtasks works off **{tables.number(rate.median)} tasks/s**, with results, at "
        f"{_cpu(ours)} of CPU a task, workers and servers together."
    ]
    for label, one in those.items():
        theirs = one.range_of(figure) if one else None
        if one and theirs:
            name = f" ({one.name})" if label.startswith("the fastest") else ""
            lines.append(
                f"- {label[0].upper()}{label[1:]}{name}: {tables.number(theirs.median)} tasks/s "
                f"at {_cpu(one)}; djtasks does {tables.times(rate, theirs)} that."
            )
    return lines + places(summary)


def places(summary: Summary) -> list[str]:
    """Return where djtasks is among all in the other workloads, a line each."""
    by: dict[str, tuple[Callable[[Entrant], Range | None], str]] = {
        "Enqueueing one by one": (lambda one: one.range_of("enqueue_per_second"), "/s"),
        "Enqueueing many a call": (lambda one: one.range_of("enqueue_many_per_second"), "/s"),
        "Picking up, p50": (lambda one: one.wait(0.5), " ms"),
        "Picking up, p99": (lambda one: one.wait(0.99), " ms"),
        "2,000 tasks of 50 ms": (lambda one: one.range_of("nap_seconds"), " s"),
    }
    lines = []
    for label, (key, unit) in by.items():
        ranked = summary.ranked(key, least=unit != "/s")
        ranked = [one for one in ranked if one.name != tables.LIMIT]
        names = [one.name for one in ranked]
        if tables.OURS in names:
            at = names.index(tables.OURS)
            same = [one.name for one in ranked if one.is_in_postgres]
            shown = ranked[0] if at else ranked[min(1, len(ranked) - 1)]
            lines.append(
                f"- {label}: djtasks, with {_median(key(ranked[at]))}{unit}, is number {at + 1} of "
                f"{len(names)}, and number {same.index(tables.OURS) + 1} of the {len(same)} that "
                f"keep their tasks in PostgreSQL; {shown.name}, "
                f"{'the first' if at else 'the next'}, has {_median(key(shown))}{unit} and keeps "
                f"them in {'PostgreSQL' if shown.is_in_postgres else 'Redis'}."
            )
    return lines


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
