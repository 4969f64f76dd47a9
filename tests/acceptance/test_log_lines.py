"""Django's log lines about tasks, as a real worker writes them."""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.acceptance.projects import SETTINGS, Project

pytestmark = pytest.mark.slow

LOGGING = """
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"short": {"format": "%(levelname)s|%(message)s"}},
    "handlers": {"file": {
        "class": "logging.FileHandler", "formatter": "short", "delay": True,
        "filename": Path(__file__).parent / "tasks.log"}},
    "loggers": {
        name: {"level": "INFO", "handlers": ["file"], "propagate": False}
        for name in ("django.tasks", "django_tasks")
    },
}
"""

TASKS = """
from djtasks import task

@task
def plain(number):
    return number

@task
async def coroutine(number):
    return number

@task
def fails():
    raise ValueError("no")
"""

ENQUEUE = """
from mill.tasks import coroutine, fails, plain
plain.enqueue_many((number,) for number in range(300))
coroutine.enqueue_many((number,) for number in range(300))
fails.enqueue()
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_worker_that_ends_has_written_two_lines_a_task(tmp_path: Path, processes: str) -> None:
    project = Project(tmp_path, TASKS, settings=SETTINGS + LOGGING)
    project.python(ENQUEUE)

    ended = project.manage("runworker", "--burst", "--processes", processes)

    assert ended.returncode == 0, ended.stderr
    states = defaultdict(list)
    for line in (tmp_path / "tasks.log").read_text().splitlines():
        level, found, text = line.partition("|Task id=")
        if found:
            id_, _, rest = text.partition(" path=mill.tasks.")
            states[id_, rest.partition(" ")[0]].append((level, rest.rpartition("state=")[2]))
    start, end = ("INFO", "RUNNING"), ("INFO", "SUCCESSFUL")
    assert len(states) == 601
    for (_id, name), lines in states.items():
        assert lines == [start, ("ERROR", "FAILED") if name == "fails" else end]
