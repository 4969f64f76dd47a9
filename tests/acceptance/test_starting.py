"""Child processes that cannot start: the worker says why, once, and ends."""

import psutil
import pytest

from tests.acceptance.projects import MANAGE, Project

pytestmark = pytest.mark.slow

TASKS = """
import os
from djtasks import task

@task
def add(a, b):
    return a + b

@task
def environment():
    return os.environ.get("PYTHONPATH")
"""

UNGUARDED = """
import os
import sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

CONFIGURED_BY_HAND = """
import sys
from django.conf import settings
if __name__ == "__main__":
    import settings as ours
    settings.configure(**{name: v for name, v in vars(ours).items() if name.isupper()})
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""

REGISTERED_BY_MAIN = """
import os
import sys
import types
if __name__ == "__main__":
    sys.modules["only_in_main"] = types.ModuleType("only_in_main")
""" + MANAGE.partition("import sys")[2]

APPS = """
import os
import sys
from django.apps import AppConfig
class MillConfig(AppConfig):
    name = "mill"
    def ready(self):
        %s
"""
NEEDS_MAIN = APPS % "import only_in_main"
EXITS_IN_CHILDREN = APPS % "'runworker' in sys.argv or sys.exit('no licence')"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"manage": UNGUARDED}, 'if __name__ == "__main__"'),
        ({"manage": CONFIGURED_BY_HAND}, "settings.configure()"),
        (
            {"manage": REGISTERED_BY_MAIN, "mill/apps": NEEDS_MAIN},
            "No module named 'only_in_main'",
        ),
        ({"mill/apps": EXITS_IN_CHILDREN}, "SystemExit: no licence"),
    ],
    ids=["unguarded", "configured by hand", "registered by main", "exits"],
)
def test_a_worker_whose_children_cannot_start_says_so_once_and_ends(tmp_path, files, said):
    project = Project(tmp_path, TASKS, **files)

    with project.worker("--processes", "2", "--burst") as worker:
        assert worker.wait(50) == 1

    log = project.read("worker.log")
    assert log.count("this worker ends") == 1
    assert said in log
    assert log.count("Child cannot start") <= 1
    assert "EOFError" not in log


def test_a_worker_goes_on_when_its_forkserver_was_killed(tmp_path):
    project = Project(tmp_path, TASKS)
    with project.worker("--processes", "1") as worker:
        project.python("add.enqueue(1, 2).wait(30)")
        (forkserver,) = [
            child
            for child in psutil.Process(worker.pid).children()
            if "forkserver" in " ".join(child.cmdline())
        ]
        forkserver.kill()

        project.python("add.enqueue(3, 4).wait(30)")
        assert worker.poll() is None


@pytest.mark.parametrize("given", [None, "/of/the/user"])
def test_tasks_see_the_python_path_of_the_workers_start(tmp_path, given, monkeypatch):
    project = Project(tmp_path, TASKS)
    project.python("environment.enqueue()")
    changes = {"PYTHONPATH": given} if given else {}
    monkeypatch.setattr(project, "environment", lambda: Project.environment(project, **changes))

    with project.worker("--processes", "1", "--burst") as worker:
        assert worker.wait(50) == 0

    monkeypatch.undo()
    assert project.tasks() == [("environment", "SUCCESSFUL", 0, given)]
