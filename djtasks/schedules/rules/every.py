"""A fixed interval of elapsed time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from djtasks.errors import InvalidSchedule
from djtasks.formats.durations import LONGEST
from djtasks.schedules.rules.base import (
    Say,
    duration_in_words,
    english,
    gettext_noop,
    in_utc,
    moment_in_words,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST = timedelta(seconds=1)
_ALONE = {
    timedelta(days=1): gettext_noop("Every day"),
    timedelta(hours=1): gettext_noop("Every hour"),
    timedelta(minutes=1): gettext_noop("Every minute"),
    timedelta(seconds=1): gettext_noop("Every second"),
}


@dataclass(frozen=True, slots=True)
class Every:
    """Fire at `anchor` plus and minus every multiple of `interval`, despite clock changes.

    If `anchor` is None, count from 1970-01-01 00:00 UTC, so that every process agrees and an
    interval of five minutes fires at :00, :05, … The rule also fires before `anchor`; to begin
    a schedule later, give it a `starts_at`.
    """

    interval: timedelta
    anchor: datetime | None = None

    kind: ClassVar[str] = "interval"

    def __post_init__(self) -> None:
        if not isinstance(self.interval, timedelta):
            raise InvalidSchedule(
                f"The interval of a schedule must be a timedelta, got {self.interval!r}. "
                f"Write Every(timedelta(minutes=5))."
            )
        if not _SHORTEST <= self.interval <= LONGEST:
            raise InvalidSchedule(
                f"The interval of a schedule must be from 1 second to {LONGEST.days:,} days, "
                f"got {self.interval}."
            )
        if self.anchor is not None:
            object.__setattr__(self, "anchor", in_utc(self.anchor, "The anchor of an interval"))

    def next_after(self, moment: datetime) -> datetime | None:
        """See Rule."""
        anchor = self.anchor or _EPOCH
        try:
            return anchor + ((moment - anchor) // self.interval + 1) * self.interval
        except OverflowError:
            return None

    def as_dict(self) -> dict[str, Any]:
        """See Rule."""
        return {
            "kind": self.kind,
            "seconds": self.interval.total_seconds(),
            "anchor": self.anchor.isoformat() if self.anchor else None,
        }

    def __str__(self) -> str:
        return self.in_words()

    def in_words(self, _: Say = english) -> str:
        """See Rule."""
        alone = _ALONE.get(self.interval)
        words = (
            _(alone)
            if alone
            else _("Every %(duration)s", duration=duration_in_words(self.interval, _))
        )
        if self.anchor is None:
            return words
        moment = moment_in_words(self.anchor)
        return _("%(rule)s, counted from %(moment)s", rule=words, moment=moment)
