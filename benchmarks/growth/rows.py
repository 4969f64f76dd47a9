"""What lies in the table: tasks that wait, and tasks that are over."""

import statistics
import time
from typing import Any

from benchmarks import drain, harness
from benchmarks.growth import table

SAMPLE = 60_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
LARGE_SIZES = (*SIZES, 10_000_000)
_WAITS = 200
_WAITS_SECONDS = 1.5


def measure(runs: int = 3, sizes: tuple[int, ...] = SIZES) -> None:
    """Print a line a size, of tasks that wait and then of tasks that are over."""
    base: dict[str, float] = {}
    for kind, statement in (("backlog", table.WAITING), ("history", table.OVER)):
        for size in (0, *sizes):
            drain.empty()
            table.flush()
            table.insert(statement, size)
            found = [once(first=size + SAMPLE * run) for run in range(runs)]
            rates = [one["tasks_per_second"] for one in found]
            rate = statistics.median(rates)
            base.setdefault(kind, rate)
            harness.emit(
                "growth",
                **{kind: size},
                sample=SAMPLE,
                tasks_per_second=rate,
                min=min(rates),
                max=max(rates),
                share_of_empty=rate / base[kind],
                redis_mb=max(one["redis_mb"] for one in found),
                **waits(),
            )


def once(*, first: int) -> dict[str, float]:
    """Add SAMPLE tasks to what is there, and measure how fast as many are worked off."""
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue

    pause_queue(engine_of("default"), "default", by="benchmark")
    table.insert(table.WAITING, SAMPLE, first=first + 1)
    with harness.worker("--processes", str(drain.PROCESSES)) as worker:
        began = engine_of("default").store.now()
        harness.begin_together(worker)
        harness.wait_until(lambda: table.done_since(began)[0] >= SAMPLE, pause=0.2)
        memory = table.redis().info("memory")["used_memory"] / 1e6
        pause_queue(engine_of("default"), "default", by="benchmark")
    count, right, seconds = table.done_since(began)
    assert right == count, f"{right} of {count} tasks ran once with the right result"
    return {"tasks_per_second": count / float(seconds), "redis_mb": memory}


def waits() -> dict[str, Any]:
    """Return how long urgent tasks wait for their start while all the others are worked off."""
    from benchmarks.tasks import moment
    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue, resume_queue

    urgent = moment.using(priority=100)
    found: list[float] = []
    with harness.worker("--processes", str(drain.PROCESSES)):
        resume_queue(engine_of("default"), "default")
        urgent.enqueue(time.time()).wait(30)
        deadline = time.monotonic() + _WAITS_SECONDS
        while len(found) < _WAITS and time.monotonic() < deadline:
            found.append(urgent.enqueue(time.time()).wait(30).return_value * 1000)
        pause_queue(engine_of("default"), "default", by="benchmark")
    return {
        "urgent": len(found),
        "urgent_p50_ms": harness.quantile(found, 0.50),
        "urgent_p99_ms": harness.quantile(found, 0.99),
    }
