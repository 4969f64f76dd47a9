"""Redis away, empty, full of rubbish or not there at all: tasks run, and nobody waits."""

import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import caches

from djtasks.brokers import forget_brokers
from djtasks.engine import engine_of, forget_engines
from djtasks.models import TaskRecord
from djtasks.protocol.states import FINAL, State
from djtasks.testing.servers import start_valkey
from tests import tasks
from tests.acceptance.processes import worker
from tests.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def fragile(transactional_db, settings):
    """A Redis of this test alone, that it may stop and start; `url` is where it is."""
    folder = Path(tempfile.mkdtemp(prefix="djt-"))
    fragile = FragileRedis(folder)
    settings.CACHES = settings.CACHES | {
        "tasks": settings.CACHES["tasks"] | {"LOCATION": fragile.url}
    }
    forget_engines()
    forget_brokers()
    yield fragile
    fragile.stop()
    shutil.rmtree(folder)


class FragileRedis:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = start_valkey(folder)
        self.url = self.server.url

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        """Come back, empty."""
        self.server = start_valkey(self.folder)


def test_tasks_go_on_while_redis_is_away_and_after_it_is_back(fragile):
    with worker("--processes", "1", DJTASKS_TEST_REDIS=fragile.url) as running:
        assert tasks.add.enqueue(1, 1).wait(10).return_value == 2

        fragile.stop()
        started = time.monotonic()
        result = tasks.add.enqueue(2, 2)
        assert time.monotonic() - started < 1.5
        assert result.wait(10).return_value == 4
        assert "fetching from the database" in running.output()

        fragile.start()
        eventually(lambda: "Broker is back" in running.output())
        assert tasks.add.enqueue(3, 3).wait(10).return_value == 6


def test_what_was_enqueued_while_redis_was_away_is_indexed_when_it_returns(fragile):
    fragile.stop()
    results = [tasks.add.enqueue(n, n) for n in range(20)]
    fragile.start()

    with worker("--processes", "1", DJTASKS_TEST_REDIS=fragile.url):
        assert [result.wait(20).return_value for result in results] == [2 * n for n in range(20)]


def test_a_lost_hint_is_found_within_a_few_looks(live_engine):
    with worker("--processes", "1"):
        result = tasks.add.using(run_after=timedelta(milliseconds=1)).enqueue(1, 2)
        redis = caches["tasks"].client.get_client()
        redis.flushdb()

        assert result.wait(10).return_value == 3


def test_forged_and_foreign_values_in_redis_run_nothing_and_stop_nothing(live_engine):
    finished = tasks.add.enqueue(0, 0)
    TaskRecord.objects.filter(pk=finished.id).update(
        state=State.CANCELLED, finished_at=live_engine.store.now()
    )
    future = tasks.add.using(run_after=timedelta(days=1)).enqueue(9, 9)
    redis = caches["tasks"].client.get_client()
    key = f"djtasks:{{{live_engine.namespace}:default}}:default"
    for member in (b"rubbish", b"", b"x" * 16, bytes.fromhex(finished.id.replace("-", ""))):
        redis.zadd(key, {member: 0})
    redis.zadd(key, {bytes.fromhex(future.id.replace("-", "")): 0})

    with worker("--processes", "1") as running:
        assert tasks.add.enqueue(1, 2).wait(10).return_value == 3

        redis.delete(key)
        redis.set(key, "not a sorted set")
        assert tasks.add.enqueue(3, 4).wait(20).return_value == 7
        assert "Dropped garbage" in running.output()

    finished.refresh()
    future.refresh()
    assert finished.state is State.CANCELLED
    assert future.state is State.READY


def test_without_a_broker_a_notify_wakes_the_worker(transactional_db, settings):
    with worker("--processes", "1", DJTASKS_TEST_BROKER="database"):
        settings.TASKS = settings.TASKS | {
            "default": settings.TASKS["default"] | {"OPTIONS": {"broker": "database"}}
        }
        assert engine_of("default").broker is None
        tasks.add.enqueue(0, 0).wait(10)
        waits = []
        for number in range(20):
            result = tasks.add.enqueue(number, 1).wait(10)
            waits.append((result.started_at - result.enqueued_at).total_seconds())

    # Polling alone would take half a second on average.
    assert sorted(waits)[10] < 0.1


@pytest.mark.parametrize("broker", ["redis", "database"])
def test_strict_queues_are_served_in_their_order_and_others_not_at_all(live_engine, broker):
    reports = tasks.add.using(queue_name="reports").enqueue(1, 1)
    mail = tasks.add.using(queue_name="mail").enqueue(2, 2)
    other = tasks.add.enqueue(3, 3)

    flags = ("--processes", "1", "--threads", "1", "--queues", "mail,reports")
    with worker(*flags, DJTASKS_TEST_BROKER=broker):
        for result in (reports, mail):
            result.wait(20)

    other.refresh()
    assert mail.started_at < reports.started_at
    assert other.state is State.READY


def test_a_paused_queue_rests_until_it_is_resumed(live_engine):
    from djtasks.operations import pause_queue, resume_queue

    pause_queue(engine_of("default"), "mail", by="ada", reason="provider is down")
    with worker("--processes", "1"):
        paused = tasks.add.using(queue_name="mail").enqueue(1, 1)
        assert tasks.add.enqueue(2, 2).wait(10).return_value == 4
        assert TaskRecord.objects.get(pk=paused.id).state == State.READY

        resume_queue(engine_of("default"), "mail")

        assert paused.wait(20).return_value == 2


def test_higher_priorities_run_first(live_engine):
    results = {
        priority: tasks.add.using(priority=priority).enqueue(1, 1) for priority in (-50, 0, 100)
    }

    with worker("--processes", "1", "--threads", "1"):
        eventually(lambda: TaskRecord.objects.filter(state__in=FINAL).count() == 3)

    order = TaskRecord.objects.order_by("started_at").values_list("priority", flat=True)
    assert list(order) == [100, 0, -50]
    assert set(results) == {100, 0, -50}
