"""The project's code at the start and at the end of each process that runs tasks."""

from pathlib import Path

import pytest

from tests.acceptance.projects import Project

pytestmark = pytest.mark.slow

TASKS = """
import atexit
import os
import random
import signal
import sys
import tempfile
import time

from django.apps import apps
from djtasks import task
from djtasks.signals import process_started, process_stopping

FOLDER = tempfile.TemporaryDirectory()
NUMBERS = random.Random()
ran = []


def note(word):
    with open("notes.txt", "a") as file:
        file.write(f"{word} {os.getpid()}\\n")


def seed(backend, **kwargs):
    assert apps.ready and backend == "default"
    NUMBERS.seed()
    note("started")


def exit_in_a_receiver(**kwargs):
    sys.exit(3)


def stop(**kwargs):
    note("stopping")


process_started.connect(seed)
process_started.connect(exit_in_a_receiver)
process_stopping.connect(stop)
process_stopping.connect(exit_in_a_receiver)


@atexit.register
def at_exit():
    if ran:
        note("exit")


@task
def draws():
    ran.append(1)
    note("ran")
    print("printed", end="")
    assert os.path.isdir(FOLDER.name)
    return NUMBERS.getrandbits(64)


@task(max_crashes=1)
def is_killed():
    print("last words")
    os.kill(os.getpid(), signal.SIGKILL)


@task
def makes_a_hook_that_hangs():
    atexit.register(time.sleep, 300)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, TASKS)


@pytest.mark.parametrize(
    "flags", [("--processes", "1", "--threads", "1", "--max-tasks", "1"), ("--processes", "0")]
)
def test_each_process_tells_of_its_start_and_its_end(
    project: Project, flags: tuple[str, ...]
) -> None:
    project.python("for _ in range(2): draws.enqueue()")

    ended = project.manage("runworker", "--burst", *flags)

    assert ended.returncode == 0, ended.stderr
    by_process: dict[str, list[str]] = {}
    for line in project.read("notes.txt").splitlines():
        word, pid = line.split()
        by_process.setdefault(pid, []).append(word)
    worked = [words for words in by_process.values() if "ran" in words]
    expected = {
        "1": [["started", "ran", "stopping", "exit"]] * 2,
        "0": [["started", "ran", "ran", "stopping", "exit"]],
    }
    assert worked == expected[flags[1]]
    assert ended.stdout.count("printed") == 2
    values = [value for _path, state, _attempt, value in project.tasks()]
    assert len(set(values)) == 2


def test_what_a_task_printed_is_there_after_its_process_was_killed(project: Project) -> None:
    project.python("is_killed.enqueue()")

    ended = project.manage("runworker", "--burst", "--processes", "1")

    assert "last words" in ended.stdout


def test_a_hook_that_hangs_is_cut_off(project: Project) -> None:
    project.python("makes_a_hook_that_hangs.enqueue()")

    ended = project.manage("runworker", "--burst", "--processes", "1")

    assert ended.returncode == 0
    assert "took too long and was cut off" in ended.stderr
