"""How child processes get what the project sets up, and what a worker says if they cannot start."""

import pytest

from tests.acceptance.projects import Project

pytestmark = pytest.mark.slow

TASKS = """
import os
from djtasks import task

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

SETS_UP = """
import sys
import types
from django.conf import settings
if __name__ == "__main__":
    import settings as ours
    settings.configure(**{name: v for name, v in vars(ours).items() if name.isupper()})
    sys.modules["only_in_main"] = types.ModuleType("only_in_main")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""

APPS = """
import sys
import threading
import time
from django.apps import AppConfig
class MillConfig(AppConfig):
    name = "mill"
    def ready(self):
        %s
"""
NEEDS_MAIN = APPS % "import only_in_main"
# While a second thread runs, the process of manage.py cannot be forked.
THREAD = "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
STARTS_A_THREAD = APPS % THREAD
IN_MANAGE = "hasattr(sys.modules['__main__'], '__file__')"
EXITS_IN_CHILDREN = APPS % f"{THREAD}; {IN_MANAGE} or sys.exit('no licence')"


def test_children_have_what_the_main_function_sets_up(tmp_path):
    project = Project(tmp_path, TASKS, manage=SETS_UP, **{"mill/apps": NEEDS_MAIN})

    ended = project.manage("runworker", "--no-reload", "--burst", "--processes", "2")

    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"manage": SETS_UP, "mill/apps": STARTS_A_THREAD}, "settings.configure()"),
        ({"mill/apps": EXITS_IN_CHILDREN}, "SystemExit: no licence"),
    ],
    ids=["configured by hand", "exits"],
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


@pytest.mark.parametrize(
    ("given", "files"),
    [
        (None, {}),
        ("/of/the/user", {}),
        (None, {"manage": UNGUARDED, "mill/apps": STARTS_A_THREAD}),
        ("/of/the/user", {"manage": UNGUARDED, "mill/apps": STARTS_A_THREAD}),
    ],
)
def test_tasks_see_the_python_path_of_the_workers_start(tmp_path, given, files, monkeypatch):
    project = Project(tmp_path, TASKS, **files)
    project.python("environment.enqueue()")
    changes = {"PYTHONPATH": given} if given else {}
    monkeypatch.setattr(project, "environment", lambda: Project.environment(project, **changes))

    with project.worker("--processes", "1", "--burst") as worker:
        assert worker.wait(50) == 0

    monkeypatch.undo()
    assert project.tasks() == [("environment", "SUCCESSFUL", 0, given)]
