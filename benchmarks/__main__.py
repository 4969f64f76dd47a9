"""`make bench`: the engine's figures as JSON lines. `--quick` for a look."""

import argparse
from collections.abc import Callable

from benchmarks import (
    admin,
    beat,
    budget,
    drain,
    enqueue,
    harness,
    idle,
    installations,
    latency,
    lines,
    memory,
    portable,
    preflight,
    sleepers,
    startup,
    workflows,
    workloads,
)
from benchmarks.growth import churn, queues, rows, schedules, slow, workers

# What takes so long that it must be asked for.
GROWTH = ("rows", "queues", "schedules", "workers", "slow", "churn")
LONG = ("installations", "preflight", "workflows", *GROWTH, "admin")


def main() -> None:
    """Measure what was asked for, each after the other on one set of servers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run and fewer samples")
    parser.add_argument("--large", action="store_true", help="rows up to ten million")
    parser.add_argument("only", nargs="*", metavar="NAME", help=_names())
    asked = parser.parse_args()
    measurements = _measurements(is_quick=asked.quick, is_large=asked.large)
    wanted = {one for name in asked.only for one in (GROWTH if name == "growth" else (name,))}
    unknown = wanted - {*measurements, "admin"}
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    if "admin" in wanted:
        # Its site has settings of its own, which would slow the others' workers down.
        admin.run(final=200_000 if asked.quick else admin.FINAL)
        wanted.remove("admin")
        if not wanted:
            return
    with harness.servers():
        harness.emit("conditions", **harness.conditions())
        for name, measure in measurements.items():
            if name in wanted or (not wanted and name not in LONG):
                measure()


def _measurements(*, is_quick: bool, is_large: bool) -> dict[str, Callable[[], object]]:
    """Return what can be measured, in the order it is."""
    runs = 1 if is_quick else 3
    sizes = rows.LARGE_SIZES if is_large else rows.SIZES
    return {
        "drain": lambda: drain.measure(runs),
        "lines": lambda: lines.measure(runs),
        "workloads": lambda: workloads.measure(runs),
        "budget": lambda: budget.measure(runs),
        "latency": lambda: latency.measure(100 if is_quick else latency.SAMPLES),
        "sleepers": lambda: sleepers.measure(runs),
        "startup": lambda: startup.measure(runs),
        "idle": lambda: idle.measure(10 if is_quick else idle.SECONDS),
        "idle_memory": memory.idle_workers,
        "memory": lambda: memory.worker(100_000 if is_quick else 1_000_000),
        "enqueue": lambda: enqueue.measure(runs),
        "portable": lambda: portable.measure(runs),
        "beat": lambda: beat.measure(10 if is_quick else beat.SECONDS),
        "producer": lambda: memory.producer(100_000 if is_quick else 1_000_000),
        "installations": lambda: installations.measure(2_000 if is_quick else 20_000),
        "preflight": lambda: preflight.measure(100_000 if is_quick else 1_000_000),
        "workflows": lambda: workflows.measure(
            *((20_000, 200) if is_quick else (workflows.LARGE_COUNT,) if is_large else ())
        ),
        "rows": lambda: rows.measure(runs, sizes),
        "queues": lambda: queues.measure(runs),
        "schedules": lambda: schedules.measure(10 if is_quick else schedules.SECONDS),
        "workers": lambda: workers.measure(runs),
        "slow": lambda: slow.measure(runs),
        "churn": lambda: churn.measure(120_000 if is_quick else churn.COUNT),
    }


def _names() -> str:
    known = [*_measurements(is_quick=True, is_large=False), "admin"]
    return (
        f"which of them: {', '.join(known)}; 'growth' is {', '.join(GROWTH)} "
        f"(default: all but {', '.join(LONG)})"
    )


if __name__ == "__main__":
    main()
