"""What a rule promises, and the moments it is made of."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

from djtasks.errors import InvalidSchedule


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
