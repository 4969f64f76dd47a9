"""How many runs of a schedule were skipped since its last one.

Nothing counts them: they are the due times of its rule after the last record and before the next
run. The last run was not over, or they were too late. A pause or a change begins anew. A broken
schedule skips what is due until it is corrected.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from djtasks.models import Schedule, TaskRecord
from djtasks.protocol.states import FINAL, State
from djtasks.scheduler.planning import timetable_of
from djtasks.schedules import Overlap

MOST_SKIPPED = 100
_MOST_SCHEDULES = 10
_INSTANT = timedelta(microseconds=1)


def skipped_since(row: Schedule, last_due_at: datetime | None, now: datetime | None) -> int:
    """Return how many runs were skipped, at most 100; `last_due_at` is that of the last record.

    None: there is no record. Then only what a broken schedule skips is known; only that takes
    `now`.
    """
    if row.broken and row.is_enabled:
        start, until = row.next_run_at and row.next_run_at - _INSTANT, now
    else:
        start = last_due_at and max(last_due_at, row.changed_at)
        until = row.next_run_at - _INSTANT if row.next_run_at else row.last_due_at
    if start is None or until is None:
        return 0
    try:
        return _due_between(row, start, until)
    except Exception:  # noqa: BLE001 - whatever somebody put into the row
        return 0


def skipping_of(schedules: Any, now: datetime) -> dict[str, int]:
    """Return how many runs ten schedules skipped whose last run is not over, with one query."""
    live = TaskRecord.objects.filter(pk=OuterRef("last_run"), state__in=set(State) - FINAL)
    began = Subquery(live.values(began=Coalesce("due_at", "enqueued_at"))[:1])
    found = schedules.filter(overlap=Overlap.SKIP, last_run__isnull=False).annotate(began=began)
    found = found.filter(began__lt=F("last_due_at")).order_by("name")[:_MOST_SCHEDULES]
    return {row.name: skipped_since(row, row.began, now) for row in found}


def _due_between(row: Schedule, start: datetime, until: datetime) -> int:
    table, count = timetable_of(row), 0
    due = table.next_after(start)
    while due is not None and due <= until and count < MOST_SKIPPED:
        count += 1
        due = table.next_after(due)
    return count
