"""The protocol of rules, and functions for datetimes, durations and their words."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from djtasks.errors import InvalidSchedule
from djtasks.formats.moments import as_moment


class Say(Protocol):
    """Fill values into words, and perhaps translate the words first.

    Name a parameter of this type `_`, so that makemessages finds the words that it gets.
    """

    def __call__(self, words: str, /, **values: object) -> str: ...


def english(words: str, /, **values: object) -> str:
    """Fill in values without translating the words."""
    return words % values


def gettext_noop(words: str) -> str:
    """Mark words for makemessages, which knows this name; rules do not import Django."""
    return words


_UNITS = (
    (gettext_noop("%(n)s day"), gettext_noop("%(n)s days"), 86_400),
    (gettext_noop("%(n)s hour"), gettext_noop("%(n)s hours"), 3_600),
    (gettext_noop("%(n)s minute"), gettext_noop("%(n)s minutes"), 60),
    (gettext_noop("%(n)s second"), gettext_noop("%(n)s seconds"), 1),
)


class Rule(Protocol):
    """When a schedule fires: an immutable value that never reads a clock.

    `str(rule)` describes the rule in English and never changes; `in_words` may use another
    language. `as_dict()` returns JSON values that `rule_from` takes.
    """

    kind: ClassVar[str]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first due time strictly after an aware `moment`, in UTC; None: no more."""

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as JSON values, with its kind under "kind"."""

    def in_words(self, _: Say = english) -> str:
        """Return what the rule means, in words that `_` translates."""
        ...


def in_utc(moment: object, what: str) -> datetime:
    """Return an aware datetime in UTC; `what` names it in the error.

    A moment at an end of the calendar becomes the last that every database can store. Raises
    InvalidSchedule for anything else.
    """
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidSchedule(
            f"{what} must be a datetime with a time zone, got {moment!r}. Give it one: "
            f"datetime(2026, 12, 24, 18, tzinfo=ZoneInfo('Europe/Athens'))."
        )
    return as_moment(moment)


def duration_in_words(duration: timedelta, _: Say = english) -> str:
    """Return a duration in words, such as "1 hour 30 minutes", without rounding."""
    seconds, rest = divmod(duration, timedelta(seconds=1))
    parts = []
    for one, many, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(_(one if count == 1 else many, n=f"{count:,}"))
    if rest:
        count = rest // timedelta(microseconds=1)
        words = gettext_noop("%(n)s microsecond"), gettext_noop("%(n)s microseconds")
        parts.append(_(words[count != 1], n=f"{count:,}"))
    return " ".join(parts) or _("%(n)s seconds", n=0)


def moment_in_words(moment: datetime) -> str:
    """Return a datetime such as "2026-12-24 18:00 UTC", with seconds unless they are zero."""
    seconds = "" if moment.second == moment.microsecond == 0 else moment.strftime(":%S")
    return f"{moment:%Y-%m-%d %H:%M}{seconds} {moment.tzname()}"
