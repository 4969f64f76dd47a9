"""Slow tasks among fast ones: how many of them until the fast ones wait for a slot."""

import statistics
from typing import Any

from benchmarks import drain, harness
from benchmarks.growth import table

SAMPLE = 30_000
THREADS = 8
NAP_SECONDS = 0.05
# One slow task in so many.
EVERY = (0, 1_000, 300, 100, 30, 10)


def measure(runs: int = 3) -> None:
    """Print a line a share of slow tasks: throughput beside what the slots allow."""
    for every in EVERY:
        found = [_once(every) for _ in range(runs)]
        rates = [one["tasks_per_second"] for one in found]
        slow = SAMPLE // every if every else 0
        slots = THREADS * drain.PROCESSES
        harness.emit(
            "growth",
            slow_share=slow / SAMPLE,
            sample=SAMPLE,
            slots=slots,
            tasks_per_second=statistics.median(rates),
            min=min(rates),
            max=max(rates),
            slots_allow_per_second=SAMPLE * slots / (slow * NAP_SECONDS) if slow else None,
            fast_done_after_share=statistics.median(one["fast_share"] for one in found),
        )


def _once(every: int) -> dict[str, float]:
    """Work off SAMPLE tasks of which one in `every` sleeps, evenly among the others."""
    from benchmarks.tasks import add, nap
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue

    drain.empty()
    table.flush()
    pause_queue(engine_of("default"), "default", by="benchmark")
    flags = ("--processes", str(drain.PROCESSES), "--threads", str(THREADS))
    with harness.worker(*flags) as worker:
        made = 0
        while made < SAMPLE:
            fast = min(every - 1 if every else 1000, SAMPLE - made)
            add.enqueue_many((n, n + 1) for n in range(made, made + fast))
            made += fast
            if every and made < SAMPLE:
                nap.enqueue(made)
                made += 1
        harness.begin_together(worker)
        harness.wait_until(drain.is_done, pause=0.2)
    return _verified()


def _verified() -> dict[str, Any]:
    """Return the throughput, and the share of the time after which all fast ones had ended."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE state = 2 AND fence = 1), "
            "extract(epoch FROM max(finished_at) - min(started_at))::float8, "
            "extract(epoch FROM max(finished_at) FILTER (WHERE task_path = "
            "'benchmarks.tasks.add') - min(started_at))::float8 FROM djtasks_taskrecord"
        )
        right, seconds, fast_seconds = cursor.fetchone()
    assert right == SAMPLE, f"{right} of {SAMPLE} tasks ran once"
    return {"tasks_per_second": SAMPLE / seconds, "fast_share": fast_seconds / seconds}
