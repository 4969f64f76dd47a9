"""Time limits: struck in time, told when they are ignored, silent afterwards."""

import sys
import threading
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from msgspec.structs import force_setattr

from djtasks.errors import TaskTimeout
from djtasks.worker.attempts import time_limits as module
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.running import ThreadGate
from djtasks.worker.attempts.time_limits import Limits
from tests.waiting import eventually
from tests.worker.making import WORKER, work_of


class Gate:
    def __init__(self):
        self.thrown = []
        self.thrown_again = []

    def throw(self, error):
        self.thrown.append(error)

    def throw_again(self, error):
        self.thrown_again.append(error)


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


def test_an_attempt_that_goes_on_is_interrupted_again_until_the_grace_is_over(limits, hung):
    running = attempt()

    for _ in range(3):
        limits.strike(running)

    assert hung == []
    assert running.gate.thrown_again == [TaskTimeout] * 2


def test_an_attempt_that_ignores_it_is_told_after_the_grace(limits, hung, monkeypatch):
    monkeypatch.setattr(module, "HANG_GRACE", timedelta(0))
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


def test_limits_go_on_striking_whatever_one_of_them_raises(hung):
    limits, struck = Limits(hung.append), threading.Event()
    first, second = attempt(), attempt()
    force_setattr(first.claim, "timeout", 0.01)
    force_setattr(second.claim, "timeout", 0.05)
    first.gate.throw = lambda error: sys.exit(3)
    second.gate.throw = lambda error: struck.set()

    limits.start()
    limits.watch(first)
    limits.watch(second)

    assert struck.wait(10)
    limits.stop()
    limits.join(10)


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


def run_in_thread(function):
    """Run a function under a gate; return the thread, the gate and what it ended with."""
    gates, ended, is_ready = [], [], threading.Event()

    def work():
        gates.append(ThreadGate())
        gates[0].enter()
        is_ready.set()
        try:
            ended.append(function())
        except TaskTimeout:
            ended.append("timed out")
        gates[0].leave()

    thread = threading.Thread(target=work)
    thread.start()
    is_ready.wait(10)
    return thread, gates[0], ended


def test_code_that_has_swallowed_its_limit_is_interrupted_again():
    is_swallowed = threading.Event()

    def swallow():
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001 - that is the point
            pass
        is_swallowed.set()
        while True:
            pass

    thread, gate, ended = run_in_thread(swallow)
    eventually(lambda: gate.throw_again(TaskTimeout) or is_swallowed.is_set() or ended)
    eventually(lambda: gate.throw_again(TaskTimeout) or not thread.is_alive())

    assert ended == ["timed out"]


def test_code_that_cleans_up_after_its_limit_is_not_interrupted():
    cleans, release = threading.Event(), threading.Event()

    def clean_up():
        try:
            while True:
                pass
        finally:
            try:
                raise KeyError("of its own")
            except KeyError:
                cleans.set()
                while not release.is_set():
                    pass
            ended.append("cleaned up")

    thread, gate, ended = run_in_thread(clean_up)
    eventually(lambda: gate.throw_again(TaskTimeout) or cleans.is_set())

    gate.throw_again(TaskTimeout)
    release.set()
    thread.join(10)

    assert ended == ["cleaned up", "timed out"]


@pytest.mark.parametrize("path", ["tests.tasks.add", "tests.tasks.add_async"])
def test_a_task_that_returns_although_its_limit_has_struck_is_logged(path, caplog):
    pipeline = Pipeline(store=None, worker=WORKER)
    work = work_of(path, 1, 2, timeout=5.0)

    def strike(running):
        running.timed_out = True

    if work.is_async:
        finished = async_to_sync(pipeline.run_async)(work, strike)
    else:
        finished = pipeline.run(work, ThreadGate(), strike)

    assert finished.settlement.value == "3"
    assert f"Task returned although its time limit had struck path={path}" in caplog.text
