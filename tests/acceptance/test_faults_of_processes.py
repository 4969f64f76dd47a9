"""What becomes of tasks whose process ends because of one of them."""

import pytest

from tests.acceptance.projects import Project

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
