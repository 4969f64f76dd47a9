"""`make bench`: the engine's figures as JSON lines. `--quick` for a look."""

import argparse

from benchmarks import (
    admin,
    beat,
    budget,
    drain,
    enqueue,
    growth,
    harness,
    idle,
    installations,
    latency,
    memory,
    portable,
    sleepers,
)

# What takes so long that it must be asked for.
LONG = ("installations", "growth", "queues")


def main() -> None:
    """Measure what was asked for, each after the other on one set of servers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run and fewer samples")
    parser.add_argument("--large", action="store_true", help="growth up to ten million rows")
    parser.add_argument("--logging", action="store_true", help="also with a log line a task")
    parser.add_argument(
        "only",
        nargs="*",
        metavar="NAME",
        help="which of them (default: all but the last four): drain, budget, latency, "
        "sleepers, idle, enqueue, portable, beat, producer, installations, growth, queues, admin",
    )
    asked = parser.parse_args()
    runs = 1 if asked.quick else 3
    measurements = {
        "drain": lambda: drain.measure(runs),
        "budget": lambda: budget.measure(runs),
        "latency": lambda: latency.measure(100 if asked.quick else latency.SAMPLES),
        "sleepers": lambda: sleepers.measure(runs),
        "idle": lambda: idle.measure(10 if asked.quick else idle.SECONDS),
        "enqueue": lambda: enqueue.measure(runs),
        "portable": lambda: portable.measure(runs),
        "beat": lambda: beat.measure(10 if asked.quick else beat.SECONDS),
        "installations": lambda: installations.measure(2_000 if asked.quick else 20_000),
        "growth": lambda: growth.measure(runs, growth.LARGE_SIZES if asked.large else growth.SIZES),
        "queues": lambda: growth.measure_queues(runs),
        "producer": lambda: memory.producer(100_000 if asked.quick else 1_000_000),
    }
    unknown = set(asked.only) - {*measurements, "admin"}
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    if "admin" in asked.only:
        # Its site has settings of its own, which would slow the others' workers down.
        admin.run(final=200_000 if asked.quick else admin.FINAL)
        asked.only.remove("admin")
        if not asked.only:
            return
    with harness.servers():
        harness.emit("conditions", **harness.conditions())
        for name, measure in measurements.items():
            if name in asked.only or (not asked.only and name not in LONG):
                measure()
        if asked.logging:
            drain.measure(runs, BENCH_TASK_LOG="INFO")


if __name__ == "__main__":
    main()
