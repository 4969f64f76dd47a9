"""What a worker costs that has nothing to do: CPU, and queries on the database."""

import time
from typing import Any

import psutil

from benchmarks import beat, harness

SECONDS = 30.0
SETTLING = 10.0


def measure(seconds: float = SECONDS) -> dict[str, Any]:
    """Print and return the share of a core and the transactions a second of two processes."""
    quiet = _transactions(seconds / 2)
    with harness.worker("--processes", "2") as worker:
        time.sleep(SETTLING)
        family = harness.family(worker)
        before, started = harness.cpu_seconds(family), time.monotonic()
        asked = _transactions(seconds)
        share = (harness.cpu_seconds(family) - before) / (time.monotonic() - started)
        figures = {
            "processes": 2,
            "seconds": seconds,
            "cpu_share_of_a_core": share,
            "queries_per_second": asked - quiet,
            **memory(family),
        }
    harness.emit("idle", **figures)
    return figures


def _transactions(seconds: float) -> float:
    """Return how many the server counts a second: outside of blocks each query is one."""
    before, started = beat.transactions(), time.monotonic()
    time.sleep(seconds)
    return (beat.transactions() - before) / (time.monotonic() - started)


def memory(family: list[psutil.Process]) -> dict[str, float]:
    """Return what the children keep for themselves, and what all of it takes."""
    from djtasks.models import WorkerRecord

    pids = set(WorkerRecord.objects.values_list("pid", flat=True))
    sizes = {process.pid: process.memory_full_info() for process in family}
    children = [size for pid, size in sizes.items() if pid in pids]
    return {
        "private_mb_a_child": max(child.uss for child in children) / 2**20,
        "rss_mb_a_child": max(child.rss for child in children) / 2**20,
        "pss_mb_in_all": sum(size.pss for size in sizes.values()) / 2**20,
    }
