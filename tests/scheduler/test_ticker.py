"""Due rows become records, each due time once, on every database."""

import logging
from datetime import timedelta

import pytest
from django.db import OperationalError, connections
from django.db.models import Q

from djtasks import operations
from djtasks.engine import engine_of
from djtasks.models import Schedule, TaskRecord
from djtasks.protocol.records import Settlement
from djtasks.protocol.states import State
from djtasks.scheduler.ticker import Ticker
from djtasks.schedules import CatchUp, Once
from djtasks.store import schedules as ticks
from djtasks.store.schedules import Move
from tests.carriers import with_broker
from tests.scheduler.making import HOUR, MINUTE, NOON, again, change, dues, runs, schedule, tick
from tests.worker.making import WORKER, claim_all

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def engine(database):
    return engine_of("default")


def test_a_tick_inserts_the_record_and_moves_the_schedule(engine):
    row = schedule(kwargs={})

    assert tick(engine, NOON + MINUTE / 2) == 1

    [record] = runs(row)
    after = again(row)
    assert (record.task_path, record.args, record.kwargs) == ("tests.tasks.add", [1, 2], {})
    assert (record.backend, record.queue, record.state) == ("default", "default", State.READY)
    assert NOON == record.due_at < record.run_after <= record.enqueued_at
    assert (after.next_run_at, after.last_due_at) == (NOON + MINUTE, NOON)
    assert after.last_run == record.pk


def test_what_is_not_due_is_left_alone(engine):
    schedule("later", next_run_at=NOON + MINUTE)
    schedule("never", next_run_at=None)
    schedule("paused", is_enabled=False)
    schedule("gone", removed=True)
    schedule("broken", broken="It is.")
    schedule("elsewhere", backend="polled")

    assert tick(engine, NOON) == 0

    assert not TaskRecord.objects.using(engine.database).exists()


def test_hundreds_of_schedules_are_one_transaction(engine, django_assert_max_num_queries):
    rows = [schedule(str(n), args=[n, n]) for n in range(300)]
    one_by_one = connections[engine.database].vendor != "postgresql"

    with django_assert_max_num_queries(
        320 if one_by_one else 8, connection=connections[engine.database]
    ):
        assert tick(engine, NOON) == 300

    assert all(dues(row) == [NOON] for row in rows)


def test_missed_runs_follow_the_policy(engine):
    row = schedule(missed=CatchUp(3).as_dict())

    tick(engine, NOON + 5 * MINUTE)

    assert dues(row) == [NOON + n * MINUTE for n in (3, 4, 5)]
    assert again(row).last_run == runs(row)[-1].pk


def test_a_schedule_that_fires_once_fires_once(engine):
    row = schedule(rule=Once(NOON).as_dict())

    assert [tick(engine, NOON), tick(engine, NOON + HOUR)] == [1, 0]

    assert dues(row) == [NOON]
    assert again(row).next_run_at is None


def test_a_schedule_ends_when_it_should(engine):
    row = schedule(ends_at=NOON)

    tick(engine, NOON)

    assert dues(row) == [NOON]
    assert again(row).next_run_at is None


def test_jitter_delays_the_record_and_not_the_next_tick(engine):
    row = schedule(jitter=HOUR, next_run_at=NOON)
    now = engine.store.now()
    change(row, next_run_at=now)

    tick(engine, now)

    [record] = runs(row)
    assert now < record.run_after < now + HOUR
    assert again(row).next_run_at <= now + MINUTE


def finish(record):
    [claim] = [c for c in claim_all(WORKER) if c.id == record.pk]
    done = Settlement(id=claim.id, fence=claim.fence, state=State.SUCCESSFUL)
    engine_of("default").store.settle([done], worker=WORKER)


def test_a_run_that_is_not_over_makes_the_next_one_skip(engine):
    row = schedule(overlap="skip")

    tick(engine, NOON)
    tick(engine, NOON + MINUTE)
    skipped = dues(row)
    finish(runs(row)[0])
    tick(engine, NOON + 2 * MINUTE)

    assert skipped == [NOON]
    assert dues(row) == [NOON, NOON + 2 * MINUTE]


def test_a_queued_run_starts_when_the_last_one_is_over(engine):
    row = schedule(overlap="queue_one")

    tick(engine, NOON)
    waiting = [tick(engine, NOON + n * MINUTE) for n in (1, 2, 3)]
    finish(runs(row)[0])
    tick(engine, NOON + 3 * MINUTE)

    assert waiting == [0, 0, 0]
    assert dues(row) == [NOON, NOON + MINUTE]
    assert again(row).next_run_at == NOON + 4 * MINUTE


def test_a_queued_run_does_not_keep_the_scheduler_busy(engine):
    row = schedule(overlap="queue_one")
    tick(engine, NOON)

    assert ticks.scan(engine.database, "default").next_run_at is None

    finish(runs(row)[0])
    assert ticks.scan(engine.database, "default").next_run_at == NOON + MINUTE


def test_a_unique_task_that_is_still_live_is_the_run(engine):
    row = schedule(task_path="tests.tasks.only_once", args=["key"])

    tick(engine, NOON)
    [record] = runs(row)
    tick(engine, NOON + MINUTE)

    assert runs(row) == [record]
    assert again(row).last_run == record.pk
    assert again(row).next_run_at == NOON + 2 * MINUTE


def test_the_workers_hear_of_the_records_after_the_commit(
    engine, django_capture_on_commit_callbacks
):
    with with_broker():
        listening = engine_of("default")
        now = listening.store.now()
        row = schedule(next_run_at=now)
        schedule("delayed", jitter=timedelta(days=9999), next_run_at=now)
        with django_capture_on_commit_callbacks(using=listening.database, execute=True):
            assert tick(listening, now) == 2
            assert not listening.broker.pushes

    [hints] = listening.broker.pushes
    assert [hint.id for hint in hints] == [runs(row)[0].pk]


@pytest.mark.parametrize("changed", [{"next_run_at": NOON + HOUR}, {"is_enabled": False}])
def test_who_was_not_fast_enough_inserts_nothing(engine, monkeypatch, changed):
    row = schedule()
    read = ticks.lock_due

    def read_then_lose(*args, **kwargs):
        rows = read(*args, **kwargs)
        change(row, **changed)
        return rows

    monkeypatch.setattr(ticks, "lock_due", read_then_lose)

    tick(engine, NOON)

    assert runs(row) == []
    assert again(row).last_run is None


def test_a_move_is_won_once(engine):
    row = schedule()
    move = Move(id=row.pk, seen=NOON, next_run_at=NOON + MINUTE, last_due_at=NOON)

    assert ticks.advance(engine.database, [move]) == {row.pk}
    assert ticks.advance(engine.database, [move]) == set()


def test_a_move_from_nothing_is_won_once(engine):
    row = schedule(next_run_at=None)
    move = Move(id=row.pk, seen=None, next_run_at=NOON, last_due_at=None)

    assert ticks.advance(engine.database, [move]) == {row.pk}
    assert ticks.advance(engine.database, [move]) == set()


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"rule": {"kind": "moon"}}, "is not a rule"),
        ({"rule": {"kind": "interval", "seconds": 0}}, "must be from 1 second"),
        ({"missed": {"policy": "hope"}}, "is not a policy"),
        ({"overlap": "maybe"}, "got 'maybe'"),
        ({"args": [1]}, "does not accept these arguments"),
        ({"args": {"a": 1}}, "must be a JSON list and a JSON object, got dict and dict"),
        ({"kwargs": {"c": 1}}, "does not accept these arguments"),
        ({"task_path": "tests.tasks.gone"}, "No task is registered as 'tests.tasks.gone'"),
    ],
)
def test_nonsense_in_a_row_breaks_that_schedule_alone(engine, caplog, columns, reason):
    bad, good = schedule("bad", **columns), schedule("good")

    with caplog.at_level(logging.ERROR):
        tick(engine, NOON + 5 * MINUTE)
        tick(engine, NOON + 6 * MINUTE)

    assert reason in again(bad).broken
    assert runs(bad) == []
    assert dues(good) == [NOON, NOON + 6 * MINUTE]
    assert [r.levelname for r in caplog.records if "name=bad" in r.getMessage()] == ["ERROR"]


def test_a_task_that_a_newer_scheduler_may_know_is_left_to_it_for_two_minutes(engine):
    row = schedule(task_path="tests.tasks.from_the_next_release")

    assert Ticker(engine).tick(NOON + MINUTE) == 1
    assert again(row).broken == ""

    Ticker(engine).tick(NOON + 2 * MINUTE)
    assert "from_the_next_release" in again(row).broken


def test_what_is_left_aside_is_not_looked_at_again_at_once(engine):
    schedule(task_path="tests.tasks.from_the_next_release")
    ticker = Ticker(engine)
    assert ticker.scan().next_run_at == NOON

    ticker.tick(NOON)

    assert ticker.scan().next_run_at is None
    assert ticker.tick(NOON) == 0


def test_a_record_that_the_database_refuses_breaks_that_schedule_alone(engine, monkeypatch):
    bad, good = schedule("bad", args=[6, 6]), schedule("good")
    insert_many = type(engine.store).insert_many

    def refuse_sixes(self, records):
        if any(record.args == "[6,6]" for record in records):
            raise ValueError("no sixes")
        return insert_many(self, records)

    monkeypatch.setattr(type(engine.store), "insert_many", refuse_sixes)

    tick(engine, NOON)

    assert again(bad).broken == "ValueError: no sixes"
    assert again(bad).next_run_at == NOON
    assert dues(good) == [NOON]


def test_a_database_that_went_away_is_told_to_whoever_asked(engine, monkeypatch):
    schedule()
    monkeypatch.setattr(ticks, "lock_due", away)

    with pytest.raises(OperationalError, match="gone"):
        tick(engine, NOON)


def away(*_args, **_kwargs):
    raise OperationalError("server has gone away")


def test_run_by_hand_is_no_tick(engine):
    row = schedule(is_enabled=False, next_run_at=None)

    id_ = operations.run_now(engine, row.pk, by="Ada")

    [record] = runs(row)
    assert (record.pk, record.due_at) == (id_, None)
    assert again(row).last_run == id_
    assert not Schedule.objects.using(engine.database).filter(~Q(next_run_at=None)).exists()
