"""From enqueue() to the first line of the task: on an idle worker, and on one half busy."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import drain, harness

SAMPLES = 500
_WARMING = 50
_TICKS_A_SECOND = 100
_SUSTAINED_SECONDS = 4

_PRODUCER = """
import django, sys, time
django.setup()
from benchmarks.tasks import add
rate, ticks = float(sys.argv[1]), float(sys.argv[2])
count = round(rate / ticks)
began, number = time.perf_counter(), 0
while True:
    add.enqueue_many((n, 1) for n in range(count))
    number += 1
    time.sleep(max(began + number / ticks - time.perf_counter(), 0))
"""


def measure(samples: int = SAMPLES) -> None:
    """Print percentiles in milliseconds, from before the INSERT to the start."""
    with harness.worker("--processes", "2"):
        harness.emit("latency", load_per_second=0, **_percentiles(_waits(samples)))
    most = _sustained()
    drain.empty()
    with harness.worker("--processes", "2"), _producer(most / 2):
        figures = _percentiles(_waits(samples))
        figures["left_waiting"] = _waiting()
        harness.emit("latency", load_per_second=most / 2, sustained_per_second=most, **figures)


def _waits(samples: int) -> list[float]:
    from benchmarks.tasks import moment

    waits = []
    for number in range(samples + _WARMING):
        result = moment.enqueue(time.time()).wait(30)
        if number >= _WARMING:
            waits.append(result.return_value * 1000)
    return waits


def _percentiles(waits: list[float]) -> dict[str, Any]:
    return {
        "samples": len(waits),
        **{f"p{share}_ms": harness.quantile(waits, share / 100) for share in (50, 95, 99)},
    }


def _sustained() -> float:
    """Return how many tasks a second are worked off while a producer gives all it can."""
    from djtasks.engine import engine_of

    drain.empty()
    with harness.worker("--processes", "2"), _producer(1e6):
        harness.wait_until(lambda: _done() > 0)
        began, before = engine_of("default").store.now(), _done()
        time.sleep(_SUSTAINED_SECONDS)
        seconds = (engine_of("default").store.now() - began).total_seconds()
        return (_done() - before) / seconds


def _done() -> int:
    from djtasks.models import TaskRecord

    return TaskRecord.objects.filter(state=2).count()


def _waiting() -> int:
    from djtasks.models import TaskRecord

    return TaskRecord.objects.filter(state=0).count()


@contextmanager
def _producer(rate: float) -> Iterator[None]:
    """Let a process of its own enqueue `rate` tasks a second during the block."""
    command = [sys.executable, "-c", _PRODUCER, str(rate), str(_TICKS_A_SECOND)]
    process = subprocess.Popen(command)
    try:
        harness.wait_until(lambda: _done() + _waiting() > 0)
        yield
        assert process.poll() is None, "the producer has ended early"
    finally:
        process.kill()
        process.wait()
