"""Cron expressions in plain words, where words can say the same thing.

Where they would lie or ramble, the sentence quotes the expression instead.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", "l": "last"}
_EVERY: list[Any] = ["*"]
_MOST_TIMES = 4
_MOST_NUMBERS = 6
_MOST_WINDOWS = 3

# A field as croniter expands it: numbers in order, "l" for the last day, or `_EVERY`.
Field = Sequence[Any]


def cron_in_words(parsed: Any, expression: str) -> str:
    """Describe what croniter made of an expression, such as "Weekdays at 09:00"."""
    days, times = _days(parsed), _times(parsed)
    if days is None or times is None:
        return f"At the times of the cron expression {expression!r}"
    if not days and times.startswith("at ") and ":" in times:
        days = "daily"
    sentence = f"{days} {times}".strip()
    return sentence[0].upper() + sentence[1:]


def _days(parsed: Any) -> str | None:
    """Return "" for every day, None where there are no words."""
    _, _, dates, months, weekdays = parsed.expanded[:5]
    ordinals = parsed.nth_weekday_of_month
    if parsed.nearest_weekday or ordinals:
        # Together with another restriction of days, croniter takes both, not either.
        named = None
        if weekdays == _EVERY and len(parsed.nearest_weekday) == 1:
            named = f"on the weekday nearest to day {dates[0]}"
        elif dates == _EVERY and set(weekdays) == set(ordinals):
            named = _nth_weekdays(ordinals)
        return named and f"{named} of {_months(months) or 'the month'}"
    if dates == _EVERY:
        phrases = [_weekdays(weekdays), months != _EVERY and f"in {_months(months)}"]
        return " ".join(phrase for phrase in phrases if phrase)
    named = f"{_dates(dates)} of {_months(months) or 'the month'}"
    if weekdays == _EVERY:
        return named
    is_either = months == _EVERY and len(weekdays) < len(_WEEKDAYS)
    return f"{named} or {_weekdays(weekdays)}" if is_either else None


def _nth_weekdays(ordinals: dict[int, set[Any]]) -> str:
    named = [
        f"the {_ORDINALS[nth]} {_WEEKDAYS[day]}"
        for day in sorted(ordinals)
        for nth in sorted(ordinals[day], key=str)
    ]
    return f"on {_listed(named)}"


def _dates(dates: Field) -> str:
    numbers = [str(date) for date in dates if date != "l"]
    phrases = [f"day{'s' if len(numbers) > 1 else ''} {_listed(numbers)}"] if numbers else []
    if "l" in dates:
        phrases.append("the last day")
    return f"on {_listed(phrases)}"


def _months(months: Field) -> str:
    return "" if months == _EVERY else _listed([_MONTHS[month - 1] for month in months])


def _weekdays(weekdays: Field) -> str:
    match list(weekdays):
        case ["*"]:
            return ""
        case [1, 2, 3, 4, 5]:
            return "weekdays"
        case [0, 6]:
            return "Saturdays and Sundays"
    # The week of people begins on Monday, that of cron on Sunday.
    names = [f"{_WEEKDAYS[day]}s" for day in sorted(weekdays, key=lambda day: day or 7)]
    return _listed(names)


def _times(parsed: Any) -> str | None:
    """Return when on such a day, None where there are no words."""
    minutes, hours = parsed.expanded[:2]
    seconds = next(iter(parsed.expanded[5:]), [0])
    if len(seconds) == 1 and seconds != _EVERY:
        if _count(minutes, 60) * _count(hours, 24) <= _MOST_TIMES:
            return f"at {_listed(_clock_times(hours, minutes, seconds[0]))}"
        return _repeated(minutes, hours) if seconds == [0] else None
    if minutes != _EVERY:
        return None
    return _joined(_rhythm(seconds, "second"), _windows(hours))


def _clock_times(hours: Field, minutes: Field, second: int) -> list[str]:
    shown = f":{second:02}" if second else ""
    return [f"{hour:02}:{minute:02}{shown}" for hour in hours for minute in minutes]


def _repeated(minutes: Field, hours: Field) -> str | None:
    if len(minutes) > 1 or minutes == _EVERY:
        return _joined(_rhythm(minutes, "minute"), _windows(hours))
    minute = minutes[0]
    step = 1 if hours == _EVERY else _step(hours, 24)
    if step:
        at = f" at minute {minute}" if minute else ""
        return f"every hour{at}" if step == 1 else f"every {step} hours{at}"
    if _spans(hours) == [(hours[0], hours[-1])]:
        return f"every hour from {hours[0]:02}:{minute:02} to {hours[-1]:02}:{minute:02}"
    return None


def _rhythm(values: Field, unit: str) -> str | None:
    if values == _EVERY:
        return f"every {unit}"
    step = _step(values, 60)
    if step:
        return f"every {step} {unit}s"
    if unit == "minute" and len(values) <= _MOST_NUMBERS:
        return f"at minutes {_listed([str(value) for value in values])} of each hour"
    return None


def _windows(hours: Field) -> str | None:
    """Return "" for the whole day."""
    if hours == _EVERY:
        return ""
    spans = _spans(hours)
    if len(spans) > _MOST_WINDOWS:
        return None
    return _listed([f"from {first:02}:00 to {last:02}:59" for first, last in spans])


def _joined(rhythm: str | None, windows: str | None) -> str | None:
    return None if rhythm is None or windows is None else f"{rhythm} {windows}".strip()


def _count(values: Field, whole: int) -> int:
    return whole if values == _EVERY else len(values)


def _step(values: Field, whole: int) -> int | None:
    """Return n when the values are every n-th of the whole, and the next round goes on so."""
    step: int = values[1] - values[0] if len(values) > 1 else 0
    is_even = step > 0 and whole % step == 0 and list(values) == list(range(0, whole, step))
    return step if is_even else None


def _spans(values: Field) -> list[tuple[int, int]]:
    """Return the stretches without a hole, each as its first and last value."""
    holes = [pair for pair in pairwise(values) if pair[1] - pair[0] > 1]
    firsts = [values[0], *(after for _, after in holes)]
    lasts = [*(before for before, _ in holes), values[-1]]
    return list(zip(firsts, lasts, strict=True))


def _listed(names: Sequence[str]) -> str:
    """Join names: "a", "a and b", "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
