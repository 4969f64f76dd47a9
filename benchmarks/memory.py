"""What a million enqueueings from a generator take of their process's memory."""

import subprocess
import sys
from typing import Any

from benchmarks import harness

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
