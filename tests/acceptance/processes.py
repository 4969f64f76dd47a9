"""Real `runworker` processes for tests, on the test's own databases."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.db import connections

from djtasks.models import WorkerRecord
from tests.waiting import eventually

HEARTBEAT = 0.5


class WorkerProcess:
    """A `runworker` that a test started; it and its children end with the test."""

    command = ("runworker", "--no-reload")

    def __init__(self, *flags: str, **environment: str) -> None:
        self.log = Path(tempfile.mkstemp(prefix="djt-worker-", suffix=".log")[1])
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "django", *self.command, *flags],
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=_without_coverage(worker_environment() | environment),
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def output(self) -> str:
        """Return what it has printed and logged so far."""
        return self.log.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 60) -> int:
        """Return its exit code."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End the supervisor by SIGKILL, as a host does that goes down."""
        self.process.kill()
        self.process.wait()

    def descendants(self) -> list[psutil.Process]:
        """Return the fork server and the children that run now."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def clean_up(self) -> None:
        """Leave no process behind, whatever state it is in."""
        left = self.descendants()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for process in left:
            with_pid_gone(process)
        self.log.unlink(missing_ok=True)


class BeatProcess(WorkerProcess):
    """A `runbeat` that a test started."""

    command = ("runbeat",)


def _without_coverage(environment: dict[str, str]) -> dict[str, str]:
    """Leave out coverage where a test says UNTRACED=1.

    On CPython 3.11 an exception thrown into a thread that sits in C code makes every other
    thread spin for ever, if a tracer is installed.
    """
    return untraced(environment) if environment.get("UNTRACED") else environment


def untraced(environment: dict[str, str]) -> dict[str, str]:
    """Leave out coverage, which makes a start of Python twice as long."""
    return {name: v for name, v in environment.items() if not name.startswith("COVERAGE")}


def with_pid_gone(process: psutil.Process) -> None:
    """Kill a process that may be gone already."""
    try:
        process.kill()
        process.wait(10)
    except psutil.NoSuchProcess:
        pass


def worker_environment() -> dict[str, str]:
    """Return the environment in which a subprocess sees the databases of this test."""
    names = {
        f"DJTASKS_TEST_NAME_{alias.upper()}": str(connections[alias].settings_dict["NAME"])
        for alias in connections.settings
    }
    return {
        **os.environ,
        **names,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DJTASKS_TEST_HEARTBEAT": str(HEARTBEAT),
        "PYTHONWARNINGS": "default",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


@contextmanager
def worker(*flags: str, **environment: str) -> Iterator[WorkerProcess]:
    """Run a worker during the block; it is up when the block begins."""
    process = WorkerProcess(*flags, **environment)
    try:
        eventually(lambda: is_up(process) or ("--burst" in flags and process.has_ended))
        yield process
    except BaseException:
        said = "\n".join(process.output().splitlines()[-60:])
        sys.stderr.write(f"worker {process.pid}:\n{said}\n")
        raise
    finally:
        process.clean_up()


def is_up(process: WorkerProcess) -> bool:
    """Return whether a child of this worker is registered."""
    pids = {process.pid, *(child.pid for child in process.descendants())}
    return WorkerRecord.objects.filter(pid__in=pids).exists()


def child_pids() -> list[int]:
    """Return the pids of all registered children."""
    return list(WorkerRecord.objects.values_list("pid", flat=True))
