"""Durations: parse them, format them, and round a moment down to a step."""

from datetime import UTC, datetime, timedelta

# What every database can add to a moment and still store.
LONGEST = timedelta(days=36_500)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_duration(value: object) -> timedelta | None:
    """Return a timedelta or a number of seconds as a timedelta; return None for anything else.

    Also returns None for NaN, and for more than 36,500 days in either direction.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        # NaN is not within anything.
        is_sane = abs(value) <= LONGEST.total_seconds()
        return timedelta(seconds=value) if is_sane else None
    if isinstance(value, timedelta) and abs(value) <= LONGEST:
        return value
    return None


def in_words(length: timedelta) -> str:
    """Return a duration in at most two parts, such as `2 min 48 s`."""
    seconds = int(length.total_seconds())
    for size, name, small, small_name in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= size:
            rest = seconds % size // small
            return f"{seconds // size} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{seconds} s"


def floor(moment: datetime, step: timedelta) -> datetime:
    """Return the moment rounded down to a whole step (in UTC, since 1970)."""
    return moment - (moment - _EPOCH) % step
