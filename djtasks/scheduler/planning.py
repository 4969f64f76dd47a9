"""Decide which due times a schedule fires and when it runs next, without clock or database."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from djtasks.errors import DjtasksError, InvalidSchedule
from djtasks.formats.json_values import decode, encode_sorted
from djtasks.formats.tracebacks import message_of, storable
from djtasks.models import Schedule
from djtasks.schedules import (
    MissedPolicy,
    Once,
    Overlap,
    Rule,
    due_times,
    missed_from,
    rule_from,
)
from djtasks.store.schedules import DueSchedule

# A last due time further ahead of the clock than this was written by a wrong clock.
CLOCK_TRUST = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The parsed columns of a schedule that determine when it runs."""

    rule: Rule
    missed: MissedPolicy
    overlap: Overlap
    jitter: timedelta
    starts_at: datetime | None
    ends_at: datetime | None

    def contains(self, due: datetime) -> bool:
        """Return whether a due time lies between start and end, both included."""
        return (self.starts_at is None or due >= self.starts_at) and (
            self.ends_at is None or due <= self.ends_at
        )

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first due time after `moment` within start and end, if there is one."""
        if self.starts_at is not None and self.starts_at > moment:
            moment = self.starts_at - _INSTANT
        due = self.rule.next_after(moment)
        return due if due is not None and self.contains(due) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The result of a tick: due times to enqueue, oldest first, and the row's new values."""

    fire: tuple[datetime, ...]
    next_run_at: datetime | None
    last_due_at: datetime


def timetable_of(row: DueSchedule | Schedule) -> Timetable:
    """Parse the columns of a row; raise InvalidSchedule if one is invalid."""
    if not isinstance(row.jitter, timedelta) or row.jitter < timedelta(0):
        raise InvalidSchedule(f"The jitter of a schedule must not be negative, got {row.jitter}.")
    return Timetable(
        rule=_rule_of(row.rule),
        missed=missed_from(row.missed),
        overlap=_overlap_of(row.overlap),
        jitter=row.jitter,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


def problem_of(row: DueSchedule | Schedule) -> str:
    """Return why the columns of a row cannot be read, or "" if they can."""
    try:
        timetable_of(row)
    except Exception as error:  # noqa: BLE001 - whatever somebody put into the row
        return reason_of(error)
    return ""


def reason_of(error: BaseException) -> str:
    """Return the text of an error as a row stores it."""
    message = storable(message_of(error))
    return message if isinstance(error, DjtasksError) else f"{type(error).__name__}: {message}"


def _rule_of(stored: Any) -> Rule:
    return _parsed(encode_sorted(stored, "rule"))


# Parsing a cron expression takes longer than the rest of its tick.
@lru_cache(maxsize=16_384)
def _parsed(text: bytes) -> Rule:
    return rule_from(decode(text))


def _overlap_of(stored: str) -> Overlap:
    try:
        return Overlap(stored)
    except ValueError:
        raise InvalidSchedule(
            f"The overlap of a schedule must be one of {', '.join(Overlap)}, got {stored!r}."
        ) from None


def ticked_until(last_due_at: datetime | None, now: datetime) -> datetime:
    """Return the moment after which a due time is new, given the last one that fired.

    It never goes back, so no due time fires twice, whatever the clock does. A last due time
    more than an hour ahead was written by a wrong clock and counts as now.
    """
    if last_due_at is None or last_due_at - now > CLOCK_TRUST:
        return now
    return max(last_due_at, now)


def decide(
    table: Timetable,
    *,
    seen: datetime,
    last_due_at: datetime | None,
    now: datetime,
    is_running: bool = False,
) -> Decision:
    """Decide what a row whose next run, `seen`, is not after `now` fires.

    `is_running`: its last record is not final. With an overlap other than "allow", a tick
    enqueues at most one record. With "queue_one", the next missed one stays due.
    """
    spent = last_due_at if isinstance(table.rule, Once) else None
    if last_due_at is not None and last_due_at - now > CLOCK_TRUST:
        last_due_at = None
    plan = due_times(table.rule, table.missed, seen, now)
    new = tuple(
        due
        for due in plan.fire
        if table.contains(due) and due != spent and (last_due_at is None or due > last_due_at)
    )
    following = table.next_after(ticked_until(last_due_at, now))
    ticked = max((*new, seen) if last_due_at is None else (*new, seen, last_due_at))
    match table.overlap:
        case Overlap.ALLOW:
            return Decision(fire=new, next_run_at=following, last_due_at=ticked)
        case Overlap.SKIP:
            fire = () if is_running else new[:1]
            return Decision(fire=fire, next_run_at=following, last_due_at=ticked)
        case Overlap.QUEUE_ONE if len(new) > 1:
            return Decision(fire=new[:1], next_run_at=new[1], last_due_at=new[0])
    return Decision(fire=new, next_run_at=following, last_due_at=ticked)


def healed(
    table: Timetable, *, stored: datetime | None, last_due_at: datetime | None, now: datetime
) -> datetime | None:
    """Return the correct next run of an enabled schedule; `stored` if it is correct.

    It is wrong if it lies beyond the rule's next due time: it was computed while the clock was
    in the future, or edited by hand. A next run that is due is left to the ticker. A Once that
    fired too early, by a wrong clock, has fired.
    """
    if stored is not None and stored <= now:
        return stored
    if isinstance(table.rule, Once) and table.rule.at == last_due_at:
        return None
    following = table.next_after(ticked_until(last_due_at, now))
    if stored is None or following is None or following < stored:
        return following
    return stored


def start_of(table: Timetable, *, schedule: int, due: datetime, now: datetime) -> datetime | None:
    """Return when the record of a due time may start; None means at once.

    With jitter, it starts within that duration after `due`. The moment depends on the schedule
    and the due time only, so every scheduler computes the same one.
    """
    if not table.jitter:
        return None
    text = f"{schedule}:{due.timestamp()}".encode()
    number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
    start = due + table.jitter * (number / 2**64)
    return start if start > now else None
