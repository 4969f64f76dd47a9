"""A record's life as stretches of time, to scale."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from djtasks.inspection.attempts import Attempt, attempts_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import FINAL, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A period of time. `left` and `width` are in percent of the whole timeline.

    `kind`: delayed (not due yet), waiting (due, no worker has taken it), attempt, backoff (due
    again later). `is_open`: it has not ended. `outcome` and `number` are an attempt's.
    """

    kind: str
    start: datetime
    end: datetime
    left: float
    width: float
    is_open: bool = False
    outcome: str = ""
    number: int | None = None

    @property
    def length(self) -> timedelta:
        """Return how long it is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _Bit:
    kind: str
    start: datetime
    end: datetime
    is_open: bool = False
    attempt: Attempt | None = None


def timeline_of(row: TaskRecord, now: datetime) -> list[Stretch]:
    """Return the stretches from enqueueing until it is final, or now, or the next due time."""
    bits = [bit for bit in _bits(row, attempts_of(row, now), now) if bit.end >= bit.start]
    if not bits:
        return []
    begin, end = bits[0].start, max(bit.end for bit in bits)
    whole = (end - begin).total_seconds() or 1.0
    return [
        Stretch(
            kind=bit.kind,
            start=bit.start,
            end=bit.end,
            left=100 * (bit.start - begin).total_seconds() / whole,
            width=100 * (bit.end - bit.start).total_seconds() / whole,
            is_open=bit.is_open,
            outcome=bit.attempt.outcome if bit.attempt else "",
            number=bit.attempt.number if bit.attempt else None,
        )
        for bit in bits
    ]


def _bits(row: TaskRecord, attempts: list[Attempt], now: datetime) -> Iterator[_Bit]:
    """Yield the stretches in order; what lies between two attempts is a backoff or a wait."""
    at = row.enqueued_at
    first = next((one.started_at for one in attempts if one.started_at), row.finished_at)
    # A retry moves `run_after`; then it tells nothing of the first wait any more.
    if first is not None and at < row.run_after <= first:
        yield _Bit("delayed", at, row.run_after)
        at = row.run_after
    for number, attempt in enumerate(attempts):
        if attempt.started_at is None or attempt.ended_at is None:
            continue
        start = max(attempt.started_at, at)
        yield _Bit("backoff" if number else "waiting", at, start)
        at = max(attempt.ended_at, start)
        yield _Bit("attempt", start, at, attempt.outcome == "running", attempt)
    yield from _rest(row, at, now, again=bool(attempts))


def _rest(row: TaskRecord, at: datetime, now: datetime, *, again: bool) -> Iterator[_Bit]:
    if row.state == State.READY:
        if row.run_after > at:
            is_open = row.run_after > now
            yield _Bit("backoff" if again else "delayed", at, row.run_after, is_open)
            at = row.run_after
        if now > at:
            yield _Bit("waiting", at, now, is_open=True)
    elif row.state in FINAL and row.finished_at is not None and row.finished_at > at and not again:
        yield _Bit("waiting", at, row.finished_at)
