"""The clock of a test: time passes at once.

djtasks reads the database's clock, which nobody can set. So what is stored moves into the past
instead. Schedules keep their due times, which lie at round times of the calendar. For them, a row
holds how much time has passed. What moves is in the test's own transaction or database, so it ends
with the test.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import F

from djtasks.definitions import discovery
from djtasks.definitions.task import Task
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.errors import InvalidSchedule
from djtasks.formats.ids import new_id
from djtasks.models import Lease, QueueControl, Schedule, TaskRecord, WorkflowRecord
from djtasks.scheduler.sync import sync
from djtasks.scheduler.ticker import Ticker
from djtasks.schedules import periodic
from djtasks.store import queue_database

_CLOCK = "djtasks.testing.clock"
_NOBODY = UUID(int=0)
_MOMENTS = (
    "enqueued_at",
    "run_after",
    "expires_at",
    "started_at",
    "last_attempted_at",
    "finished_at",
)
_MOST_TICKS = 1_000
_MICROSECOND = timedelta(microseconds=1)


def advance(by: timedelta) -> None:
    """Let time pass, without waiting and without running a task.

    Delayed tasks and retries become due, tasks expire, pauses of queues end: every stored moment of
    a task moves `by` into the past. The schedules in the database enqueue their tasks at each due
    time in between, as if a scheduler ran and no worker; see start_schedules(). The clocks of
    Python and of the database stay as they are.

    Raises ValueError if `by` is negative, if schedules would be due more than 1,000 times, or if
    no backend stores tasks.
    """
    if by < timedelta(0):
        raise ValueError(f"Time passes forwards only, but advance() got {by}.")
    engines = _engines()
    database = queue_database()
    end = _passed(database) + by
    tickers = [(Ticker(engine, clock=_clock_of(engine)), engine) for engine in engines]
    for _tick in range(_MOST_TICKS):
        waits = [(_time_until_due(ticker), ticker, engine) for ticker, engine in tickers]
        wait, ticker, engine = min(waits, key=itemgetter(0))
        left = end - _passed(database)
        if wait > left:
            _pass(database, left)
            return
        _pass(database, wait)
        _fire(ticker, engine)
    raise ValueError(
        f"Within {by}, schedules are due more than {_MOST_TICKS:,} times. Advance by less, or "
        f"start only the schedules that the test is about: start_schedules(task)."
    )


def start_schedules(*tasks: Task[..., Any]) -> None:
    """Store the schedules that @periodic declares for these tasks; no task means all schedules.

    From now on, advance() enqueues their tasks at each due time. A test database has no declared
    schedules before.

    Raises InvalidSchedule if one of the tasks has no schedule.
    """
    engines = _engines()
    database = queue_database()
    if not tasks:
        discovery.import_modules(path for engine in engines for path in engine.options.imports)
    paths = {task.module_path for task in tasks}
    declared = {one.task_path for engine in engines for one in periodic.declared(engine.alias)}
    for path in sorted(paths - declared):
        raise InvalidSchedule(
            f"Task {path!r} has no schedule in a TASKS alias that stores tasks. Put @periodic "
            f"above its @task."
        )
    before = set(Schedule.objects.using(database).values_list("pk", flat=True))
    for engine in engines:
        sync(engine, _clock_of(engine))
    if paths:
        others = Schedule.objects.using(database).exclude(pk__in=before)
        others.exclude(task_path__in=paths).delete()


aadvance = sync_to_async(advance)
astart_schedules = sync_to_async(start_schedules)


def _engines() -> list[Engine]:
    engines = [engine_of(alias) for alias in our_aliases()]
    if not engines:
        raise ValueError(
            "No alias in TASKS stores tasks, so there is nothing that could become due. For tests "
            "of delays and schedules, use djtasks.backend.DjtasksBackend."
        )
    return engines


def _clock_of(engine: Engine) -> Callable[[], datetime]:
    """Return the clock of schedules: the database's clock, and the time that has passed."""
    return lambda: engine.now() + _passed(engine.database)


def _passed(database: str) -> timedelta:
    found = Lease.objects.using(database).filter(name=_CLOCK).values_list("heartbeat", flat=True)
    return _MICROSECOND * (found.first() or 0)


def _pass(database: str, by: timedelta) -> None:
    if not by:
        return
    clock = {"holder": _NOBODY, "heartbeat": (_passed(database) + by) // _MICROSECOND}
    with transaction.atomic(using=database):
        Lease.objects.using(database).update_or_create(name=_CLOCK, defaults=clock)
        TaskRecord.objects.using(database).update(**{name: F(name) - by for name in _MOMENTS})
        QueueControl.objects.using(database).update(until=F("until") - by)
        WorkflowRecord.objects.using(database).update(expires_at=F("expires_at") - by)


def _time_until_due(ticker: Ticker) -> timedelta:
    found = ticker.scan()
    if found.next_run_at is None:
        return timedelta.max
    return max(found.next_run_at - found.now, timedelta(0))


def _fire(ticker: Ticker, engine: Engine) -> None:
    """Enqueue what is due by the clock of schedules. Jitter has set moments by that clock."""
    before = new_id()
    ticker.tick(_clock_of(engine)())
    records = TaskRecord.objects.using(engine.database)
    later = records.filter(schedule__isnull=False, run_after__gt=F("enqueued_at"))
    new = [pk for pk in later.values_list("pk", flat=True) if pk > before]
    records.filter(pk__in=new).update(run_after=F("run_after") - _passed(engine.database))
