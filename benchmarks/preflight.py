"""`djtasks preflight` before a deploy: time and peak memory for waiting and finished tasks."""

import os
import subprocess
import sys
import time
from typing import Any

import psutil

from benchmarks import drain, harness

_POLL_SECONDS = 0.02


def measure(count: int = 1_000_000) -> list[dict[str, Any]]:
    """Print and return the figures of `count` waiting tasks, then of as many finished ones, too."""
    from benchmarks.tasks import add
    from djtasks.models import TaskRecord

    drain.empty()
    figures = [_run(0, 0)]
    half = count // 2
    add.enqueue_many((number, 1) for number in range(half))
    add.enqueue_many({"a": number, "b": 1} for number in range(count - half))
    figures.append(_run(count, 0))
    TaskRecord.objects.update(state=2, finished_at=_now())
    add.enqueue_many((number, 1) for number in range(count))
    figures.append(_run(count, count))
    drain.empty()
    return figures


def _now() -> Any:
    from djtasks.engine import engine_of

    return engine_of("default").store.now()


def _run(waiting: int, finished: int) -> dict[str, Any]:
    """Run the command in a process of its own, as a release does."""
    command = [sys.executable, "-m", "django", "djtasks", "preflight", "--json"]
    command += ["--backend", "default"]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL)
    peak, used = 0, 0.0
    while process.poll() is None:
        try:
            running = psutil.Process(process.pid)
            peak = max(peak, running.memory_info().rss)
            used = harness.cpu_seconds([running])
        except psutil.NoSuchProcess:
            break
        time.sleep(_POLL_SECONDS)
    code = process.wait()
    figures = {
        "waiting": waiting,
        "finished": finished,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": used,
        "peak_mb": peak / 1_000_000,
    }
    assert code == 0, f"preflight exited with {code}"
    harness.emit("preflight", **figures)
    return figures
