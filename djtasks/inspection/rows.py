"""Return rows, for what Django's admin does with rows: page through them, log a change.

Code that only shows something uses facts instead.
"""

from uuid import UUID

from django.db.models import QuerySet

from djtasks.engine import Engine
from djtasks.models import BulkAction, QueueControl, Schedule, TaskRecord, WorkerRecord
from djtasks.store import queue_database


def stored_task(pk: UUID) -> TaskRecord | None:
    """Return a record, whatever its alias."""
    return TaskRecord.objects.using(queue_database()).filter(pk=pk).first()


def stored_worker(engine: Engine, pk: UUID) -> WorkerRecord | None:
    """Return a registered child of this alias."""
    rows = WorkerRecord.objects.using(engine.database)
    return rows.filter(pk=pk, backend=engine.alias).first()


def stored_control(engine: Engine, queue: str) -> QueueControl | None:
    """Return the row of a pause, including one that has ended by itself."""
    rows = QueueControl.objects.using(engine.database)
    return rows.filter(backend=engine.alias, queue=queue).first()


def stored_bulk_action(engine: Engine, pk: UUID) -> BulkAction | None:
    """Return a bulk action, whatever its alias."""
    return BulkAction.objects.using(engine.database).filter(pk=pk).first()


def stored_schedule(engine: Engine, pk: int) -> Schedule | None:
    """Return a schedule, whatever its alias."""
    return Schedule.objects.using(engine.database).filter(pk=pk).first()


def stored_schedules(engine: Engine) -> QuerySet[Schedule]:
    """Return the schedules of this alias by name, to page through."""
    rows = Schedule.objects.using(engine.database)
    return rows.filter(backend=engine.alias).order_by("name")
