"""The number of worker processes, near their servers and with a network in between.

The machine has few cores, so tasks that compute nothing gain nothing beyond them: here it counts
that many processes do not get into each other's way. Tasks that wait show what they add.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import drain, harness
from benchmarks.growth import table

PROCESSES = (1, 2, 4, 8, 16, 32, 64)
THREADS = 4
SAMPLE = 60_000
NAPS_A_SLOT = 40
NAP_SECONDS = 0.05
# Later each way, so twice that a round trip.
DELAY_SECONDS = 0.001
_AT_ONCE = 1_000


def measure(runs: int = 3) -> None:
    """Print a line a number of processes, without delay and with."""
    for delay in (0.0, DELAY_SECONDS):
        with network(delay) as (environment, round_trip_ms):
            for processes in PROCESSES:
                rates = [_no_ops(processes, environment) for _ in range(runs)]
                slots = processes * THREADS
                harness.emit(
                    "growth",
                    worker_processes=processes,
                    threads=THREADS,
                    round_trip_ms=round_trip_ms,
                    sample=SAMPLE,
                    tasks_per_second=statistics.median(rates),
                    min=min(rates),
                    max=max(rates),
                    naps_per_second=_naps(processes, environment),
                    ideal_naps_per_second=slots / NAP_SECONDS,
                )


def _no_ops(processes: int, environment: dict[str, str]) -> float:
    from benchmarks.tasks import add

    with _started(processes, environment) as clock:
        _enqueue(add, SAMPLE, lambda number: (number, number + 1))
        return SAMPLE / clock(SAMPLE, "benchmarks.tasks.add")


def _naps(processes: int, environment: dict[str, str]) -> float:
    from benchmarks.tasks import nap

    count = processes * THREADS * NAPS_A_SLOT
    with _started(processes, environment) as clock:
        _enqueue(nap, count, lambda number: (number,))
        return count / clock(count, "benchmarks.tasks.nap")


def _enqueue(task: Any, count: int, arguments: Callable[[int], tuple[int, ...]]) -> None:
    """Enqueue few at once, so that the hints of all are pushed."""
    for start in range(0, count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, count))
        task.enqueue_many(arguments(number) for number in numbers)


@contextmanager
def _started(processes: int, environment: dict[str, str]) -> Iterator[Any]:
    """Run a worker whose queue is paused; the block fills it, and lets the clock run."""
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue

    drain.empty()
    table.flush()
    pause_queue(engine_of("default"), "default", by="benchmark")
    flags = ("--processes", str(processes), "--threads", str(THREADS))

    with harness.worker(*flags, **environment) as worker:

        def clock(count: int, path: str) -> float:
            from djtasks.models import TaskRecord

            began = engine_of("default").store.now()
            harness.begin_together(worker)
            harness.wait_until(lambda: table.done_since(began, path)[0] == count, pause=0.2)
            once = TaskRecord.objects.filter(state=2, fence=1).count()
            assert once == count, f"{once} of {count} tasks ran once"
            return float(table.done_since(began, path)[2])

        yield clock


@contextmanager
def network(delay: float) -> Iterator[tuple[dict[str, str], float]]:
    """Let a worker reach its servers with so much delay each way.

    Yields its environment, and the milliseconds that a query takes from there and back.
    """
    if not delay:
        yield {}, _round_trip_ms({})
        return
    command = [sys.executable, "-m", "benchmarks.growth.network", str(delay)]
    between = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert between.stdin is not None
    assert between.stdout is not None
    try:
        environment = json.loads(between.stdout.readline())
        yield environment, _round_trip_ms(environment)
    finally:
        between.stdin.close()
        between.wait(10)


def _round_trip_ms(environment: dict[str, str]) -> float:
    import psycopg

    there = os.environ | environment
    with psycopg.connect(
        host=there["BENCH_POSTGRES_HOST"] if environment else there["BENCH_POSTGRES"],
        port=there.get("BENCH_POSTGRES_PORT", "5432"),
        user="postgres",
        dbname="postgres",
        autocommit=True,
    ) as session:
        found = []
        for _ in range(200):
            started = time.perf_counter()
            session.execute("SELECT 1")
            found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)
