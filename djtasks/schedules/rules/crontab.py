"""Cron expressions, parsed by croniter, with our own rule for clock changes."""

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

from croniter import croniter

from djtasks.errors import InvalidSchedule
from djtasks.schedules.rules.base import Say, english
from djtasks.schedules.rules.cronsyntax import require_expression, without_idle_stars
from djtasks.schedules.rules.cronwords import cron_in_words
from djtasks.schedules.rules.wallclock import (
    first_instant,
    next_change,
    offset_at,
    wall_at,
    zone_named,
)

_SECOND = timedelta(seconds=1)
_ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall clock
_MINUTE, _HOUR, _SECOND_FIELD = 0, 1, 5


@dataclass(frozen=True, slots=True)
class Crontab:
    """Fire when the clock in time zone `tz` matches a cron expression.

    Five fields: minute, hour, day of the month, month, day of the week. With `seconds` there
    are six, the seconds *first* as in Quartz, Spring and node-cron: fields stay ordered by size.
    If both day fields are restricted, either one may match. Where crons disagree
    about that (one begins with a star, or has `#`, `L5` or `W`), the expression is refused.

    When the clock changes, a time that does not exist fires once, at the first instant after the
    gap. A time that comes twice fires once, the first time. Only patterns that run in every hour,
    or more than once in an hour, follow elapsed time: each instant whose clock time matches.
    """

    expression: str
    tz: str = "UTC"
    seconds: bool = field(default=False, kw_only=True)

    kind: ClassVar[str] = "cron"

    def __post_init__(self) -> None:
        if not isinstance(self.expression, str):
            raise InvalidSchedule(f"A cron expression must be a text, got {self.expression!r}.")
        object.__setattr__(self, "expression", " ".join(self.expression.split()))
        require_expression(self.expression, seconds=self.seconds)
        zone_named(self.tz)
        if self.next_wall(_ANY_DAY) is None:
            raise InvalidSchedule(
                f"The cron expression {self.expression!r} never fires: there is no such date."
            )

    def next_after(self, moment: datetime) -> datetime | None:
        """See Rule."""
        instant = moment.astimezone(UTC).replace(microsecond=0)
        return self._next_showing(instant) if self.is_elapsed else self._next_named(instant)

    @property
    def is_elapsed(self) -> bool:
        """Return whether the pattern runs in every hour or more than once within one."""
        fields = _parsed(self.expression, self.seconds).expanded
        repeats = [fields[_MINUTE], *fields[_SECOND_FIELD:]]
        return fields[_HOUR] == ["*"] or any(field == ["*"] or len(field) > 1 for field in repeats)

    @property
    def is_dense(self) -> bool:
        """Return whether it runs in each minute of some hours, which may mean once in each."""
        fields = _parsed(self.expression, self.seconds).expanded
        return bool(fields[_MINUTE] == ["*"] and fields[_HOUR] != ["*"])

    def _next_named(self, instant: datetime) -> datetime | None:
        """Return the next due time if each wall time of the pattern fires once."""
        zone = zone_named(self.tz)
        wall = self.next_wall(wall_at(zone, instant))
        while wall is not None:
            due = first_instant(zone, wall)
            # In an hour that comes a second time, its times have fired already.
            if due > instant:
                return due
            wall = self.next_wall(wall)
        return None

    def _next_showing(self, instant: datetime) -> datetime | None:
        """Return the next instant whose wall time matches the pattern."""
        zone = zone_named(self.tz)
        wall = self.next_wall(wall_at(zone, instant))
        while wall is not None:
            due = wall.replace(tzinfo=UTC) - offset_at(zone, instant)
            change = next_change(zone, instant, due)
            if change is None:
                return due
            instant = change
            wall = self.next_wall(wall_at(zone, change) - _SECOND)
        return None

    def next_wall(self, wall: datetime) -> datetime | None:
        """Return the next naive time of the pattern strictly after `wall`."""
        # croniter keeps its position; the copy leaves the shared one unchanged.
        times = copy.copy(_parsed(self.expression, self.seconds))
        try:
            found: datetime = times.get_next(datetime, start_time=wall)
        except (ValueError, OverflowError):  # nothing within 50 years, or after the year 9999
            return None
        return found

    def as_dict(self) -> dict[str, Any]:
        """See Rule."""
        return {
            "kind": self.kind,
            "expression": self.expression,
            "tz": self.tz,
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        return self.in_words()

    def in_words(self, _: Say = english) -> str:
        """See Rule."""
        parsed = _parsed(self.expression, self.seconds)
        return f"{cron_in_words(parsed, self.expression, _)}, {self.tz}"


@lru_cache(maxsize=4096)
def _parsed(expression: str, seconds: bool) -> Any:  # noqa: FBT001 - the key of the cache
    # Of `*,5` croniter makes ["*", 5]; everything that reads fields compares with ["*"].
    plain = without_idle_stars(expression)
    return croniter(plain, _ANY_DAY, second_at_beginning=seconds)
