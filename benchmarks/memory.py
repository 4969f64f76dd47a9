"""What djtasks takes of memory: idle workers, and what a million tasks leave in a process."""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks import drain, harness, idle

# What a worker imports.
PROJECTS = {"small": ("benchmarks.tasks",), "big": ("benchmarks.tasks", "benchmarks.libraries")}
_SETTLING = 8.0

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


def idle_workers() -> None:
    """Print the memory of idle workers, before and after a full collection in each process."""
    for project, processes in (("small", 2), ("small", 6), ("big", 2)):
        imports = ",".join((*PROJECTS[project], "benchmarks.collecting"))
        with tempfile.TemporaryDirectory() as folder:
            given = {"BENCH_TASKS": imports, "BENCH_COLLECTED": folder}
            with harness.worker("--processes", str(processes), **given) as worker:
                time.sleep(_SETTLING)
                family = harness.family(worker)
                asked = {"project": project, "processes": processes}
                harness.emit("memory_idle", **asked, after="start", **sizes(family))
                _collect(family, Path(folder))
                harness.emit("memory_idle", **asked, after="collection", **sizes(family))


def sizes(family: list[psutil.Process]) -> dict[str, Any]:
    """Return the megabytes that a worker takes in all (PSS), and each process for itself (USS).

    The first process is the supervisor.
    """
    from djtasks.models import WorkerRecord

    pids = set(WorkerRecord.objects.values_list("pid", flat=True))
    measured = [(process.pid, process.memory_full_info()) for process in family]
    private = [(pid, round(size.uss / 2**20, 1)) for pid, size in measured]
    return {
        "pss_mb_in_all": sum(size.pss for _pid, size in measured) / 2**20,
        "uss_mb_supervisor": private[0][1],
        "uss_mb_children": [size for pid, size in private if pid in pids],
        "uss_mb_others": [size for pid, size in private[1:] if pid not in pids],
    }


def _collect(family: list[psutil.Process], folder: Path) -> None:
    """Let each process collect, but for helpers of multiprocessing: the signal would end them."""
    asked = [process for process in family if _catches(process.pid, signal.SIGUSR2)]
    for process in asked:
        process.send_signal(signal.SIGUSR2)
    harness.wait_until(lambda: len(list(folder.iterdir())) == len(asked))


def _catches(pid: int, number: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)
