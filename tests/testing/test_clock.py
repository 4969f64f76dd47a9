"""advance(): what waits becomes due, and nobody waits for it."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from djtasks import Crontab, Every, operations
from djtasks.engine import engine_of
from djtasks.errors import InvalidSchedule
from djtasks.models import Schedule, TaskRecord
from djtasks.protocol.states import State
from djtasks.schedules import periodic as declarations
from djtasks.schedules.periodic import periodic
from djtasks.testing import (
    aadvance,
    advance,
    arun_due,
    assert_enqueued,
    astart_schedules,
    refute_enqueued,
    run_due,
    start_schedules,
)
from tests import tasks

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def declare(monkeypatch):
    """Return periodic(); what a test declares with it is gone afterwards."""
    monkeypatch.setattr(declarations, "_declarations", [])
    return periodic


def states():
    return [one.state for one in run_due()]


@pytest.mark.django_db(databases="__all__")
def test_what_waits_ends_its_wait(database):
    engine = engine_of("default")
    tasks.add.using(run_after=HOUR).enqueue(1, 2)
    tasks.add.using(expires=3 * HOUR, queue_name="mail").enqueue(1, 2)
    tasks.asks_for_retry.enqueue(1800)
    operations.pause_queue(engine, "mail", by="ada", until=engine.now() + 4 * HOUR)

    assert states() == [State.READY]
    advance(HOUR / 2 - MINUTE)
    assert states() == []
    advance(2 * MINUTE)
    assert states() == [State.FAILED]
    advance(HOUR / 2)
    assert states() == [State.SUCCESSFUL]
    advance(3 * HOUR)
    assert states() == [State.EXPIRED]
    first = TaskRecord.objects.using(database).earliest("pk")
    passed = engine.now() - first.enqueued_at
    assert 4 * HOUR < passed < 5 * HOUR
    assert first.finished_at - first.enqueued_at > HOUR


@pytest.mark.django_db(databases="__all__")
def test_schedules_run_at_each_of_their_times(database, declare):
    declare(Crontab("0 3 * * *", tz="UTC"), args=[1, 2])(tasks.add)
    declare(Crontab("0 15 * * *", tz="UTC"), name="tea", args=[3, 4])(tasks.add)
    declare(Every(HOUR))(tasks.explode)

    start_schedules(tasks.add)
    advance(HOUR)
    advance(2 * DAY)
    advance(2 * DAY)

    rows = TaskRecord.objects.using(database).order_by("due_at")
    dues = list(rows.values_list("due_at", flat=True))
    assert len(dues) in (8, 9)
    assert {after - before for before, after in pairwise(dues)} == {DAY / 2}
    ahead = [row.due_at - row.enqueued_at for row in rows]
    assert max(ahead) - min(ahead) < MINUTE, "each was enqueued at its due time"
    assert {one.state for one in run_due()} == {State.SUCCESSFUL}


@pytest.mark.django_db
def test_nobody_runs_tasks_while_time_passes(engine, declare):
    declare(Every(HOUR), overlap="skip", args=[1, 2])(tasks.add)
    start_schedules()

    advance(3 * HOUR)
    assert len(run_due()) == 1
    advance(HOUR)
    assert len(run_due()) == 1


@pytest.mark.django_db
def test_jitter_delays_by_the_same_clock(engine, declare):
    declare(Every(DAY), args=[1, 2], jitter=HOUR)(tasks.add)
    start_schedules()

    advance(3 * DAY)
    delays = [row.run_after - row.enqueued_at for row in TaskRecord.objects.all()]

    assert len(delays) == 3
    assert all(timedelta(0) < delay < HOUR for delay in delays)
    assert len(run_due(advance=HOUR)) == 3


class PassingTests:
    """Each test begins at the same time; a subclass says what ends it."""

    def test_time_passes(self):
        advance(HOUR)
        tasks.add.using(run_after=2 * HOUR).enqueue(1, 2)
        assert run_due(advance=HOUR) == []
        with transaction.atomic():
            advance(HOUR)
            transaction.set_rollback(True)
        assert run_due() == []
        assert len(run_due(advance=HOUR)) == 1

    def test_schedules_start_at_the_present(self):
        periodic(Every(HOUR), args=[1, 2])(tasks.add)
        before = engine_of("default").now()
        start_schedules(tasks.add)
        assert Schedule.objects.get().next_run_at - before <= HOUR + SECOND
        with transaction.atomic():
            advance(HOUR)
            transaction.set_rollback(True)
        refute_enqueued(tasks.add)
        advance(HOUR)
        assert_enqueued(tasks.add, due_in=timedelta(0))

    async def test_in_a_coroutine_too(self):
        periodic(Every(HOUR), args=[1, 2])(tasks.add)
        await astart_schedules(tasks.add)
        await tasks.add_async.using(run_after=HOUR).aenqueue(3, 4)
        await aadvance(HOUR)
        assert {one.return_value for one in await arun_due()} == {3, 7}


@pytest.mark.usefixtures("declare")
class TestInTransaction(PassingTests, TestCase):
    pass


@pytest.mark.usefixtures("declare")
class TestWithCommits(PassingTests, TransactionTestCase):
    pass


@pytest.mark.django_db
def test_what_cannot_be_is_refused(settings, declare, monkeypatch):
    with pytest.raises(ValueError, match="Time passes forwards only"):
        advance(-SECOND)
    with pytest.raises(InvalidSchedule, match=r"'tests\.tasks\.add' has no schedule"):
        start_schedules(tasks.add)
    declare(Every(SECOND), args=[1, 2], overlap="skip")(tasks.add)
    start_schedules(tasks.add)
    monkeypatch.setattr("djtasks.testing.clock._MOST_TICKS", 20)
    with pytest.raises(ValueError, match="due more than 20 times"):
        advance(MINUTE)
    advance(10 * SECOND)
    settings.TASKS = {"default": {"BACKEND": "djtasks.testing.DummyBackend", "QUEUES": []}}
    with pytest.raises(ValueError, match="No alias in TASKS stores tasks"):
        advance(DAY)
