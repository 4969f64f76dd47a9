"""Queue samples in the database: one per minute; a duty folds them into means and prunes them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import fmean

from django.db.models import Max

from djtasks.formats.durations import floor
from djtasks.models import QueueSample
from djtasks.models.statistics import STEPS

_PAGE = 5_000


def insert(database: str, rows: Sequence[QueueSample]) -> None:
    """Add samples; if another coordinator was faster, keep its samples."""
    QueueSample.objects.using(database).bulk_create(rows, ignore_conflicts=True)


def fold(database: str, backend: str, now: datetime) -> None:
    """Fold samples into the means of every step that is over and has none yet."""
    kept = QueueSample.objects.using(database).filter(backend=backend)
    finer = 60
    for step in sorted(STEPS)[1:]:
        span = timedelta(seconds=step)
        rows = kept.filter(step=finer, at__lt=floor(now, span))
        last = kept.filter(step=step).aggregate(last=Max("at"))["last"]
        if last is not None:
            rows = rows.filter(at__gte=last + span)
        insert(database, _means(backend, rows, step))
        finer = step


def _means(backend: str, rows: Iterable[QueueSample], step: int) -> list[QueueSample]:
    found: dict[tuple[datetime, str], list[QueueSample]] = {}
    for row in rows:
        found.setdefault((floor(row.at, timedelta(seconds=step)), row.queue), []).append(row)
    return [
        QueueSample(
            backend=backend,
            step=step,
            at=at,
            queue=queue,
            oldest_wait=max(one.oldest_wait for one in some),
            ready=round(fmean(one.ready for one in some)),
            delayed=round(fmean(one.delayed for one in some)),
            running=fmean(one.running for one in some),
            slots=fmean(one.slots for one in some),
        )
        for (at, queue), some in found.items()
    ]


def prune(database: str, backend: str, now: datetime) -> int:
    """Delete one page of samples beyond the retention of their step; return how many."""
    for step, kept in STEPS.items():
        rows = QueueSample.objects.using(database).filter(backend=backend, step=step)
        old = rows.filter(at__lt=now - kept).order_by("at").values_list("pk", flat=True)[:_PAGE]
        if ids := list(old):
            return rows.filter(pk__in=ids).delete()[0]
    return 0
