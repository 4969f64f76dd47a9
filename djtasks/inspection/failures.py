"""Failures in groups: what fails, since when, how often, and where in the code."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, Sum

from djtasks.engine import Engine
from djtasks.formats.durations import floor
from djtasks.inspection.figures.ranges import HOUR
from djtasks.models import FailureCount
from djtasks.models import FailureGroup as Row

MOST_GROUPS = 200
_Sum = tuple[int, int]
_Counts = dict[datetime, _Sum]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureFacts:
    """Failures of one task with one exception from one place in the code.

    `failed`: final failures since then; `retried`: failed attempts that were retried; `by_hour`:
    the final failures of each hour since then, oldest first. `is_new`: it began since then.
    Records with the same `fingerprint` belong to the group; pruned ones still count.
    """

    fingerprint: str
    task_path: str
    exception: str
    message: str
    place: str
    first_at: datetime
    last_at: datetime
    failed: int
    retried: int
    by_hour: list[int]
    last_record: UUID | None
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePage:
    """Some of the `found` groups, which failed `failed` times in total."""

    groups: list[FailureFacts]
    found: int
    failed: int


_ORDERS: dict[str, Callable[[Row, _Sum], Any]] = {
    "last": lambda row, _sum: row.last_at,
    "count": lambda _row, sum_: sum_,
    "first": lambda row, _sum: row.first_at,
}
FAILURE_ORDERS = tuple(_ORDERS)


def failures(
    engine: Engine, since: datetime, *, task: str = "", limit: int = MOST_GROUPS
) -> list[FailureFacts]:
    """Return the groups that failed since then, the latest first, at most `limit`.

    `task` is a part of the task's path, ignoring case; empty means all tasks.
    """
    return failure_page(engine, since, task=task, count=limit).groups


def failure_page(
    engine: Engine,
    since: datetime,
    *,
    task: str = "",
    text: str = "",
    in_messages: bool = True,
    order: str = "last",
    start: int = 0,
    count: int = 25,
) -> FailurePage:
    """Return `count` of the groups that failed since then, from the `start`th on.

    `task` is a part of the task's path. `text` is a part of that, of the exception's class or,
    with `in_messages`, of its newest message. Both ignore case; empty means all groups.
    `order`, most first, is one of FAILURE_ORDERS: when they failed last or first, or how
    often. It is that of the 200 groups that failed last; the others are left out.
    """
    found = Row.objects.using(engine.database).filter(backend=engine.alias, last_at__gte=since)
    if task:
        found = found.filter(task_path__icontains=task)
    if text:
        wanted = Q(task_path__icontains=text) | Q(exception__icontains=text)
        found = found.filter(wanted | Q(message__icontains=text) if in_messages else wanted)
    rows = list(found.order_by("-last_at")[:MOST_GROUPS])
    hours = _hours(since, engine.store.now())
    sums = _sums(engine, [row.fingerprint for row in rows], hours[0])
    rows.sort(key=lambda row: _ORDERS[order](row, sums.get(row.fingerprint, (0, 0))), reverse=True)
    shown = rows[start : start + count]
    counts = _counts(engine, [row.fingerprint for row in shown], hours[0])
    return FailurePage(
        groups=[_group(row, counts.get(row.fingerprint, {}), hours, since) for row in shown],
        found=len(rows),
        failed=sum(failed for failed, _retried in sums.values()),
    )


def failure_group(engine: Engine, fingerprint: str, since: datetime) -> FailureFacts | None:
    """Return one group, or None if there never was one."""
    groups = Row.objects.using(engine.database).filter(backend=engine.alias)
    row = groups.filter(fingerprint=fingerprint).first()
    if row is None:
        return None
    hours = _hours(since, engine.store.now())
    counts = _counts(engine, [fingerprint], hours[0])
    return _group(row, counts.get(fingerprint, {}), hours, since)


def _hours(since: datetime, now: datetime) -> list[datetime]:
    first = floor(min(since, now), HOUR)
    return [first + HOUR * n for n in range((floor(now, HOUR) - first) // HOUR + 1)]


def _sums(engine: Engine, fingerprints: list[str], since: datetime) -> dict[str, _Sum]:
    rows = FailureCount.objects.using(engine.database).filter(
        backend=engine.alias, at__gte=since, fingerprint__in=fingerprints
    )
    sums = rows.values("fingerprint").annotate(failed_=Sum("failed"), retried_=Sum("retried"))
    return {row["fingerprint"]: (int(row["failed_"]), int(row["retried_"])) for row in sums}


def _counts(engine: Engine, fingerprints: list[str], since: datetime) -> dict[str, _Counts]:
    rows = FailureCount.objects.using(engine.database).filter(
        backend=engine.alias, at__gte=since, fingerprint__in=fingerprints
    )
    found: dict[str, _Counts] = {}
    for fingerprint, at, failed, retried in rows.values_list(
        "fingerprint", "at", "failed", "retried"
    ):
        found.setdefault(fingerprint, {})[at] = (failed, retried)
    return found


def _group(row: Row, counts: _Counts, hours: list[datetime], since: datetime) -> FailureFacts:
    by_hour = [counts.get(hour, (0, 0))[0] for hour in hours]
    return FailureFacts(
        fingerprint=row.fingerprint,
        task_path=row.task_path,
        exception=row.exception,
        message=row.message,
        place=row.place,
        first_at=row.first_at,
        last_at=row.last_at,
        failed=sum(by_hour),
        retried=sum(retried for _failed, retried in counts.values()),
        by_hour=by_hour,
        last_record=row.last_record,
        is_new=row.first_at >= since,
    )
