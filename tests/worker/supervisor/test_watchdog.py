"""Children that stand still, outstay their grace or grow too large are ended; others are not."""

import pytest

from djtasks.worker.attempts.board import Board
from djtasks.worker.config import ChildConfig, WorkerConfig
from djtasks.worker.supervisor import watchdog as module
from djtasks.worker.supervisor.children import ChildHandle
from djtasks.worker.supervisor.watchdog import Watchdog
from tests.worker.making import WORKER


class Process:
    pid = None

    def __init__(self):
        self.killed = False
        self.kills = 0
        self.exitcode = None

    def is_alive(self):
        return not self.killed

    def kill(self):
        self.killed = True
        self.kills += 1
        self.exitcode = -9


class Heartbeat:
    def __init__(self, clock):
        self.clock = clock
        self.silent_since = None

    @property
    def heartbeat_at(self):
        return self.silent_since if self.silent_since is not None else self.clock.now


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


CONFIG = WorkerConfig(backend="default", max_memory=1000)


@pytest.fixture
def heartbeat(clock):
    return Heartbeat(clock)


@pytest.fixture
def watchdog(engine, heartbeat):
    return Watchdog(engine, CONFIG, heartbeat)


def child(**changes):
    fields = {
        "config": ChildConfig(worker=CONFIG, supervisor=WORKER),
        "process": Process(),
        "connection": None,
        "counters": [0, 0, 0],
        "board": Board(bytearray(Board.size(CONFIG.slots))),
        "stacks": None,
        "is_registered": True,
    }
    return ChildHandle(**fields | changes)


def pass_time(watchdog, clock, one, seconds, moving=()):
    for _ in range(seconds):
        clock.now += 1
        for index in moving:
            one.counters[index] += 1
        watchdog.check([one])


def test_a_child_whose_loops_all_move_lives(watchdog, clock):
    one = child()

    pass_time(watchdog, clock, one, 300, moving=(0, 1, 2))

    assert not one.process.killed


@pytest.mark.parametrize("stuck", [0, 1, 2])
def test_one_loop_that_stands_still_for_a_minute_ends_its_child(watchdog, clock, stuck):
    one = child()
    moving = {0, 1, 2} - {stuck}

    pass_time(watchdog, clock, one, 59, moving)
    assert not one.process.killed
    pass_time(watchdog, clock, one, 3, moving)

    assert one.process.killed


def test_a_draining_child_need_not_fetch(watchdog, clock):
    one = child(draining=True)

    pass_time(watchdog, clock, one, 300, moving=(1, 2))

    assert not one.process.killed


def test_a_child_that_waits_for_the_database_is_not_deaf(watchdog, clock, heartbeat):
    one = child()
    heartbeat.silent_since = clock.now

    pass_time(watchdog, clock, one, 59)
    heartbeat.silent_since = None
    pass_time(watchdog, clock, one, 30)

    assert not one.process.killed


def test_a_supervisor_that_stood_still_itself_forgives(watchdog, clock):
    one = child()
    pass_time(watchdog, clock, one, 50)

    clock.now += 600
    watchdog.check([one])
    pass_time(watchdog, clock, one, 50)

    assert not one.process.killed


def test_grace_ends(watchdog, clock):
    one = child(draining=True, kill_at=clock.now + 25)

    pass_time(watchdog, clock, one, 24, moving=(1, 2))
    assert not one.process.killed
    pass_time(watchdog, clock, one, 1, moving=(1, 2))

    assert one.process.killed


def test_a_child_that_a_deploy_ends_has_not_crashed_and_is_killed_once(watchdog, clock):
    one = child(draining=True, kill_at=clock.now + 1)
    one.process.is_alive = lambda: True

    pass_time(watchdog, clock, one, 5)

    assert one.process.kills == 1
    assert not one.has_crashed


@pytest.mark.parametrize("draining", [False, True])
def test_what_a_stuck_child_ran_answers_for_its_end(watchdog, clock, draining):
    one = child(draining=draining)

    pass_time(watchdog, clock, one, 62)

    assert one.has_crashed


def test_what_an_outgrown_child_still_runs_at_the_end_of_its_grace_answers(watchdog, clock):
    one = child(draining=True, outgrown=True, kill_at=clock.now + 1)

    pass_time(watchdog, clock, one, 2)

    assert one.has_crashed


@pytest.mark.parametrize(
    ("draining", "code", "crashed"),
    [(True, 0, False), (True, -11, True), (True, 1, True), (False, 0, True), (False, -9, True)],
)
def test_a_drain_excuses_no_death(draining, code, crashed):
    one = child(draining=draining)
    one.process.exitcode = code

    assert one.has_crashed is crashed


def test_a_child_that_has_outgrown_its_limit_is_to_be_replaced(watchdog, clock, monkeypatch):
    one = child()
    monkeypatch.setattr(ChildHandle, "rss", lambda self: 1001)

    pass_time(watchdog, clock, one, 1, moving=(0, 1, 2))

    assert one.outgrown
    assert not one.process.killed


def test_no_heartbeat_for_a_minute_of_a_reachable_database_is_the_end(
    watchdog, clock, heartbeat, monkeypatch
):
    codes = []
    monkeypatch.setattr(module, "leave", lambda code, **_why: codes.append(code))
    heartbeat.silent_since = clock.now

    pass_time(watchdog, clock, child(), 59)
    assert codes == []
    pass_time(watchdog, clock, child(), 1)

    assert codes == [70]
