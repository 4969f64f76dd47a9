"""Time limits: struck in time, told when they are ignored, silent afterwards."""

import threading

import pytest
from msgspec.structs import force_setattr

from djtasks.errors import TaskTimeout
from djtasks.worker.attempts import time_limits as module
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.running import ThreadGate
from djtasks.worker.attempts.time_limits import Limits
from tests.worker.making import WORKER, work_of


class Gate:
    def __init__(self):
        self.thrown = []

    def throw(self, error):
        self.thrown.append(error)


@pytest.fixture
def hung():
    return []


@pytest.fixture
def limits(hung):
    return Limits(hung.append)


def attempt(**changes):
    running = Pipeline(store=None, worker=WORKER).begin(
        work_of("tests.tasks.add", 1, 2, timeout=5.0, **changes)
    )
    running.gate = Gate()
    return running


def test_an_attempt_beyond_its_limit_is_interrupted_once(limits, hung):
    running = attempt()

    limits.strike(running)

    assert running.gate.thrown == [TaskTimeout]
    assert running.timed_out
    assert hung == []


def test_an_attempt_that_ignores_it_is_told_after_the_grace(limits, hung):
    running = attempt()

    limits.strike(running)
    limits.strike(running)

    assert hung == [running]
    assert running.gate.thrown == [TaskTimeout]


def test_an_attempt_that_is_over_is_left_alone(limits, hung):
    running = attempt()
    running.is_over = True

    limits.strike(running)

    assert running.gate.thrown == []


def test_deadlines_are_watched_in_the_order_of_time(hung, monkeypatch):
    from datetime import timedelta

    monkeypatch.setattr(module, "HANG_GRACE", timedelta(hours=1))
    limits, struck = Limits(hung.append), threading.Event()
    late, soon = attempt(), attempt()
    force_setattr(late.claim, "timeout", 3600.0)
    force_setattr(soon.claim, "timeout", 0.05)
    soon.gate.throw = lambda error: struck.set()

    limits.start()
    limits.watch(late)
    limits.watch(soon)

    assert struck.wait(10)
    assert not late.timed_out


def test_an_exception_thrown_into_a_thread_arrives_and_none_after_it_has_left():
    gates, entered, arrived = [], threading.Event(), []

    def work():
        gate = ThreadGate()
        gates.append(gate)
        gate.enter()
        entered.set()
        try:
            while True:
                pass
        except TaskTimeout:
            arrived.append("in the task")
        try:
            gate.throw(TaskTimeout)
            gate.leave()
        except TaskTimeout:
            arrived.append("while leaving")
            gate.leave()
        gate.throw(TaskTimeout)
        arrived.append("after it")

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(10)
    gates[0].throw(TaskTimeout)
    thread.join(10)

    assert arrived == ["in the task", "while leaving", "after it"]
