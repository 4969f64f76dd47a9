"""What a schedule means and what a tick of it does: decisions without a clock or a database."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from djtasks.errors import InvalidSchedule
from djtasks.formats.json_values import decode, encode_sorted
from djtasks.models import Schedule
from djtasks.schedules import MissedPolicy, Overlap, Rule, due_times, missed_from, rule_from
from djtasks.store.schedules import DueSchedule

# A last due time further ahead of the clock than this is left over from a clock that was wrong.
CLOCK_TRUST = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The columns of a schedule that say when, as what they mean."""

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
    """What a tick does: due times to enqueue, oldest first, and what the row says after it."""

    fire: tuple[datetime, ...]
    next_run_at: datetime | None
    last_due_at: datetime


def timetable_of(row: DueSchedule | Schedule) -> Timetable:
    """Return what the columns mean; raises InvalidSchedule for columns that mean nothing."""
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


def _rule_of(stored: Any) -> Rule:
    return _parsed(encode_sorted(stored, "rule"))


# Parsing a cron expression costs more than the rest of its tick.
@lru_cache(maxsize=16_384)
def _parsed(text: bytes) -> Rule:
    return rule_from(decode(text))


def _overlap_of(stored: str) -> Overlap:
    try:
        return Overlap(stored)
    except ValueError:
        raise InvalidSchedule(
            f"The overlap of a schedule is one of {', '.join(Overlap)}, got {stored!r}."
        ) from None


def ticked_until(last_due_at: datetime | None, now: datetime) -> datetime:
    """Return the moment after which a due time is new, given the last one that ticked.

    That only grows, so no due time ticks twice, whatever the clock does; but one that lies
    more than an hour ahead comes from a wrong clock and counts as now.
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
    """Decide about a row whose next run, `seen`, is not after `now`.

    `is_running`: its last record is not final. With an overlap other than "allow" a tick
    enqueues one record at most; for "queue_one" the next missed one stays due.
    """
    if last_due_at is not None and last_due_at - now > CLOCK_TRUST:
        last_due_at = None
    plan = due_times(table.rule, table.missed, seen, now)
    new = tuple(
        due
        for due in plan.fire
        if table.contains(due) and (last_due_at is None or due > last_due_at)
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
    """Return what the next run of an enabled schedule should be; `stored` if that is right.

    It is wrong when it lies beyond what the rule says from now: it was computed while the
    clock stood in the future, or edited by hand. One that is due is the ticker's.
    """
    if stored is not None and stored <= now:
        return stored
    following = table.next_after(ticked_until(last_due_at, now))
    if stored is None or following is None or following < stored:
        return following
    return stored


def start_of(table: Timetable, *, schedule: int, due: datetime, now: datetime) -> datetime | None:
    """Return when the record of a due time may start; None: at once.

    With jitter, somewhere in the span after `due`: the same for everybody who asks, different
    for each schedule and each time.
    """
    if not table.jitter:
        return None
    text = f"{schedule}:{due.timestamp()}".encode()
    number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
    start = due + table.jitter * (number / 2**64)
    return start if start > now else None
