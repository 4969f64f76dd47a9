"""Health is progress: what stands still is unhealthy in time, what is idle never is."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from djtasks.worker.attempts.board import Board
from djtasks.worker.child.child import PROGRESS_COUNTERS
from djtasks.worker.config import ChildConfig, WorkerConfig
from djtasks.worker.loops import Loop, ProgressCounter
from djtasks.worker.probes.health import Monitor, Signs, Standstills, judge
from djtasks.worker.supervisor import witnesses
from djtasks.worker.supervisor.children import ChildHandle
from djtasks.worker.supervisor.witnesses import LoopWitness, SupervisorWitness
from tests.worker.making import WORKER

WELL = Signs(standstill={"The fetch loop": 3.0}, silent=1.0, lease=30.0, workers=2)
CONFIG = WorkerConfig(backend="default")


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(witnesses, "time", made)
    return made


@pytest.mark.parametrize(
    ("changes", "live", "ready", "reason"),
    [
        ({}, True, True, ""),
        ({"standstill": {}}, True, True, ""),
        ({"standstill": {"The fetch loop": 65.0}}, True, True, ""),
        ({"standstill": {"It": 66.0}}, False, False, "It has not moved for 66 s."),
        ({"silent": 30.0}, True, True, ""),
        ({"silent": 31.0}, True, False, "The database has not answered for 31 s."),
        ({"silent": 90_000.0}, True, False, "The database has not answered for 90000 s."),
        ({"workers": None}, True, True, ""),
        ({"workers": 0}, True, False, "No child process runs tasks."),
        ({"is_stopping": True}, True, False, "It is stopping."),
    ],
)
def test_what_a_process_shows_says_how_it_is(changes, live, ready, reason):
    health = judge(replace(WELL, **changes))

    assert (health.is_live, health.is_ready) == (live, ready)
    assert list(health.reasons) == ([reason] if reason else [])


def test_a_counter_is_judged_from_when_it_was_first_seen_standing():
    standstills = Standstills()

    seen = [standstills.check({"a": value}, 10.0 * at) for at, value in enumerate([5, 5, 5, 6, 6])]

    assert [one["a"] for one in seen] == [0, 10, 20, 0, 10]


def test_a_looker_that_was_stopped_itself_accuses_nobody():
    standstills = Standstills()
    standstills.check({"a": 1}, 0.0)

    assert standstills.check({"a": 1}, 300.0) == {"a": 0.0}


def test_what_was_seen_long_ago_is_no_proof_of_life():
    clock = Clock()
    monitor = Monitor(SimpleNamespace(signs=lambda now: WELL), clock.monotonic)
    assert monitor.latest.is_live
    assert not monitor.latest.is_ready

    monitor.check()
    assert monitor.latest.is_ready

    clock.now += 11
    assert not monitor.latest.is_live
    assert monitor.latest.reasons == ("The last check was 11 s ago.",)


class Ticks:
    """A tick that finds nothing, as often as it is let."""

    def __init__(self):
        self.begun, self.may_end = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self):
        self.begun.release()
        assert self.may_end.acquire(timeout=60)
        return 0.0

    def let_one_end(self):
        """Return when the next has begun, so that the loop has moved its counter."""
        self.may_end.release()
        assert self.begun.acquire(timeout=60)


class Worker:
    """A supervisor with one real fetch loop, watched every two seconds of an injected clock."""

    def __init__(self, engine, clock, tick):
        self.counters = [0] * len(PROGRESS_COUNTERS)
        self.child = ChildHandle(
            config=ChildConfig(worker=CONFIG, supervisor=WORKER),
            process=None,
            connection=None,
            counters=self.counters,
            board=Board(bytearray(Board.size(CONFIG.slots))),
            stacks=None,
            is_registered=True,
            pid=4711,
        )
        self.heartbeat = SimpleNamespace(heartbeat_at=clock.now)
        self.clock = clock
        self.witness = SupervisorWitness(engine, self.heartbeat, lambda: [self.child])
        self.monitor = Monitor(self.witness, clock.monotonic)
        self.loop = Loop(
            "fetch", tick, counter=ProgressCounter(self.counters, PROGRESS_COUNTERS.index("fetch"))
        )

    def pass_seconds(self, seconds, *, fetching=None):
        """Let time pass. Everything but the fetch loop moves; that, if `fetching` lets it."""
        for _ in range(0, seconds, 2):
            self.clock.now += 2
            if fetching:
                fetching.let_one_end()
            for index in (1, 2):
                self.counters[index] += 1
            self.heartbeat.heartbeat_at = self.clock.now
            self.witness.turned()
            health = self.monitor.check()
        return health


@pytest.mark.django_db
def test_an_idle_worker_stays_healthy_for_an_hour(engine, clock):
    ticks = Ticks()
    worker = Worker(engine, clock, ticks)
    worker.loop.start()
    assert ticks.begun.acquire(timeout=60)

    health = worker.pass_seconds(3600, fetching=ticks)

    worker.loop.stop()
    ticks.may_end.release()
    assert health.is_live
    assert health.is_ready


@pytest.mark.django_db
def test_a_worker_whose_fetch_loop_is_stuck_turns_unhealthy_within_70_seconds(engine, clock):
    ticks = Ticks()
    worker = Worker(engine, clock, ticks)
    worker.loop.start()
    assert ticks.begun.acquire(timeout=60)

    assert worker.pass_seconds(60).is_live
    health = worker.pass_seconds(10)

    assert not health.is_live
    assert health.reasons == ("The fetch loop of child 4711 has not moved for 68 s.",)
    ticks.let_one_end()
    assert worker.pass_seconds(2).is_live
    worker.loop.stop()
    ticks.may_end.release()


@pytest.mark.django_db
def test_a_supervisor_whose_main_thread_is_stuck_turns_unhealthy(engine, clock):
    worker = Worker(engine, clock, tick=lambda: 60.0)

    clock.now += 66

    assert worker.monitor.check().reasons[0].startswith("The main thread of the supervisor has not")


@pytest.mark.django_db
def test_nobody_is_deaf_while_the_database_is_away(engine, clock):
    worker = Worker(engine, clock, tick=lambda: 60.0)
    for _ in range(100):
        clock.now += 2
        worker.witness.turned()
        health = worker.monitor.check()

    assert health.is_live
    assert not health.is_ready
    assert health.reasons == ("The database has not answered for 200 s.",)


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"draining": True}, {"alone": True}])
def test_a_child_that_does_not_fetch_need_not(engine, clock, change):
    worker = Worker(engine, clock, tick=lambda: 60.0)
    worker.child.draining = change.get("draining", False)
    worker.child.config = replace(worker.child.config, alone=change.get("alone", False))

    assert worker.pass_seconds(120).is_live


@pytest.mark.django_db
def test_a_scheduler_that_waits_for_its_next_tick_is_healthy(engine, clock):
    loop = SimpleNamespace(name="beat", moved_at=clock.now, succeeded_at=clock.now)
    loop.is_waiting = True
    witness = LoopWitness(engine, loop)
    clock.now += 70
    witness.turned()

    waiting = judge(witness.signs(clock.now))
    loop.is_waiting = False
    ticking = judge(witness.signs(clock.now))

    assert waiting.is_live
    assert not ticking.is_live
    assert ticking.reasons[0] == "The beat loop has not moved for 70 s."
