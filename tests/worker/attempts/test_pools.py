"""Slots: how much they take, and that they survive what they run."""

import asyncio
import dataclasses
import json
import sys
import threading

import pytest

from djtasks.formats.ids import new_id
from djtasks.worker.attempts import lookahead
from djtasks.worker.attempts.board import Board
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.pools import AsyncPool, ThreadPool
from djtasks.worker.attempts.running import Work
from djtasks.worker.attempts.time_limits import Limits
from tests import tasks
from tests.waiting import eventually
from tests.worker.making import WORKER, claim_of, work_of


@pytest.fixture
def done():
    return []


@pytest.fixture
def board():
    return Board(bytearray(Board.size(14)))


@pytest.fixture
def pipeline():
    return Pipeline(store=None, worker=WORKER)


@pytest.fixture
def threads(pipeline, done, board):
    return ThreadPool(range(4), pipeline, Limits(print), done.append, board=board)


def test_while_tasks_are_long_only_free_slots_take_more(threads, tmp_path):
    threads.start()
    assert threads.room == 4

    for number in range(3):
        threads.submit(work_of("tests.tasks.waits_for_file", str(tmp_path / "door")))
        eventually(lambda number=number: len(list(threads.running)) == number + 1)

    assert threads.room == 1
    (tmp_path / "door").touch()
    eventually(lambda: threads.room >= 4)


def test_short_tasks_are_claimed_ahead_by_a_tenth_of_a_second(threads):
    threads.lookahead.typical_seconds = 0.01
    assert threads.room == 4 + 40
    threads.lookahead.typical_seconds = 0.00001
    assert threads.room == 4 + 300


def test_room_is_not_given_in_small_change(threads):
    threads.lookahead.typical_seconds = 0.01
    for _ in range(25):
        threads.submit(work_of("tests.tasks.add", 1, 2))

    assert threads.room == 0


def test_what_has_not_started_can_be_taken_back(threads):
    batch = [work_of("tests.tasks.add", n, n) for n in range(3)]
    for work in batch:
        threads.submit(work)

    assert threads.take_back() == [work.claim for work in batch]
    assert threads.take_back() == []


def test_what_waited_too_long_goes_back_and_nothing_more_is_claimed_ahead(
    threads, tmp_path, monkeypatch
):
    threads.lookahead.typical_seconds = 0.00001
    batch = [work_of("tests.tasks.waits_for_file", str(tmp_path / "door")) for _ in range(7)]
    threads.start()
    for work in batch:
        threads.submit(work)
    eventually(lambda: len(list(threads.running)) == 4)
    assert threads.take_back_stuck() == []

    monkeypatch.setattr(lookahead, "LONGEST_WAIT_SECONDS", 0.0)

    assert threads.take_back_stuck() == [work.claim for work in batch[4:]]
    assert threads.room == 0
    (tmp_path / "door").touch()
    eventually(lambda: not list(threads.running))
    threads.submit(work_of("tests.tasks.add", 1, 2))
    eventually(lambda: threads.room >= 4)


def test_a_pool_that_only_waits_for_work_is_not_stuck(threads, monkeypatch):
    monkeypatch.setattr(lookahead, "LONGEST_WAIT_SECONDS", 0.001)
    threads.lookahead.typical_seconds = 0.01

    assert threads.take_back_stuck() == []
    assert threads.room == 4 + 40


def test_the_board_shows_what_threads_are_at_and_not_what_waits_or_is_done(
    threads, board, done, tmp_path
):
    ids = {new_id() for _ in range(4)}
    for id_ in ids:
        threads.submit(work_of("tests.tasks.waits_for_file", str(tmp_path / "door"), id=id_))
    threads.submit(work_of("tests.tasks.add", 1, 2))
    assert board.running() == set()

    threads.start()
    eventually(lambda: board.running() == ids)
    (tmp_path / "door").touch()

    eventually(lambda: len(done) == 5)
    eventually(lambda: board.running() == set())


def test_a_slot_survives_system_exit(threads, done):
    threads.start()

    for _ in range(8):
        threads.submit(work_of("tests.tasks.exits"))
    threads.submit(work_of("tests.tasks.add", 1, 2))

    eventually(lambda: len(done) == 9)
    assert sum(finished.settlement.value == "3" for finished in done) == 1


@pytest.fixture
def coroutines(pipeline, done, board):
    pool = AsyncPool(range(4, 14), pipeline, Limits(print), done.append, board=board)
    pool.start()
    yield pool
    pool.stop()
    pool.join(30)


def test_coroutines_run_side_by_side_and_free_their_slots(coroutines, board, done, tmp_path):
    ids = {new_id() for _ in range(10)}
    for id_ in ids:
        door = str(tmp_path / "door")
        coroutines.submit(work_of("tests.tasks.waits_for_file_async", door, id=id_))

    assert coroutines.room == 0
    eventually(lambda: board.running() == ids)
    (tmp_path / "door").touch()
    eventually(lambda: len(done) == 10)
    eventually(lambda: coroutines.room == coroutines.lookahead.room(0))
    assert coroutines.room >= 10
    assert board.running() == set()


def test_coroutines_beyond_the_slots_wait_for_one_and_can_be_taken_back(
    coroutines, board, done, tmp_path
):
    coroutines.lookahead.typical_seconds = 0.05
    assert coroutines.room == 10 + 20
    door = str(tmp_path / "door")
    batch = [work_of("tests.tasks.waits_for_file_async", door) for _ in range(15)]
    for work in batch:
        coroutines.submit(work)
    eventually(lambda: board.running() == {work.claim.id for work in batch[:10]})

    assert coroutines.take_back() == [work.claim for work in batch[10:]]
    for work in batch[10:12]:
        coroutines.submit(work)
    (tmp_path / "door").touch()

    eventually(lambda: len(done) == 12)
    assert {finished.claim.id for finished in done} == {work.claim.id for work in batch[:12]}


def test_a_coroutine_that_raises_anything_is_a_result(coroutines, done):
    coroutines.submit(work_of("tests.tasks.add_async", "a", 1))

    eventually(lambda: done)

    assert "TypeError" in done[0].settlement.error
    assert threading.active_count() < 50


async def exits_below() -> None:
    async def inner() -> None:
        sys.exit(3)

    await asyncio.gather(inner())


async def interrupts_below() -> None:
    async def inner() -> None:
        raise KeyboardInterrupt

    await asyncio.gather(inner())


async def stops_the_loop() -> None:
    asyncio.get_running_loop().stop()


async def exits_in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(sys.exit, 4)
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (exits_below, "builtins.SystemExit"),
        (interrupts_below, "builtins.KeyboardInterrupt"),
        (stops_the_loop, None),
        (exits_in_a_callback, None),
    ],
)
def test_a_coroutine_that_ends_the_loop_ends_only_itself(
    coroutines, done, tmp_path, function, error
):
    hostile = dataclasses.replace(tasks.add_async, func=function)
    beside = work_of("tests.tasks.waits_for_file_async", str(tmp_path / "door"))
    coroutines.submit(beside)
    eventually(lambda: list(coroutines.running))

    coroutines.submit(Work(claim_of("tests.tasks.add_async"), hostile))
    eventually(lambda: done)
    coroutines.submit(work_of("tests.tasks.add_async", 1, 2))
    eventually(lambda: len(done) == 2)
    (tmp_path / "door").touch()
    eventually(lambda: len(done) == 3)

    entry = json.loads(done[0].settlement.error) if done[0].settlement.error else {}
    assert entry.get("class") == error
    assert done[1].settlement.value == "3"
    assert done[2].settlement.value == '"seen"'
