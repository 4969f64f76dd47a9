"""The position of a record in its queue, and how long it will wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from djtasks.engine import Engine
from djtasks.inspection.figures.batch_counts import COUNT_LIMIT
from djtasks.inspection.figures.figures import done_lately
from djtasks.inspection.status import records_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """How many due records of its queue rank before a record; `wait` None: no task ended lately."""

    count: int
    is_capped: bool
    wait: timedelta | None


def ahead_of(engine: Engine, row: TaskRecord, now: datetime) -> Ahead:
    """Count the records before a due one: of higher priority, or the same and due earlier.

    Counted on the READY index, to at most COUNT_LIMIT.
    """
    due = records_of(engine).filter(state=State.READY, queue=row.queue, run_after__lte=now)
    earlier = Q(run_after__lt=row.run_after) | Q(run_after=row.run_after, pk__lt=row.pk)
    before = due.filter(Q(priority__gt=row.priority) | Q(earlier, priority=row.priority))
    count = before[:COUNT_LIMIT].count()
    rate = done_lately(engine, now, queue=row.queue)
    return Ahead(
        count=count,
        is_capped=count >= COUNT_LIMIT,
        wait=timedelta(minutes=min(count / rate, 1_000_000)) if rate > 0 else None,
    )
