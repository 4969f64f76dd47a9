"""Tasks that only wait: 2,000 times 50 ms at a concurrency of 100, threads and coroutines."""

import statistics
from typing import Any

from benchmarks import drain, harness

COUNT = 2_000
AT_ONCE = 100


def once(kind: str) -> float:
    """Return the seconds from the first start to the last end of 2,000 waits."""
    from benchmarks import coroutines, tasks
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue, resume_queue

    drain.empty()
    pause_queue(engine_of("default"), "default", by="benchmark")
    flags = ("--processes", "1", "--threads", str(AT_ONCE), "--async-slots", str(AT_ONCE))
    task = {"threads": tasks.nap, "coroutines": coroutines.nap}[kind]
    with harness.worker(*flags, BENCH_TASKS=task.func.__module__):
        task.enqueue_many((number,) for number in range(COUNT))
        resume_queue(engine_of("default"), "default")
        harness.wait_until(drain.is_done)
    return _verified_seconds()


def _verified_seconds() -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at)), count(*) FILTER ("
            "WHERE state = 2 AND fence = 1 AND return_value = args->0) FROM djtasks_taskrecord"
        )
        seconds, right = cursor.fetchone()
    assert right == COUNT, f"{right} of {COUNT} tasks ran once with the right result"
    return float(seconds)


def measure(runs: int = 3) -> dict[str, Any]:
    """Print and return the medians; one second would be perfect."""
    figures = {
        f"{kind}_seconds": statistics.median([once(kind) for _ in range(runs)])
        for kind in ("threads", "coroutines")
    }
    harness.emit("sleepers", count=COUNT, at_once=AT_ONCE, perfect=1.0, **figures)
    return figures
