"""Policies for missed runs, and for a run that is due while the last one is not over."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, ClassVar

from djtasks.errors import InvalidSchedule
from djtasks.formats.durations import LONGEST, as_duration
from djtasks.schedules.rules.base import Rule, Say, duration_in_words, english

MOST_CAUGHT_UP = 1_000
MOST_SCANNED = 10_000


class Overlap(StrEnum):
    """What to do when a run is due and the last one is not final."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE_ONE = "queue_one"


@dataclass(frozen=True, slots=True)
class Coalesce:
    """Run once for all missed runs; the run has the due time of the first one."""

    name: ClassVar[str] = "coalesce"

    def as_dict(self) -> dict[str, Any]:
        """Return the policy as JSON values that `missed_from` takes."""
        return {"policy": self.name}

    def __str__(self) -> str:
        return self.in_words()

    def in_words(self, _: Say = english) -> str:
        """Return what the policy does, in words that `_` translates."""
        return _("one run for all that were missed")


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Run each missed due time, but at most the newest `limit` of them (1 to 1,000)."""

    limit: int

    name: ClassVar[str] = "catch_up"

    def __post_init__(self) -> None:
        is_number = isinstance(self.limit, int) and not isinstance(self.limit, bool)
        if not is_number or not 1 <= self.limit <= MOST_CAUGHT_UP:
            raise InvalidSchedule(
                f"CatchUp needs a limit from 1 to {MOST_CAUGHT_UP:,} runs, got {self.limit!r}."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the policy as JSON values that `missed_from` takes."""
        return {"policy": self.name, "limit": self.limit}

    def __str__(self) -> str:
        return self.in_words()

    def in_words(self, _: Say = english) -> str:
        """Return what the policy does, in words that `_` translates."""
        return _("each missed run, at most the newest %(n)s", n=f"{self.limit:,}")


@dataclass(frozen=True, slots=True)
class SkipIfOlderThan:
    """Run once for the newest missed due time if it is younger than `age`, else not at all."""

    age: timedelta

    name: ClassVar[str] = "skip_if_older_than"

    def __post_init__(self) -> None:
        if not isinstance(self.age, timedelta) or not timedelta(0) < self.age <= LONGEST:
            raise InvalidSchedule(
                f"SkipIfOlderThan needs a timedelta above zero and up to {LONGEST.days:,} days, "
                f"got {self.age!r}."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the policy as JSON values that `missed_from` takes."""
        return {"policy": self.name, "seconds": self.age.total_seconds()}

    def __str__(self) -> str:
        return self.in_words()

    def in_words(self, _: Say = english) -> str:
        """Return what the policy does, in words that `_` translates."""
        duration = duration_in_words(self.age, _)
        return _("the newest missed run, unless it is %(duration)s late", duration=duration)


MissedPolicy = Coalesce | CatchUp | SkipIfOlderThan


@dataclass(frozen=True, slots=True)
class Plan:
    """What a tick does: the due times to run now, oldest first, and when to look again."""

    fire: tuple[datetime, ...]
    next_run_at: datetime | None


def missed_from(stored: Mapping[str, Any]) -> MissedPolicy:
    """Return the policy that `as_dict` described, or raise InvalidSchedule."""
    match stored:
        case {"policy": Coalesce.name}:
            return Coalesce()
        case {"policy": CatchUp.name, "limit": limit}:
            return CatchUp(limit)
        case {"policy": SkipIfOlderThan.name, "seconds": seconds}:
            age = as_duration(seconds)
            return SkipIfOlderThan(seconds if age is None else age)
    raise InvalidSchedule(
        f"{stored!r} is not a policy for missed runs. Expected {{'policy': 'coalesce'}}, "
        f"{{'policy': 'catch_up', 'limit': 5}} or {{'policy': 'skip_if_older_than', "
        f"'seconds': 3600}}."
    )


def due_times(rule: Rule, policy: MissedPolicy, seen: datetime, now: datetime) -> Plan:
    """Return the plan for a schedule that is due: `seen`, its stored next run, is not after `now`.

    The next run is always after `now`, so a clock that went forward does not fire anything twice.
    """
    next_run_at = rule.next_after(now)
    match policy:
        case Coalesce():
            return Plan((seen,), next_run_at)
        case CatchUp(limit):
            return Plan(_newest(rule, seen, now, limit), next_run_at)
        case SkipIfOlderThan(age):
            newest = _newest(rule, seen, now, 1)
            return Plan(tuple(due for due in newest if now - due < age), next_run_at)


def _newest(rule: Rule, seen: datetime, now: datetime, count: int) -> tuple[datetime, ...]:
    """Return the newest `count` due times from `seen` to `now`, oldest first.

    A rule only goes forward, and years of seconds may lie behind us. So scan the last stretch
    first, as long as `count` runs should take, and double it while it holds too few. At most
    MOST_SCANNED due times of a stretch are scanned.
    """
    second = rule.next_after(seen)
    if second is None or second > now:
        return (seen,)
    stretch = (second - seen) * count
    while now - stretch > seen:
        found = deque(_between(rule, now - stretch, now), maxlen=count)
        if len(found) == count:
            return tuple(found)
        stretch *= 2
    return (seen, *_between(rule, seen, now))[-count:]


def _between(rule: Rule, after: datetime, until: datetime) -> Iterator[datetime]:
    return islice(_walk(rule, after, until), MOST_SCANNED)


def _walk(rule: Rule, after: datetime, until: datetime) -> Iterator[datetime]:
    due = rule.next_after(after)
    while due is not None and due <= until:
        yield due
        due = rule.next_after(due)
