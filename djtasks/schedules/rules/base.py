"""What a rule promises, the moments it is made of, and the words for both."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

from djtasks.errors import InvalidSchedule


class Say(Protocol):
    """Fills values into words, and may translate the words before.

    Whoever takes one names it `_`, so that translators find what it is given.
    """

    def __call__(self, words: str, /, **values: object) -> str: ...


def english(words: str, /, **values: object) -> str:
    """Fill in values, and leave the words as they are."""
    return words % values


def gettext_noop(words: str) -> str:
    """Mark words for translators, whose tools know this name; rules know no Django."""
    return words


_UNITS = (
    (gettext_noop("%(n)s day"), gettext_noop("%(n)s days"), 86_400),
    (gettext_noop("%(n)s hour"), gettext_noop("%(n)s hours"), 3_600),
    (gettext_noop("%(n)s minute"), gettext_noop("%(n)s minutes"), 60),
    (gettext_noop("%(n)s second"), gettext_noop("%(n)s seconds"), 1),
)


class Rule(Protocol):
    """When a schedule fires: an immutable value without a clock of its own.

    `str(rule)` is what a person reads, in English and always the same; `in_words` may say it in
    another language. `as_dict()` holds JSON values that `rule_from` takes.
    """

    kind: ClassVar[str]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first due time strictly after an aware `moment`, in UTC; None: never again."""

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as JSON values, its kind under "kind"."""

    def in_words(self, _: Say = english) -> str:
        """Return what it means, said by `_`."""
        ...


def in_utc(moment: object, what: str) -> datetime:
    """Return an aware datetime in UTC; `what` is how the error names it.

    Raises InvalidSchedule for anything else, and for what lies outside the years 1 to 9999.
    """
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidSchedule(
            f"{what} must be a datetime with a time zone, got {moment!r}. Give it one: "
            f"datetime(2026, 12, 24, 18, tzinfo=ZoneInfo('Europe/Athens'))."
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidSchedule(f"{what} is too far away: {moment!r}.") from None


def duration_in_words(duration: timedelta, _: Say = english) -> str:
    """Return a span of time such as "1 hour 30 minutes"; nothing is rounded."""
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
    """Return a moment such as "2026-12-24 18:00 UTC", with seconds where there are any."""
    seconds = "" if moment.second == moment.microsecond == 0 else moment.strftime(":%S")
    return f"{moment:%Y-%m-%d %H:%M}{seconds} {moment.tzname()}"
