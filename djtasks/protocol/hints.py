"""Hints, which a broker carries: an id and its rank, never code or arguments."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

# Redis keeps scores as doubles: 8 bits of priority above 42 bits of milliseconds are exact,
# and last until the year 2159.
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TIME_BITS = 42
_LATEST = (1 << _TIME_BITS) - 1

MAX_PRIORITY = 100
MIN_PRIORITY = -100


@dataclass(frozen=True, slots=True)
class Hint:
    """A pointer to record `id`: the queue it waits in and its rank there, lowest first."""

    id: UUID
    queue: str
    score: int


def score_of(priority: int, run_after: datetime) -> int:
    """Return the rank of a record in its queue: by priority, then by due time.

    `priority` is from -100 to 100, high first; `run_after` is aware and counts in
    milliseconds, clamped to the years 2020 to 2159.
    """
    due = (run_after - _EPOCH) // _MILLISECOND
    return ((MAX_PRIORITY - priority) << _TIME_BITS) + min(max(due, 0), _LATEST)


def priority_of(score: int) -> int:
    """Return the priority that a rank encodes."""
    return MAX_PRIORITY - (score >> _TIME_BITS)
