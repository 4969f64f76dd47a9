"""Private servers, a worker to measure, and what every figure is printed with."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from djtasks.testing.servers import start_postgres, start_valkey

_DEADLINE = 600.0
_PAUSE_IS_KNOWN_SECONDS = 2.1


@contextmanager
def servers(settings: str = "benchmarks.settings") -> Iterator[None]:
    """Run a PostgreSQL (fsync on, stock settings) and a Valkey of our own; set Django up."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="djtbench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        for name in ("valkey", "postgres"):
            (folder / name).mkdir()
        valkey = start_valkey(folder / "valkey")
        stack.callback(valkey.stop)
        stack.callback(start_postgres(folder / "postgres", fsync=True).stop)
        os.environ |= {
            "BENCH_REDIS": valkey.url,
            "BENCH_POSTGRES": str(folder / "postgres"),
            "DJANGO_SETTINGS_MODULE": settings,
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield


@contextmanager
def worker(*flags: str, **environment: str) -> Iterator[psutil.Process]:
    """Run a `runworker` during the block; it is up when the block begins."""
    from djtasks.models import WorkerRecord

    command = [sys.executable, "-m", "django", "runworker", "--no-reload", *flags]
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        count = int(flags[flags.index("--processes") + 1])
        wait_until(lambda: WorkerRecord.objects.count() == count)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def begin_together(worker: psutil.Process) -> float:
    """Resume the queue `default` for all processes of a worker at the same moment.

    Returns the seconds of CPU that the worker had used by then.

    Each of them reads only every two seconds which queues are paused. So they are stopped until
    all of them are about to read it.
    """
    from djtasks.engine import engine_of
    from djtasks.operations import resume_queue

    resume_queue(engine_of("default"), "default")
    children = worker.children(recursive=True)
    for child in children:
        child.suspend()
    time.sleep(_PAUSE_IS_KNOWN_SECONDS)
    used = cpu_seconds(family(worker))
    for child in children:
        child.resume()
    return used


def wait_until(ask: Callable[[], bool], pause: float = 0.05) -> None:
    """Return when `ask` says so; raise after ten minutes."""
    deadline = time.monotonic() + _DEADLINE
    while not ask():
        if time.monotonic() > deadline:
            raise TimeoutError("the benchmark did not come to its end")
        time.sleep(pause)


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return a worker's processes."""
    return [process, *process.children(recursive=True)]


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return user and system time of processes so far."""
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times)


def calibration() -> float:
    """Return the milliseconds of a fixed Python loop: how fast this machine is just now."""
    started = time.perf_counter()
    total = 0
    for number in range(200_000):
        total += number & 7
    return (time.perf_counter() - started) * 1000


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def conditions() -> dict[str, Any]:
    """Return what a figure means nothing without."""
    from django.db import connection

    packages = ("djtasks", "Django", "psycopg", "redis", "msgspec")
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "postgresql": connection.cursor().connection.info.server_version,
        "calibration_ms": round(calibration(), 1),
        "versions": {name: _version(name) for name in packages},
    }


def _version(name: str) -> str:
    if name == "djtasks":
        import djtasks

        return djtasks.__version__
    return version(name)


def index_pid() -> int:
    """Return the process of our Valkey."""
    from djtasks.engine import engine_of

    broker: Any = engine_of("default").broker
    return int(broker._pop_client.info("server")["process_id"])


def emit(name: str, **figures: Any) -> None:
    """Print one measurement as a line of JSON."""
    rounded = {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in figures.items()
    }
    print(json.dumps({"benchmark": name, **rounded}), flush=True)
