"""The list of tasks sorted by how long they waited or ran, the longest first.

No index has these durations. So the newest 20,000 of the tasks that a search finds are sorted: a
bounded set, whatever the tables hold.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Value, When
from django.db.models.functions import Coalesce

from djtasks.engine import Engine
from djtasks.inspection.listing import PAGE_SIZE, Reading, TaskRow, rows_of
from djtasks.protocol.states import State

MOST_SORTED = 20_000
MOST_PAGES = MOST_SORTED // PAGE_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedPage:
    """A page of sorted tasks. `is_cut`: more tasks match than were sorted."""

    rows: list[TaskRow]
    number: int
    has_next: bool
    is_cut: bool


_NOT_RUN = (State.READY, State.WAITING)


def _wait(now: datetime) -> Any:
    started = F("last_attempted_at")
    return Case(When(state__in=_NOT_RUN, then=_at(now)), default=started) - F("run_after")


def _run(now: datetime) -> Any:
    # What waits for its next attempt ran before, and no longer does.
    ended = Case(When(state__in=_NOT_RUN, then=None), default=Coalesce("finished_at", _at(now)))
    return ended - F("last_attempted_at")


def _at(now: datetime) -> Value:
    return Value(now, output_field=DateTimeField())


_LENGTHS = {"wait": _wait, "run": _run}
SORTS = tuple(_LENGTHS)


def sorted_page(
    engine: Engine, found: Any, *, sort: str, number: int, reading: Reading
) -> SortedPage:
    """Return a page of the records found; `sort` is one of SORTS, pages count from 1."""
    newest = found.order_by("-pk").values_list("pk", flat=True)
    oldest = newest[MOST_SORTED - 1 : MOST_SORTED].first()
    records = found if oldest is None else found.filter(pk__gte=oldest)
    length = ExpressionWrapper(_LENGTHS[sort](engine.store.now()), output_field=DurationField())
    records = records.alias(length=length).order_by(F("length").desc(nulls_last=True), "-pk")
    start = PAGE_SIZE * (number - 1)
    rows = list(records.defer(*reading.unread)[start : start + PAGE_SIZE + 1])
    return SortedPage(
        rows=rows_of(engine, rows[:PAGE_SIZE], reading),
        number=number,
        has_next=len(rows) > PAGE_SIZE,
        is_cut=oldest is not None and newest[MOST_SORTED : MOST_SORTED + 1].exists(),
    )
