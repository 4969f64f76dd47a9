"""What a rule promises, the moments it is made of, and the words for both."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

from djtasks.errors import InvalidSchedule

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Rule(Protocol):
    """When a schedule fires: an immutable value without a clock of its own.

    `str(rule)` is what a person reads; `as_dict()` holds JSON values that `rule_from` takes.
    """

    kind: ClassVar[str]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first due time strictly after an aware `moment`, in UTC; None: never again."""

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as JSON values, its kind under "kind"."""


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


def span_in_words(span: timedelta) -> str:
    """Return a span of time such as "1 hour 30 minutes"; nothing is rounded."""
    seconds, rest = divmod(span, timedelta(seconds=1))
    parts = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(_counted(count, unit))
    if rest:
        parts.append(_counted(rest // timedelta(microseconds=1), "microsecond"))
    return " ".join(parts) or "0 seconds"


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def moment_in_words(moment: datetime) -> str:
    """Return a moment such as "2026-12-24 18:00 UTC", with seconds where there are any."""
    seconds = "" if moment.second == moment.microsecond == 0 else moment.strftime(":%S")
    return f"{moment:%Y-%m-%d %H:%M}{seconds} {moment.tzname()}"
