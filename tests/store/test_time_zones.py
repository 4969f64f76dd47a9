"""A database whose moments Django stores in a zone of its own: DATABASES[alias]["TIME_ZONE"]."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, models

from djtasks.engine import Engine, engine_of
from djtasks.models import BulkAction, FailureGroup, QueueControl, Schedule, TaskRecord
from djtasks.operations import pause_queue, start_bulk
from djtasks.operations import schedules as operations
from djtasks.operations.bulk.here import Change, run_bulk_here
from djtasks.operations.schedules import ScheduleDraft
from djtasks.protocol.states import State
from djtasks.scheduler.scheduler import Scheduler
from djtasks.schedules import Every, Once
from djtasks.schedules import periodic as declarations
from djtasks.schedules.periodic import periodic
from djtasks.store import schedules as ticks
from djtasks.store import statistics
from djtasks.store.workers import NewWorker, paused_queues, register
from tests.scheduler.making import Alone
from tests.tasks import add

pytestmark = pytest.mark.django_db(databases="__all__")
HOUR = timedelta(hours=1)


@pytest.fixture(params=["America/New_York", "Asia/Tokyo"])
def engine(request: pytest.FixtureRequest, database: str, monkeypatch: Any) -> Iterator[Engine]:
    """An engine on a database with this zone; of the two, one is behind UTC and one ahead."""
    monkeypatch.setattr(declarations, "_declarations", [])
    connection = connections[database]
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", request.param)
    _read_the_zone_again(connection)
    yield engine_of("default")
    monkeypatch.undo()
    _read_the_zone_again(connection)


def _read_the_zone_again(connection: Any) -> None:
    for name in ("timezone", "timezone_name"):
        connection.__dict__.pop(name, None)
    connection.ensure_timezone()


def far_from_now(row: models.Model) -> list[str]:
    """Return the columns of a row whose moment is not the current minute."""
    now = datetime.now(UTC)
    moments = [f.name for f in row._meta.fields if isinstance(f, models.DateTimeField)]
    read = type(row)._base_manager.using(row._state.db).get(pk=row.pk)
    return [
        name
        for name in moments
        if (at := getattr(read, name)) is not None and abs(at - now) > timedelta(minutes=1)
    ]


def test_every_clock_of_a_scan_is_the_one_of_the_store(engine):
    beside_nothing = ticks.scan(engine.database, "default")
    operations.save(engine, draft(Every(HOUR)))
    beside_a_schedule = ticks.scan(engine.database, "default")

    for scan in (beside_nothing, beside_a_schedule):
        assert abs(scan.now - engine.now()) < timedelta(seconds=5)


def draft(rule: Any) -> ScheduleDraft:
    return ScheduleDraft(
        name="sums",
        backend="default",
        task_path="tests.tasks.add",
        rule=rule.as_dict(),
        args=(1, 2),
    )


def test_a_moment_still_ahead_does_not_fire(engine):
    periodic(Once(engine.now() + 3 * HOUR), args=(1, 2), name="later")(add)
    scheduler = Scheduler(engine, Alone())

    for _ in range(3):
        scheduler.tick()

    assert not TaskRecord.objects.exists()


def test_a_moment_that_has_come_fires_once(engine):
    periodic(Once(engine.now() + 3 * HOUR), args=(1, 2), name="now")(add)
    scheduler = Scheduler(engine, Alone())
    scheduler.tick()
    Schedule.objects.update(next_run_at=engine.now())

    for _ in range(3):
        scheduler.tick()

    assert TaskRecord.objects.count() == 1


def test_a_pause_ends_when_it_says(engine):
    pause_queue(engine, "mail", by="ada", until=engine.now() + HOUR)
    pause_queue(engine, "reports", by="ada", until=engine.now() - HOUR)

    assert paused_queues(engine.database, "default") == {"mail"}


def test_every_row_has_the_moment_at_which_it_was_written(engine):
    declared = periodic(Every(timedelta(seconds=30)), args=(1, 2), name="declared")(add)
    Scheduler(engine, Alone()).tick()
    made = operations.save(engine, draft(Every(timedelta(seconds=30))))
    operations.pause(engine, made.pk, by="ada")
    operations.resume(engine, made.pk)
    pause_queue(engine, "mail", by="ada")
    register(
        engine.database,
        NewWorker(
            id=uuid4(),
            supervisor=uuid4(),
            backend="default",
            host="here",
            pid=1,
            version="1",
            queues=["mail"],
            slots=1,
        ),
    )
    declared.enqueue(1, 2)
    failure = statistics.AttemptFailure(
        fingerprint="f", task_path="a.b", exception="E", message="m", place="p", record=uuid4()
    )
    statistics.count_failure(engine.database, "default", failure, engine.now())
    start_bulk(engine, "retry", {"state": [int(State.FAILED)]}, by="ada")
    change = Change(name="touch", states=[State.READY], run=len)
    run_bulk_here(engine, change, {"state": [int(State.READY)]}, by="ada")

    tables = (Schedule, QueueControl, TaskRecord, FailureGroup, BulkAction)
    rows = [row for table in tables for row in table._base_manager.using(engine.database)]
    assert len(rows) >= 7
    assert {str(row): names for row in rows if (names := far_from_now(row))} == {}
