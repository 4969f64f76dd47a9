"""Fixtures of the demo's tests."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo_project.library.models import Reading
from djtasks.engine import Engine
from djtasks.testing import run_due
from tests.demo.launched import Demo, kill
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
def work(live_engine: Engine) -> Callable[[Reading], Reading]:
    """Run what is due, as often as it takes until a reading has its report."""

    def is_finished(reading: Reading) -> bool:
        run_due()
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
