"""How long a worker takes from its command to its first task, and from SIGTERM to its end."""

import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks import drain, harness


def measure(runs: int = 5) -> dict[str, Any]:
    """Print and return medians in seconds, beside what Python takes to set Django up."""
    found = [_once() for _ in range(runs)]
    figures = {
        name: statistics.median(one[name] for one in found)
        for name in ("django_setup_seconds", "first_task_seconds", "stop_seconds")
    }
    harness.emit("startup", processes=2, **figures)
    return figures


def _once() -> dict[str, float]:
    from benchmarks.tasks import add
    from djtasks.engine import engine_of
    from djtasks.operations import resume_queue

    drain.empty()
    resume_queue(engine_of("default"), "default")
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import django; django.setup()"], check=True)
    setup = time.perf_counter() - started
    result = add.enqueue(1, 2)
    command = [sys.executable, "-m", "django", "runworker", "--no-reload", "--processes", "2"]
    commanded = datetime.now(UTC)
    process = subprocess.Popen(
        command, env=os.environ, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        first = result.wait(60).started_at
        assert first is not None
    finally:
        stopping = time.perf_counter()
        process.terminate()
        process.wait(60)
    return {
        "django_setup_seconds": setup,
        "first_task_seconds": (first - commanded).total_seconds(),
        "stop_seconds": time.perf_counter() - stopping,
    }
