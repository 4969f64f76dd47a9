"""The launcher as people end it: none of its processes is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.demo.launched import READY, ROOT, Demo, environment
from tests.living import alive_with
from tests.waiting import eventually

pytestmark = pytest.mark.slow

Start = Callable[..., Demo]


def test_ctrl_c_stops_web_server_worker_and_valkey_in_this_order(
    start: Start, shelf: Path, place: Path
) -> None:
    demo = start(shelf)
    demo.wait_for(READY)
    waiting = [demo.process_of(part) for part in ("runserver", "runworker", "valkey-server")]
    order = []

    def everything_has_ended() -> bool:
        for process in [process for process in waiting if not process.is_running()]:
            waiting.remove(process)
            order.append(process)
        return not waiting

    expected = list(waiting)
    demo.press_ctrl_c()
    eventually(everything_has_ended)

    assert order == expected
    assert demo.end() == 0
    assert demo.left() == []
    assert list(demo.folder.iterdir()) == []
    assert "Traceback" not in demo.said()


@pytest.mark.thorough
def test_ctrl_c_in_the_middle_of_the_work_leaves_nothing(start: Start) -> None:
    demo = start()
    demo.wait_for("Watch it")

    demo.press_ctrl_c()

    assert demo.end() == 0
    assert demo.left() == []


@pytest.mark.parametrize(
    "number", [signal.SIGHUP, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]
)
def test_a_terminal_that_closes_stops_it_as_well(
    start: Start, shelf: Path, number: signal.Signals
) -> None:
    demo = start(shelf)
    demo.wait_for("Watch it")

    demo.process.send_signal(number)

    assert demo.end() == 0
    assert demo.left() == []


def test_every_process_is_in_a_session_of_its_own(start: Start, shelf: Path) -> None:
    demo = start(shelf)
    demo.wait_for(READY)

    parts = ("demo_project.run", "runserver", "valkey-server", "runworker")
    sessions = [os.getsid(demo.process_of(part).pid) for part in parts]

    assert len(set(sessions)) == 4


@pytest.mark.parametrize(
    "moment",
    [
        READY,
        pytest.param("starting everything", marks=pytest.mark.thorough),
        pytest.param("Watch it", marks=pytest.mark.thorough),
    ],
)
def test_kill_9_at_any_moment_leaves_nothing(start: Start, shelf: Path, moment: str) -> None:
    demo = start(shelf)
    demo.wait_for(moment)

    demo.process.kill()

    eventually(lambda: not demo.left())


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("runworker", "worker"),
        pytest.param("runserver", "web server", marks=pytest.mark.thorough),
    ],
)
def test_a_process_that_dies_ends_the_demo_with_its_last_words(
    start: Start, shelf: Path, part: str, name: str
) -> None:
    demo = start(shelf)
    demo.wait_for(READY)

    demo.process_of(part).kill()

    assert demo.end() == 1
    assert f"The {name} has ended by itself" in demo.said()
    eventually(lambda: not demo.left())


def test_it_ends_with_the_process_that_started_it_when_tied(
    start: Start, shelf: Path, place: Path
) -> None:
    mark = uuid4().hex
    command = f"{sys.executable} -m demo_project.run --tied {shelf} > {place}/out & wait"
    shell = subprocess.Popen(["/bin/sh", "-c", command], cwd=ROOT, env=environment(place, mark))
    eventually(lambda: READY in read(place / "out"), seconds=90)

    shell.kill()
    shell.wait()

    eventually(lambda: not alive_with(mark, place))
    assert "Everything has stopped." in read(place / "out")


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.thorough
def test_nobody_who_reads_what_it_prints_is_no_reason_to_go_on(place: Path, shelf: Path) -> None:
    mark = uuid4().hex

    done = subprocess.run(
        f"{sys.executable} -m demo_project.run {shelf} | head -1",
        shell=True,
        cwd=ROOT,
        env=environment(place, mark),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.stdout == "djtasks demo: starting everything it needs...\n"
    assert "Traceback" not in done.stderr
    assert alive_with(mark, place) == []
