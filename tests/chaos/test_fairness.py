"""Low priorities, crowds of idle workers, and neighbours on one Redis."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from django.db import connections

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.states import FINAL, State
from djtasks.store import workers
from djtasks.store.sessions import use_engine_connection
from djtasks.store.workers import ChildStatus, NewWorker
from djtasks.worker.attempts.running import Work
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.child.sources import BrokerSource, DatabaseSource, Queues
from tests.chaos import invariants, tasks
from tests.chaos.homes import PostgresHome
from tests.chaos.profiles import PROFILE
from tests.chaos.site import ALIAS, Site
from tests.waiting import eventually

CROWD = 200
PATIENCE = 3.0


def test_low_priorities_get_their_turn_although_there_is_always_something_better(
    site: Site,
) -> None:
    site.options["max_wait"] = PATIENCE
    high = tasks.work.using(priority=50)
    high.enqueue_many([(10.0,)] * 2_000)
    low = {tasks.work.using(priority=-50).enqueue(10.0).id for _ in range(20)}
    site.worker("--processes", "1", "--threads", "2")
    enqueued = 2_020

    def low_ones_are_done() -> bool:
        nonlocal enqueued
        better = TaskRecord.objects.filter(priority=50).exclude(state__in=FINAL).count()
        assert better > 500, "the high ones ran out: nobody was kept from anything"
        if better < 2_000:
            enqueued += high.enqueue_many([(10.0,)] * 500)
        return not TaskRecord.objects.filter(pk__in=low).exclude(state__in=FINAL).exists()

    bound = PATIENCE + PROFILE.lost_hint + PROFILE.slack
    eventually(low_ones_are_done, seconds=2 * bound)
    waits = [row.last_attempted_at - row.run_after for row in TaskRecord.objects.filter(pk__in=low)]
    assert max(waits) < timedelta(seconds=bound)
    assert max(waits) > timedelta(seconds=PATIENCE / 2), "they never had to wait"


def test_what_was_claimed_ahead_goes_to_others_when_tasks_turn_out_long(site: Site) -> None:
    busy = site.worker("--processes", "1", "--threads", "2")
    tasks.work.enqueue_many([(0,)] * 600)
    site.wait_until_done()
    go = site.folder / "go"
    tasks.wait_for.enqueue_many([(str(go),)] * 60)
    claimed = TaskRecord.objects.filter(state=State.RUNNING)
    eventually(lambda: claimed.count() == 60)

    other = site.worker("--processes", "1", "--threads", "4")
    eventually(lambda: site.running_on(other) == 4, seconds=10 + PROFILE.slack)
    assert site.running_on(busy) == 2
    go.touch()
    site.wait_until_done()

    report = invariants.check(site, count=660)
    assert (report.interrupted, report.unsettled) == (0, 0)


class Crowd:
    """200 workers that have nothing to do: fetchers and heartbeats like those of 200 processes,
    with connections of their own, as threads of this one."""

    def __init__(self) -> None:
        self.engine = engine_of("default")
        self.fetched: list[Work] = []
        self.failures: list[Exception] = []
        self._over = threading.Event()
        self._ready = threading.Barrier(CROWD + 1)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CROWD)]

    @contextmanager
    def waiting(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        self._ready.wait(60)
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join(30)

    def _work(self) -> None:
        use_engine_connection(ALIAS)
        worker, parts = new_id(), (self.engine, Queues(self.engine, None), Holdings())
        fallback = DatabaseSource(*parts, worker=worker)
        source = BrokerSource(*parts, worker=worker, fallback=fallback)
        try:
            workers.register(ALIAS, _row(worker))
            source.fetch(8)
            self._ready.wait(60)
            while not self._over.is_set():
                # Every fetch waits a second, so this is the real pace of a heartbeat, or slower.
                for _ in range(5):
                    self.fetched += source.fetch(8)
                workers.heartbeat(ALIAS, {worker: ChildStatus(rss=None, draining=False, tasks=())})
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.failures.append(error)
        finally:
            connections.close_all()


def _row(worker: object) -> NewWorker:
    return NewWorker(
        id=worker,  # type: ignore[arg-type]
        supervisor=worker,  # type: ignore[arg-type]
        backend="default",
        host="crowd",
        pid=0,
        version="0",
        queues=["default"],
        slots=8,
    )


def test_two_hundred_idle_workers_ask_little_and_share_what_comes(site: Site) -> None:
    crowd, seconds = Crowd(), 10
    with crowd.waiting():
        commands, transactions = asked_of(site)
        began = time.monotonic()
        for _ in range(seconds):
            tasks.work.enqueue()
            site.let_pass(1.0)
        eventually(lambda: len(crowd.fetched) == seconds)
        passed = time.monotonic() - began
        more_commands, more_transactions = asked_of(site)

    assert crowd.failures == []
    assert len({work.claim.id for work in crowd.fetched}) == seconds
    # One blocking pop a second, a look at the paused queues, a fifth of a heartbeat each.
    assert (more_commands - commands) / passed / CROWD < 3
    assert (more_transactions - transactions) / passed / CROWD < 4
    assert more_commands - commands > CROWD, "nobody waited"


def asked_of(site: Site) -> tuple[int, int]:
    """Return how many commands Redis and how many transactions the database has seen."""
    commands = int(site.redis().info("stats")["total_commands_processed"])
    assert isinstance(site.home, PostgresHome)
    with psycopg.connect(site.home.server.url) as session:
        row = session.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = %s", [site.database["NAME"]]
        ).fetchone()
    assert row is not None
    return commands, int(row[0])


def test_two_installations_on_one_redis_never_meet(site: Site) -> None:
    other = Site(site.home, site.seed)
    other.valkey.stop()
    other.valkey = site.valkey
    try:
        assert other.python("django", "migrate", "djtasks", "-v0").wait(60) == 0
        site.worker("--processes", "1")
        guest = other.worker("--processes", "1", wait=False)
        assert other.python("tests.chaos.producer", "plain", "200").wait(60) == 0
        tasks.work.enqueue_many([(1.0,)] * 200)

        site.wait_until_done()
        eventually(lambda: len(other.story().of("end")) == 200, seconds=60)
        ours = {str(pk) for pk in TaskRecord.objects.values_list("pk", flat=True)}
        assert site.story().ids("start") == ours
        assert not other.story().ids("start") & ours
        assert not guest.has_ended
        invariants.check(site, count=200)
        invariants.no_bug_was_logged(other, None)
    finally:
        other.close()
        other.home.drop(other.database)
