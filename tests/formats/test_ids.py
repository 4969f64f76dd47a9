"""Record ids: the layout of UUID version 7, and an order that holds within a process."""

import os
import signal
import threading
import time
from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest

from djtasks.formats import ids
from djtasks.formats.ids import new_id, text_of


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()

    assert made.version == 7
    assert made.variant == RFC_4122


def test_an_id_begins_with_the_time_in_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()

    after = time.time_ns() // 1_000_000
    # Ids made in a rush run ahead of the clock, by a millisecond each 4,096 of them.
    assert before <= made.int >> 80 <= after + 1_000


def test_the_text_of_an_id_is_that_of_its_class() -> None:
    made = [new_id() for _ in range(100)]

    assert [text_of(one) for one in made] == [str(one) for one in made]


def test_ids_grow_strictly_also_within_one_millisecond() -> None:
    made = [new_id() for _ in range(20_000)]

    assert all(one < other for one, other in pairwise(made))


def test_ids_order_as_bytes_the_way_they_order_as_numbers() -> None:
    made = [new_id() for _ in range(1_000)]

    assert sorted(made, key=lambda id_: id_.bytes) == made


def test_ids_grow_in_each_thread_and_never_meet() -> None:
    made: list[list[UUID]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def make(mine: list[UUID]) -> None:
        start.wait()
        mine.extend(new_id() for _ in range(2_000))

    threads = [threading.Thread(target=make, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(one < other for mine in made for one, other in pairwise(mine))
    assert len({id_ for mine in made for id_ in mine}) == 16_000


def test_ids_grow_while_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    newest = new_id()
    long_ago = time.time_ns() - 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: long_ago)

    assert newest < new_id() < new_id()


# Python 3.12 warns of threads such as those of pytest-xdist.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_makes_ids_of_its_own() -> None:
    reading, writing = os.pipe()

    child = _fork_while_somebody_makes_an_id()
    if child == 0:  # pragma: no cover - in the child
        os.write(writing, b"".join(new_id().bytes for _ in range(100)))
        os._exit(0)
    mine = [new_id() for _ in range(100)]
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()

    assert os.waitpid(child, 0)[1] == 0
    theirs = [UUID(bytes=told[start : start + 16]) for start in range(0, len(told), 16)]
    assert len(theirs) == 100
    assert all(one < other for one, other in pairwise(theirs))
    assert not {*mine} & {*theirs}


def _fork_while_somebody_makes_an_id() -> int:
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with ids._lock:
            is_held.set()
            may_go.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait(30)
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        signal.alarm(20)
        return child
    may_go.set()
    holder.join()
    return child
