"""A line: one connection, one thread, and callers that wait only as long as they want to."""

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from djtasks.brokers import line as module
from djtasks.brokers.deadline import Deadline
from djtasks.brokers.line import ConnectionThread
from tests.waiting import eventually

PATIENCE = 30.0


class End:
    """What a line leads to; it counts itself."""

    made: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.is_closed = False
        self.made.append(self)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def line() -> Iterator[ConnectionThread[End]]:
    End.made.clear()
    return ConnectionThread(End, Deadline())


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What a question hangs on, until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_it_connects_once_and_answers_from_one_thread(line: ConnectionThread[End]) -> None:
    threads = {line.ask(lambda _end: threading.get_ident(), seconds=PATIENCE) for _ in range(3)}

    assert len(threads) == len(End.made) == 1
    assert threads != {threading.get_ident()}


def test_a_question_that_fails_ends_the_connection(line: ConnectionThread[End]) -> None:
    with pytest.raises(ZeroDivisionError):
        line.ask(lambda _end: 1 / 0, seconds=PATIENCE)

    assert line.ask(lambda _end: "again", seconds=PATIENCE) == "again"
    assert [end.is_closed for end in End.made] == [True, False]


def test_who_waits_long_enough_leaves_and_others_fail_at_once(
    line: ConnectionThread[End], release: threading.Event
) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        line.ask(lambda _end: release.wait(), seconds=0.1)
    with pytest.raises(TimeoutError, match="has not been answered"):
        line.ask(lambda _end: "never asked", seconds=PATIENCE)

    assert time.monotonic() - started < PATIENCE


def test_it_goes_on_when_the_question_that_hung_is_over(
    line: ConnectionThread[End], release: threading.Event
) -> None:
    with pytest.raises(TimeoutError):
        line.ask(lambda _end: release.wait(), seconds=0.1)

    release.set()

    def answered() -> bool:
        try:
            return line.ask(lambda _end: True, seconds=PATIENCE)
        except TimeoutError:
            return False

    assert eventually(answered)
    assert eventually(lambda: End.made[0].is_closed)


def test_one_that_hangs_for_ever_is_given_up(
    line: ConnectionThread[End], release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STUCK_SECONDS", 0.0)
    with pytest.raises(TimeoutError):
        line.ask(lambda _end: release.wait(), seconds=0.1)

    assert line.ask(lambda _end: "a new line", seconds=PATIENCE) == "a new line"


def test_who_is_behind_another_gives_up_without_harm(
    line: ConnectionThread[End], release: threading.Event
) -> None:
    asked, began = list[str](), threading.Event()

    def first(_end: End) -> None:
        began.set()
        release.wait()
        asked.append("first")

    waiting = threading.Thread(target=lambda: line.ask(first, seconds=PATIENCE))
    waiting.start()
    assert began.wait(PATIENCE)
    with pytest.raises(TimeoutError):
        line.ask(lambda _end: asked.append("second"), seconds=0.05)
    release.set()
    waiting.join(PATIENCE)
    line.ask(lambda _end: asked.append("third"), seconds=PATIENCE)

    assert asked == ["first", "third"]
    assert len(End.made) == 1


def test_a_line_that_is_forgotten_closes_its_connection(line: ConnectionThread[End]) -> None:
    made: ConnectionThread[End] = ConnectionThread(End, Deadline())
    made.ask(lambda _end: None, seconds=PATIENCE)

    del made
    gc.collect()

    assert eventually(lambda: End.made[0].is_closed)


FORKING = """
import os
from djtasks.brokers.deadline import Deadline
from djtasks.brokers.line import ConnectionThread

class End:
    def close(self):
        if os.getpid() != parent: print("the child closed it")

parent = os.getpid()
line = ConnectionThread(End, Deadline())
first = line.ask(id, seconds=30)
child = os.fork()
if not child:
    line.ask(id, seconds=30)
    os._exit(7 if len(os.listdir("/proc/self/task")) == 2 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert line.ask(id, seconds=30) == first
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_child_process_has_a_connection_of_its_own_and_leaves_its_parents_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
