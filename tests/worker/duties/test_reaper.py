"""Who is dead, by observation; and what happens to the tasks of the dead, and of nobody else."""

import pytest
from django.db import OperationalError

from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from djtasks.store import workers
from djtasks.worker.config import SCANS_BEFORE_DEAD
from djtasks.worker.duties.reaper import Observations, Reaper
from tests import tasks
from tests.worker.making import claim_all

ADA, BOB = new_id(), new_id()


def scan(observations, counters, start, count=1, every=5.0):
    """Book `count` looks, `every` seconds apart; return the dead after the last."""
    dead = {}
    for number in range(count):
        dead = observations.add(counters, start + number * every)
    return dead


def test_a_worker_is_dead_after_six_looks_without_a_move():
    observations = Observations(longest_gap=10)

    assert scan(observations, {ADA: 7}, 0, SCANS_BEFORE_DEAD) == {}
    assert scan(observations, {ADA: 7}, SCANS_BEFORE_DEAD * 5) == {ADA: 7}


def test_a_move_starts_the_count_anew():
    observations = Observations(longest_gap=10)

    scan(observations, {ADA: 7}, 0, SCANS_BEFORE_DEAD)
    scan(observations, {ADA: 8}, 30)

    assert scan(observations, {ADA: 8}, 35, SCANS_BEFORE_DEAD - 1) == {}


def test_an_owner_without_a_row_is_one_that_does_not_move():
    observations = Observations(longest_gap=10)

    assert scan(observations, {ADA: None}, 0, SCANS_BEFORE_DEAD + 1) == {ADA: None}


def test_a_gap_between_looks_starts_every_count_anew():
    observations = Observations(longest_gap=10)
    scan(observations, {ADA: 7, BOB: 1}, 0, SCANS_BEFORE_DEAD)

    assert scan(observations, {ADA: 7, BOB: 1}, 25 + 10.1) == {}
    assert scan(observations, {ADA: 7, BOB: 1}, 40.1, SCANS_BEFORE_DEAD - 1) == {}


def test_a_failed_look_starts_every_count_anew():
    observations = Observations(longest_gap=10)
    scan(observations, {ADA: 7}, 0, SCANS_BEFORE_DEAD)

    observations.restart()

    assert scan(observations, {ADA: 7}, 30, SCANS_BEFORE_DEAD) == {}


def test_somebody_who_was_gone_for_a_while_starts_at_zero():
    observations = Observations(longest_gap=10)
    scan(observations, {ADA: 7}, 0, SCANS_BEFORE_DEAD)
    scan(observations, {BOB: 1}, 30)

    assert scan(observations, {ADA: 7, BOB: 1}, 35) == {}


def register(worker, **changes):
    fields = {
        "supervisor": new_id(),
        "backend": "default",
        "host": "host",
        "pid": 1,
        "version": "0",
        "queues": [],
        "slots": 1,
    }
    WorkerRecord.objects.create(id=worker, **fields | changes)


@pytest.fixture
def worker(engine):
    made = new_id()
    register(made)
    tasks.add.enqueue_many((n, n) for n in range(3))
    claim_all(made)
    return made


@pytest.fixture
def reaper(engine):
    return Reaper(engine, write=lambda: True)


def states():
    return sorted(TaskRecord.objects.values_list("state", flat=True))


def test_a_dead_workers_tasks_are_ready_again_and_in_the_index(engine, reaper, worker):
    for _ in range(SCANS_BEFORE_DEAD + 1):
        reaper.scan()

    assert states() == [State.READY] * 3
    assert set(TaskRecord.objects.values_list("crash_count", "worker", "attempt")) == {(1, None, 0)}
    assert not WorkerRecord.objects.filter(pk=worker).exists()
    assert engine.broker.depths(["default"]) == {"default": 3}


def test_a_beating_workers_tasks_are_left_alone(engine, reaper, worker):
    status = workers.ChildStatus(rss=None, draining=False, tasks=())
    for _ in range(3 * SCANS_BEFORE_DEAD):
        workers.heartbeat(engine.database, {worker: status})
        reaper.scan()

    assert states() == [State.RUNNING] * 3


def test_looks_that_cannot_write_prove_nothing(engine, worker):
    answers = iter([True] * SCANS_BEFORE_DEAD + [False] + [True] * SCANS_BEFORE_DEAD)
    reaper = Reaper(engine, write=lambda: next(answers))

    for _ in range(2 * SCANS_BEFORE_DEAD + 1):
        reaper.scan()

    assert states() == [State.RUNNING] * 3


def test_looks_that_fail_prove_nothing(engine, worker):
    answers = (
        [True] * SCANS_BEFORE_DEAD + [OperationalError("read-only")] + [True] * SCANS_BEFORE_DEAD
    )

    def write():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    reaper = Reaper(engine, write=write)
    for number in range(2 * SCANS_BEFORE_DEAD + 1):
        if number == SCANS_BEFORE_DEAD:
            with pytest.raises(OperationalError):
                reaper.scan()
        else:
            reaper.scan()

    assert states() == [State.RUNNING] * 3


def test_a_late_claim_of_a_worker_that_was_taken_is_an_orphan_and_taken_too(engine, reaper):
    tasks.add.enqueue(1, 2)
    claim_all(new_id())

    for _ in range(SCANS_BEFORE_DEAD + 1):
        reaper.scan()

    assert states() == [State.READY]
    assert TaskRecord.objects.get().crash_count == 0


def test_a_draining_worker_that_dies_costs_no_crash(engine, reaper, worker):
    WorkerRecord.objects.update(draining=True)

    for _ in range(SCANS_BEFORE_DEAD + 1):
        reaper.scan()

    assert set(TaskRecord.objects.values_list("state", "crash_count")) == {(State.READY, 0)}


def test_it_looks_once_a_heartbeat(engine, reaper, worker):
    assert reaper.tick() == 5.0
    assert 4.0 < reaper.tick() <= 5.0
