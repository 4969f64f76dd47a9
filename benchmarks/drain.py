"""How fast queued tasks are worked off, with their results stored; beside the bare loop."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import harness

COUNT = 60_000
PROCESSES = 2


def fill() -> float:
    """Enqueue COUNT tasks in 60 batches, hints included; return the enqueueings a second."""
    from benchmarks.tasks import add

    started = time.perf_counter()
    for start in range(0, COUNT, 1000):
        add.enqueue_many((n, n + 1) for n in range(start, start + 1000))
    return COUNT / (time.perf_counter() - started)


def empty() -> None:
    """Forget all records and schedules, and give the planner what it has in a table in use."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE djtasks_taskrecord, djtasks_schedule")
        cursor.execute("VACUUM ANALYZE djtasks_taskrecord")


def verified_seconds() -> float:
    """Return the time from the first start to the last end by the database's clock.

    Raises AssertionError unless every task ran once and has the right result.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at)), count(*) FILTER ("
            "WHERE state = 2 AND fence = 1 AND return_value::int = "
            "(args->>0)::int + (args->>1)::int) FROM djtasks_taskrecord"
        )
        seconds, right = cursor.fetchone()
    assert right == COUNT, f"{right} of {COUNT} tasks ran once with the right result"
    return float(seconds)


def is_done() -> bool:
    """Whether no task is left; cheap, since it runs beside what is measured."""
    from djtasks.models import TaskRecord

    live = TaskRecord.objects.filter(state=0).exists()
    return not live and not TaskRecord.objects.filter(worker__isnull=False).exists()


def djtasks_once(environment: dict[str, str]) -> dict[str, float]:
    """Measure one drain by `runworker`."""
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue

    empty()
    pause_queue(engine_of("default"), "default", by="benchmark")
    with harness.worker("--processes", str(PROCESSES), **environment) as worker:
        enqueued = fill()
        processes = harness.family(worker)
        before = harness.begin_together(worker)
        harness.wait_until(is_done)
        used = harness.cpu_seconds(processes) - before
    return {
        "tasks_per_second": COUNT / verified_seconds(),
        "worker_cpu_us": used / COUNT * 1e6,
        "enqueue_many_per_second": enqueued,
    }


def ceiling_once() -> dict[str, float]:
    """Measure one drain by the bare loop."""
    empty()
    fill()
    with bare_loops("postgresql"):
        pass
    return {"tasks_per_second": COUNT / verified_seconds()}


@contextmanager
def bare_loops(database: str, task: str = "add") -> Iterator[None]:
    """Run PROCESSES bare loops that begin together; after the block, wait for their end.

    They end when their queue has been empty for a second. `task` is the name of what they call.
    """
    from djtasks.engine import engine_of

    key = f"djtasks:{{{engine_of('default').namespace}:default}}:default"
    command = [sys.executable, "-m", "benchmarks.ceiling", database, key, task]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    loops: list[Any] = [subprocess.Popen(command, **pipes) for _ in range(PROCESSES)]
    for loop in loops:
        loop.stdout.readline()
    for loop in loops:
        loop.stdin.close()
    yield
    for loop in loops:
        assert loop.wait() == 0


def measure(runs: int = 3, **environment: str) -> dict[str, Any]:
    """Print and return the medians of djtasks and the bare loop, taken in turn."""
    ours, ceilings = [], []
    for _ in range(runs):
        ceilings.append(ceiling_once())
        ours.append(djtasks_once(environment))
    rates = [one["tasks_per_second"] for one in ours]
    ceiling_rates = [one["tasks_per_second"] for one in ceilings]
    figures = {
        "count": COUNT,
        "processes": PROCESSES,
        "tasks_per_second": statistics.median(rates),
        "min": min(rates),
        "max": max(rates),
        "ceiling_per_second": statistics.median(ceiling_rates),
        "share_of_ceiling": statistics.median(rates) / statistics.median(ceiling_rates),
        "worker_cpu_us": statistics.median(one["worker_cpu_us"] for one in ours),
        "enqueue_many_per_second": statistics.median(
            one["enqueue_many_per_second"] for one in ours
        ),
    }
    harness.emit("drain", **figures, **environment)
    return figures
