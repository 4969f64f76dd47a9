"""Statistics in the database: children add rows, a duty folds and prunes them.

Each step is a transaction of its own, apart from those of records. Two duties at once are
harmless: folding locks the row of the mark, and moves what children added instead of copying it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connections, transaction
from django.db.models import F

from djtasks.formats import histograms
from djtasks.formats.durations import floor
from djtasks.formats.histograms import Histogram
from djtasks.models import (
    FailureCount,
    FailureGroup,
    StatisticsMark,
    TaskRecord,
    TaskStatistics,
)
from djtasks.models.statistics import ALL_TASKS, STEPS
from djtasks.store.escaping import escaped, write_each

_COUNTS = ("successful", "failed", "retried", "cancelled", "expired", "wait_sum", "run_sum")
_RAW = 0
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
# Rows that a child adds late must not miss their ten minutes.
_DELAY = timedelta(minutes=2)
ROWS_A_FOLD = 5_000
_PAGE = 5_000


@dataclass(slots=True, eq=False)
class Sums:
    """Summed counts and times of attempts."""

    successful: int = 0
    failed: int = 0
    retried: int = 0
    cancelled: int = 0
    expired: int = 0
    wait_sum: float = 0.0
    run_sum: float = 0.0
    waits: Histogram = field(default_factory=dict)
    runs: Histogram = field(default_factory=dict)

    def add(self, row: "TaskStatistics | Sums") -> None:
        """Add a row or other sums to these."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(row, name))
        histograms.add(self.waits, row.waits)
        histograms.add(self.runs, row.runs)

    def columns(self) -> dict[str, Any]:
        """Return these sums as the columns of a row."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        return counts | {"waits": _as_json(self.waits), "runs": _as_json(self.runs)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailure:
    """A number of failures of one kind: what they have in common, and the latest one."""

    fingerprint: str
    task_path: str
    exception: str
    message: str
    place: str
    record: UUID
    failed: int = 0
    retried: int = 0


def _as_json(histogram: Histogram) -> dict[str, int]:
    return {str(bucket): count for bucket, count in sorted(histogram.items())}


def new_row(
    backend: str, at: datetime, what: tuple[str, str], sums: Sums, **columns: Any
) -> TaskStatistics:
    """Return an unsaved row about (task_path, queue)."""
    task_path, queue = what
    columns = {"step": _RAW, **columns, **sums.columns()}
    return TaskStatistics(backend=backend, at=at, task_path=task_path, queue=queue, **columns)


def insert(database: str, rows: Sequence[TaskStatistics]) -> None:
    """Insert what a child gathered; skip rows that exist, so that repeating is harmless.

    A row that the database refuses is logged and left out.
    """

    def add(some: Sequence[TaskStatistics]) -> None:
        TaskStatistics.objects.using(database).bulk_create(some, ignore_conflicts=True)

    write_each(add, rows, escape=lambda row: row)


def insert_failed(
    database: str, backend: str, failed: Mapping[UUID, tuple[str, bool]], now: datetime
) -> None:
    """Insert failures that no child could count: (task_path, whether it is final) by record.

    Those whose record is gone are left out, since only the record knows its queue.
    """
    records = TaskRecord.objects.using(database).filter(pk__in=list(failed))
    sums: dict[tuple[str, str], Sums] = {}
    for pk, queue in records.values_list("pk", "queue"):
        path, is_final = failed[pk]
        one = sums.setdefault((path, queue), Sums())
        one.failed += is_final
        one.retried += not is_final
    insert(database, [new_row(backend, now, what, total) for what, total in sums.items()])


def count_failure(database: str, backend: str, failure: AttemptFailure, now: datetime) -> None:
    """Add failures of one kind to their group and to the current hour.

    A text that the database cannot store is written escaped. If it refuses this too, the failures
    are logged and not counted. Raises DatabaseError if the database is away.
    """

    def count(failures: Sequence[AttemptFailure]) -> None:
        with transaction.atomic(using=database):
            for one in failures:
                _count_failure(database, backend, one, now)

    write_each(count, [failure], escape=_escaped)


def _escaped(failure: AttemptFailure) -> AttemptFailure:
    return replace(
        failure,
        task_path=escaped(failure.task_path),
        exception=escaped(failure.exception),
        message=escaped(failure.message),
        place=escaped(failure.place),
    )


def _count_failure(database: str, backend: str, failure: AttemptFailure, now: datetime) -> None:
    group = {"backend": backend, "fingerprint": failure.fingerprint}
    latest = {
        "last_at": now,
        "place": failure.place[:500],
        "message": failure.message[:500],
        "last_record": failure.record,
    }
    first = {
        "task_path": failure.task_path[:255],
        "exception": failure.exception[:300],
        "first_at": now,
    }
    _increase(FailureGroup, database, group, failure, update=latest, insert=first)
    _increase(FailureCount, database, group | {"at": floor(now, _HOUR)}, failure)


def _increase(
    model: Any,
    database: str,
    key: dict[str, Any],
    failure: AttemptFailure,
    *,
    update: dict[str, Any] | None = None,
    insert: dict[str, Any] | None = None,
) -> None:
    rows, update = model.objects.using(database), update or {}
    more = {"failed": F("failed") + failure.failed, "retried": F("retried") + failure.retried}
    if rows.filter(**key).update(**more, **update):
        return
    counts = {"failed": failure.failed, "retried": failure.retried}
    try:
        with transaction.atomic(using=database):
            rows.create(**key, **counts, **update, **(insert or {}))
    except IntegrityError:
        # Another child was faster to insert the first of this kind.
        if not rows.filter(**key).update(**more, **update):
            raise


def fold_children(database: str, backend: str, now: datetime) -> int:
    """Fold one page of what children added into minutes; return how many rows it had."""
    kept = TaskStatistics.objects.using(database).filter(backend=backend)
    with transaction.atomic(using=database):
        marks = _held_marks(database, backend, now)
        rows = list(kept.filter(step=_RAW).order_by("at")[:ROWS_A_FOLD])
        if not rows:
            return 0
        # A row whose ten minutes are already folded counts in the next ten.
        sums = _summed(rows, lambda row: floor(max(row.at, marks[600]), _MINUTE))
        _add_to_minutes(database, backend, sums)
        kept.filter(pk__in=[row.pk for row in rows]).delete()
        return len(rows)


_Key = tuple[datetime, str, str]


def _summed(rows: Iterable[TaskStatistics], place: Any, *, totals: bool = True) -> dict[_Key, Sums]:
    """Return sums by (moment, task_path, queue); with `totals`, also of all tasks of a queue."""
    sums: dict[_Key, Sums] = {}
    for row in rows:
        at = place(row)
        for path in {row.task_path, ALL_TASKS} if totals else (row.task_path,):
            sums.setdefault((at, path, row.queue), Sums()).add(row)
    return sums


def _add_to_minutes(database: str, backend: str, sums: dict[_Key, Sums]) -> None:
    minutes = TaskStatistics.objects.using(database).filter(
        backend=backend, step=60, at__in={at for at, _path, _queue in sums}
    )
    known = {(row.at, row.task_path, row.queue): row for row in minutes}
    made = []
    for key, total in sums.items():
        row = known.get(key)
        if row is not None:
            total.add(row)
        at, path, queue = key
        made.append(new_row(backend, at, (path, queue), total, step=60))
        if row is not None:
            made[-1].pk = row.pk
    _upsert(database, made)


def _upsert(database: str, rows: Sequence[TaskStatistics]) -> None:
    targets = connections[database].features.supports_update_conflicts_with_target
    TaskStatistics.objects.using(database).bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        update_fields=[*_COUNTS, "waits", "runs"],
        unique_fields=["id"] if targets else None,
    )


def fold_steps(database: str, backend: str, now: datetime) -> None:
    """Fold minutes into ten minutes, those into hours, and hours into days, if they are over."""
    finer = 60
    for step in sorted(STEPS)[1:]:
        with transaction.atomic(using=database):
            _fold_step(database, backend, (finer, step), now)
        finer = step


def _fold_step(database: str, backend: str, steps: tuple[int, int], now: datetime) -> None:
    finer, step = steps
    span = timedelta(seconds=step)
    since = _held_marks(database, backend, now)[step]
    until = floor(now - _DELAY, span)
    if until <= since:
        return
    rows = TaskStatistics.objects.using(database).filter(backend=backend, step=finer, at__lt=until)
    sums = _summed(
        rows.filter(at__gte=since).iterator(), lambda row: floor(row.at, span), totals=False
    )
    made = [
        new_row(backend, at, (path, queue), total, step=step)
        for (at, path, queue), total in sums.items()
    ]
    TaskStatistics.objects.using(database).bulk_create(made, batch_size=500)
    _marks(database, backend).filter(step=step, until=since).update(until=until)


def _marks(database: str, backend: str) -> Any:
    return StatisticsMark.objects.using(database).filter(backend=backend)


def _held_marks(database: str, backend: str, now: datetime) -> dict[int, datetime]:
    """Return up to when each step is folded. Locks these marks; creates missing ones."""
    locked = dict(
        _marks(database, backend).select_for_update().order_by("step").values_list("step", "until")
    )
    missing = [
        StatisticsMark(backend=backend, step=step, until=floor(now, timedelta(seconds=step)))
        for step in STEPS
        if step not in locked
    ]
    if missing:
        StatisticsMark.objects.using(database).bulk_create(missing, ignore_conflicts=True)
        return _held_marks(database, backend, now)
    return locked


def prune(database: str, backend: str, now: datetime) -> int:
    """Delete one page of rows beyond the retention of their step; return how many."""
    for step, kept in STEPS.items():
        rows = TaskStatistics.objects.using(database).filter(backend=backend, step=step)
        old = rows.filter(at__lt=now - kept).order_by("at").values_list("pk", flat=True)[:_PAGE]
        if ids := list(old):
            count: int = rows.filter(pk__in=ids)._raw_delete(database)  # noqa: SLF001
            return count
    return 0
