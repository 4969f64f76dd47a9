"""What a million tasks take of a process's memory: of the one that enqueues, of those that work."""

import subprocess
import sys
from typing import Any

from benchmarks import drain, harness, idle

_PRODUCER = """
import django, resource, sys, time
django.setup()
from benchmarks.tasks import add
add.enqueue_many([(0, 0)])
started = time.perf_counter()
count = add.enqueue_many((n, n) for n in range(int(sys.argv[1])))
seconds = time.perf_counter() - started
print(count, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def producer(count: int = 1_000_000) -> dict[str, Any]:
    """Print and return the peak memory of a process that enqueues so many tasks at once."""
    done = subprocess.run(
        [sys.executable, "-c", _PRODUCER, str(count)], capture_output=True, text=True, check=True
    )
    enqueued, seconds, peak_kb = done.stdout.split()
    assert int(enqueued) == count
    figures = {
        "count": count,
        "peak_mb": int(peak_kb) / 1024,
        "enqueue_many_per_second": count / float(seconds),
    }
    harness.emit("memory_producer", **figures)
    return figures


def worker(count: int = 1_000_000) -> dict[str, Any]:
    """Print and return a child's private memory before and after so many tasks."""
    from benchmarks.tasks import add
    from djtasks.engine import engine_of
    from djtasks.models import TaskRecord
    from djtasks.operations import resume_queue

    drain.empty()
    resume_queue(engine_of("default"), "default")
    with harness.worker("--processes", "2") as process:
        add.enqueue_many((n, n) for n in range(1_000))
        harness.wait_until(drain.is_done)
        family = harness.family(process)
        before = idle.memory(family)
        add.enqueue_many((n, n) for n in range(count))
        harness.wait_until(drain.is_done, pause=0.5)
        after = idle.memory(family)
    done = TaskRecord.objects.filter(state=2, fence=1).count()
    assert done == count + 1_000, f"{done} of {count + 1_000} tasks ran once"
    figures = {
        "count": count,
        "private_mb_before": before["private_mb_a_child"],
        "private_mb_after": after["private_mb_a_child"],
    }
    harness.emit("memory_worker", **figures)
    return figures
