"""What becomes of tasks whose process ends because of one of them, or cannot end."""

import os
import signal
from contextlib import suppress

import pytest

from tests.acceptance.projects import Project
from tests.waiting import eventually

pytestmark = pytest.mark.slow

HOG = """
import os, signal, time
from djtasks import task

@task(max_crashes=2)
def hog():
    held = bytearray(200 << 20)
    for place in range(0, len(held), 4096):
        held[place] = 1
    with open("hog.txt", "a") as file:
        file.write("h")
    time.sleep(60)

@task(max_crashes=2)
def dies():
    os.kill(os.getpid(), signal.SIGKILL)

@task
def neighbour():
    with open("neighbour.txt", "a") as file:
        file.write("n")
    time.sleep(3)
"""


def test_a_task_that_outgrows_the_memory_limit_is_isolated_and_fails(tmp_path):
    project = Project(tmp_path, HOG)
    project.python("hog.enqueue(); neighbour.enqueue()")

    flags = ("--processes", "1", "--threads", "2", "--max-memory", "150", "--grace", "0.5")
    with project.worker(*flags, "--burst") as worker:
        assert worker.wait(50) == 0

    log = project.read("worker.log")
    assert log.count("Grace is over") == log.count("is replaced") >= 2
    (hog, neighbour) = project.tasks()
    assert hog == ("hog", "FAILED", 2, None)
    assert neighbour[:2] == ("neighbour", "SUCCESSFUL")
    assert len(project.read("hog.txt")) == 2


def test_a_process_that_dies_while_it_drains_has_crashed(tmp_path):
    project = Project(tmp_path, HOG)
    project.python("dies.enqueue()")

    with project.worker("--processes", "1", "--max-tasks", "1", "--burst") as worker:
        assert worker.wait(50) == 0

    assert project.tasks() == [("dies", "FAILED", 2, None)]


FAILS = """
import time
from pathlib import Path
from djtasks import task

@task(max_attempts=1)
def fails():
    Path("began").touch()
    while not Path("full").exists():
        time.sleep(0.02)
    raise ValueError
"""

WORKER = """
import sys
from datetime import timedelta
import django
django.setup()
from djtasks.engine import engine_of
from djtasks.worker.config import WorkerConfig
from djtasks.worker.os_signals import Wakeup
from djtasks.worker.start import run
from mill.tasks import fails

if __name__ == "__main__":
    config = WorkerConfig(
        backend="default",
        processes=int(sys.argv[1]),
        grace=timedelta(seconds=float(sys.argv[2])),
        stop_margin=timedelta(seconds=0.5),
    )
    fails.enqueue()
    sys.exit(run(engine_of("default"), config, Wakeup(is_program=True)))
"""


@pytest.mark.parametrize(
    ("processes", "grace", "signals"),
    [("1", "0.5", [signal.SIGTERM]), ("0", "600", [signal.SIGTERM, signal.SIGINT])],
)
def test_a_stop_ends_a_worker_whose_output_nobody_reads(tmp_path, processes, grace, signals):
    project = Project(tmp_path, FAILS, run=WORKER)
    reader, output = os.pipe()
    environment = project.environment(DJANGO_SETTINGS_MODULE="settings")
    how = {"stdout": output, "stderr": output, "env": environment}

    with project.program("-m", "run", processes, grace, **how) as worker:
        eventually((tmp_path / "began").exists)
        fill(output)
        (tmp_path / "full").touch()
        eventually(lambda: project.tasks() == [("fails", "FAILED", 0, None)])
        for number in signals:
            worker.send_signal(number)
        assert worker.wait(30) == 70

    os.close(reader)
    os.close(output)


def fill(pipe: int) -> None:
    """Write to a pipe until not a byte more fits."""
    os.set_blocking(pipe, False)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while os.write(pipe, b"x" * size):
                pass
    os.set_blocking(pipe, True)
