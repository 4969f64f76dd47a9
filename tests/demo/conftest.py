"""Fixtures of the demo's tests."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections

from demo_project.library.models import Reading
from djtasks.engine import Engine
from tests.acceptance.processes import untraced
from tests.demo.launched import ROOT, Demo, kill
from tests.living import alive_with
from tests.waiting import eventually


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with two healthy files, one below the other, and a broken one."""
    (tmp_path / "poems").mkdir()
    (tmp_path / "main.py").write_text('"""Start here."""\n\n\ndef main():\n    return 1\n')
    (tmp_path / "poems" / "ode.py").write_text("# to joy\nLINES = 1\n")
    (tmp_path / "poems" / "broken.py").write_text("def ode(:\n")
    return tmp_path


@pytest.fixture
def burst(live_engine: Engine) -> Callable[[], None]:
    """A real worker that ends as soon as nothing is due."""

    def burst() -> None:
        environment = untraced(dict(os.environ)) | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DJTASKS_TEST_NAME_DEFAULT": connections["default"].settings_dict["NAME"],
            # Not needed, and checked at the start by Django 6.1 although it is not there.
            "DJTASKS_TEST_MARIADB": "",
        }
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", "runworker", "--burst", "--processes", "0"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return burst


@pytest.fixture
def work(burst: Callable[[], None]) -> Callable[[Reading], Reading]:
    """The same, as often as it takes until a reading has its report."""

    def is_finished(reading: Reading) -> bool:
        burst()
        reading.refresh_from_db()
        return reading.report is not None

    def work(reading: Reading) -> Reading:
        eventually(lambda: is_finished(reading), seconds=60)
        return reading

    return work


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path, as sockets need it; what runs in it ends with the test."""
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    yield folder
    kill(alive_with(str(folder), folder))
    shutil.rmtree(folder)


@pytest.fixture
def start(place: Path) -> Iterator[Callable[..., Demo]]:
    """Start demos that end with the test."""
    started = []

    def start(*arguments: str | Path, **environment: str) -> Demo:
        started.append(Demo(place, *arguments, **environment))
        return started[-1]

    yield start
    for demo in started:
        demo.process.kill()
        demo.process.wait()
        kill(demo.left())
