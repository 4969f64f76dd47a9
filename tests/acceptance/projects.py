"""Small Django projects of their own, on SQLite, with a real `runworker`.

For what a test's shared settings cannot show: other tasks modules, a `ready()`, another manage.py.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.acceptance.processes import untraced, with_pid_gone
from tests.structure import ROOT

SETTINGS = """
from pathlib import Path
SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "djtasks", "mill"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / "db.sqlite3",
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}}}
TASKS = {"default": {"BACKEND": "djtasks.backend.DjtasksBackend", "QUEUES": [],
                     "OPTIONS": {"heartbeat": 0.5}}}
"""

MANAGE = """
import os
import sys
if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""

APPS = """
from django.apps import AppConfig
class MillConfig(AppConfig):
    name = "mill"
"""

_DESCRIBE = """
import json
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
print(json.dumps([
    [row.task_path.rpartition(".")[2], State(row.state).name, row.crash_count, row.return_value]
    for row in TaskRecord.objects.order_by("id")
]))
"""


class Project:
    """A project in a folder; its tasks are in `mill.tasks`."""

    def __init__(self, folder: Path, tasks: str, **files: str) -> None:
        self.folder = folder
        (folder / "mill").mkdir()
        contents = {
            "settings": SETTINGS,
            "manage": MANAGE,
            "mill/__init__": "",
            "mill/apps": APPS,
            "mill/tasks": tasks,
        }
        for name, text in (contents | files).items():
            (folder / f"{name}.py").write_text(text)
        (folder / "db.sqlite3").write_bytes(_empty_database())

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py to its end, with its output."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def python(self, code: str) -> str:
        """Run code with Django set up and the tasks imported; return what it prints."""
        start = "import django; django.setup()\nfrom mill.tasks import *\n"
        return subprocess.run(
            [sys.executable, "-c", start + code],
            cwd=self.folder,
            env=self.environment(DJANGO_SETTINGS_MODULE="settings"),
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    def tasks(self) -> list[tuple[str, str, int, Any]]:
        """Return name, state, crash count and value of each task, in order of their ids."""
        return [tuple(row) for row in json.loads(self.python(_DESCRIBE))]

    def read(self, name: str) -> str:
        """Return what a task wrote to a file of the project's folder; "" before it did."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def environment(self, **changes: str) -> dict[str, str]:
        bare = {
            name: value
            for name, value in untraced(dict(os.environ)).items()
            if name not in {"DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED", "PYTHONPATH"}
        }
        return bare | {"TMPDIR": str(self.folder)} | changes

    def worker(
        self, *flags: str, **options: Any
    ) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Run a worker during the block; its output goes to `worker.log`."""
        return self.program("manage.py", "runworker", "--no-reload", *flags, **options)

    @contextmanager
    def program(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Run Python with these arguments during the block; see worker()."""
        command = [sys.executable, *arguments]
        with (self.folder / "worker.log").open("ab") as log:
            given = {"stdout": log, "stderr": log, "start_new_session": True}
            given |= {"env": self.environment()} | options
            process = subprocess.Popen(command, cwd=self.folder, **given)
        try:
            yield process
        except BaseException:
            sys.stderr.write(self.read("worker.log"))
            raise
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process behind, whatever state it is in."""
    try:
        left = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        left = []
    process.kill()
    process.wait()
    for child in left:
        with_pid_gone(child)


_database: list[bytes] = []


def _empty_database() -> bytes:
    """Return a migrated database; migrating takes seconds, so once per process."""
    if not _database:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            (path / "settings.py").write_text(SETTINGS.replace(', "mill"', ""))
            environment = os.environ | {"DJANGO_SETTINGS_MODULE": "settings"}
            subprocess.run(
                [sys.executable, "-m", "django", "migrate", "-v", "0"],
                cwd=path,
                env=untraced(environment | {"PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}),
                check=True,
                timeout=120,
            )
            _database.append((path / "db.sqlite3").read_bytes())
    return _database[0]
