"""Spans and moments in plain words."""

from datetime import datetime, timedelta

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


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
