"""Small makers for tests of the scheduler."""

from datetime import UTC, datetime, timedelta
from typing import Any

from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import Schedule, TaskRecord
from djtasks.scheduler.ticker import Ticker
from djtasks.schedules import Every
from djtasks.store import queue_database
from tests import tasks as tasks  # registered by being imported

NOON = datetime(2020, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def schedule(name: str = "sums", **columns: Any) -> Schedule:
    """Insert a schedule that is due at NOON and every minute after it."""
    fields: dict[str, Any] = {
        "backend": "default",
        "name": name,
        "task_path": "tests.tasks.add",
        "rule": Every(MINUTE, anchor=NOON).as_dict(),
        "args": [1, 2],
        "next_run_at": NOON,
    }
    row = Schedule(**fields | columns)
    row.save(using=queue_database(), force_insert=True)
    return again(row)


def again(row: Schedule) -> Schedule:
    """Return a row as it is now."""
    return Schedule.objects.using(queue_database()).get(pk=row.pk)


def change(row: Schedule, **columns: Any) -> None:
    """Write columns as somebody with a database shell would."""
    Schedule.objects.using(queue_database()).filter(pk=row.pk).update(**columns)


def runs(row: Schedule) -> list[TaskRecord]:
    """Return the records of a schedule, by the time they were due."""
    records = TaskRecord.objects.using(queue_database()).filter(schedule=row.pk)
    return list(records.order_by("due_at", "pk"))


def dues(row: Schedule) -> list[datetime]:
    """Return when the records of a schedule were due."""
    return [record.due_at for record in runs(row) if record.due_at is not None]


def tick(engine: Engine, now: datetime) -> int:
    """Let a new ticker fire what is due at `now`."""
    return Ticker(engine).tick(now)


class Alone:
    """The turn of a scheduler that knows no other."""

    def __init__(self, *, is_first: bool = True) -> None:
        self.is_first = is_first
        self.is_held = False
        self.id = new_id()

    def keep(self) -> bool:
        self.is_held = self.is_first
        return self.is_held

    def drop(self) -> None:
        self.is_held = False


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
