"""From enqueue() to the first line of the task: on an idle worker, and on one half busy.

The idle worker is measured beside the bare loop, and again without Redis.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from benchmarks import drain, harness

SAMPLES = 500
_WARMING = 30
_TURNS = 3
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
    _idle(samples)
    most = _sustained()
    drain.empty()
    with harness.worker("--processes", "2"), _producer(most / 2):
        figures = _percentiles(_waits(samples))
        figures["left_waiting"] = _waiting()
        harness.emit("latency", load_per_second=most / 2, sustained_per_second=most, **figures)


def _idle(samples: int) -> None:
    """Measure an idle worker, one without Redis, and the bare loop, in turns."""
    ways: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "default": lambda: harness.worker("--processes", "2"),
        "database": lambda: harness.worker("--processes", "2", "--backend", "database"),
        "bare": lambda: drain.bare_loops("postgresql", "moment"),
    }
    waits: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_TURNS):
        for name, start in ways.items():
            drain.empty()
            with start():
                waits[name] += _waits(
                    samples // _TURNS, backend="database" if name == "database" else "default"
                )
    bare = _percentiles(waits["bare"])
    harness.emit("latency_bare_loop", **bare)
    for name in ("default", "database"):
        figures = _percentiles(waits[name])
        shares = {f"{key}_of_bare": figures[key] / bare[key] for key in ("p50_ms", "p99_ms")}
        harness.emit("latency", backend=name, load_per_second=0, **figures, **shares)


def _waits(samples: int, *, backend: str = "default") -> list[float]:
    from benchmarks.tasks import moment

    task = moment.using(backend=backend)
    waits = []
    for number in range(samples + _WARMING):
        result = task.enqueue(time.time()).wait(30)
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
