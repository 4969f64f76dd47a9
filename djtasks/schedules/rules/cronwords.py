"""Describe cron expressions in plain words.

Where words would be wrong or too long, the sentence quotes the expression instead.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from djtasks.schedules.rules.base import Say, english, gettext_noop

_MONTHS = (
    *(gettext_noop("January"), gettext_noop("February"), gettext_noop("March")),
    *(gettext_noop("April"), gettext_noop("May"), gettext_noop("June")),
    *(gettext_noop("July"), gettext_noop("August"), gettext_noop("September")),
    *(gettext_noop("October"), gettext_noop("November"), gettext_noop("December")),
)
_WEEKDAYS = (
    (gettext_noop("Sunday"), gettext_noop("Sundays")),
    (gettext_noop("Monday"), gettext_noop("Mondays")),
    (gettext_noop("Tuesday"), gettext_noop("Tuesdays")),
    (gettext_noop("Wednesday"), gettext_noop("Wednesdays")),
    (gettext_noop("Thursday"), gettext_noop("Thursdays")),
    (gettext_noop("Friday"), gettext_noop("Fridays")),
    (gettext_noop("Saturday"), gettext_noop("Saturdays")),
)
_NTH = {
    1: gettext_noop("the first %(weekday)s"),
    2: gettext_noop("the second %(weekday)s"),
    3: gettext_noop("the third %(weekday)s"),
    4: gettext_noop("the fourth %(weekday)s"),
    5: gettext_noop("the fifth %(weekday)s"),
    "l": gettext_noop("the last %(weekday)s"),
}
_EACH = {"second": gettext_noop("every second"), "minute": gettext_noop("every minute")}
_STEPS = {
    "second": gettext_noop("every %(n)s seconds"),
    "minute": gettext_noop("every %(n)s minutes"),
}
_EVERY: list[Any] = ["*"]
_MOST_TIMES = 4
_MOST_NUMBERS = 6
_MOST_WINDOWS = 3
_MOST_HOURS = 12

# A field as croniter expands it: numbers in order, "l" for the last day, or `_EVERY`.
Field = Sequence[Any]


def cron_in_words(parsed: Any, expression: str, _: Say = english) -> str:
    """Describe a cron expression that croniter has parsed, such as "Weekdays at 09:00".

    Always returns words: an expression that none fit is quoted.
    """
    try:
        words = _sentence(parsed, _)
    except Exception:  # noqa: BLE001 - a list of schedules must not fail for the words of one
        words = None
    return words or _("At the times of the cron expression %(expression)r", expression=expression)


def _sentence(parsed: Any, _: Say) -> str | None:
    """Return the expression in words, None if words cannot say it."""
    days, times = _days(parsed, _), _times(parsed, _)
    if days is None or times is None:
        return None
    if not days and _names_times(parsed):
        days = _("daily")
    sentence = _("%(days)s %(times)s", days=days, times=times).strip() if days else times
    return sentence[0].upper() + sentence[1:]


def _days(parsed: Any, _: Say) -> str | None:
    """Return the days in words: "" for every day, None if words cannot say it."""
    dates, months, weekdays = parsed.expanded[2:5]
    ordinals = parsed.nth_weekday_of_month
    if parsed.nearest_weekday or ordinals:
        named = None
        if weekdays == _EVERY and len(parsed.nearest_weekday) == 1:
            named = _("on the weekday nearest to day %(n)s", n=dates[0])
        elif dates == _EVERY and set(weekdays) == set(ordinals):
            named = _nth_weekdays(ordinals, _)
        return named and _of_months(named, months, _)
    if dates == _EVERY:
        phrases = [_weekdays(weekdays, _)]
        phrases += [] if months == _EVERY else [_("in %(months)s", months=_months(months, _))]
        return " ".join(phrase for phrase in phrases if phrase)
    named = _of_months(_dates(dates, _), months, _)
    if weekdays == _EVERY:
        return named
    is_either = months == _EVERY and len(weekdays) < len(_WEEKDAYS)
    return _either(named, _weekdays(weekdays, _), _) if is_either else None


def _of_months(days: str, months: Field, _: Say) -> str:
    if months == _EVERY:
        return _("%(days)s of the month", days=days)
    return _("%(days)s of %(months)s", days=days, months=_months(months, _))


def _either(days: str, weekdays: str, _: Say) -> str:
    return _("%(days)s or %(weekdays)s", days=days, weekdays=weekdays)


def _nth_weekdays(ordinals: dict[int, set[Any]], _: Say) -> str:
    named = [
        _(_NTH[nth], weekday=_(_WEEKDAYS[day][0]))
        for day in sorted(ordinals)
        for nth in sorted(ordinals[day], key=str)
    ]
    return _("on %(days)s", days=_listed(named, _))


def _dates(dates: Field, _: Say) -> str:
    numbers = [str(date) for date in dates if date != "l"]
    phrases = []
    if numbers:
        listed = _listed(numbers, _)
        phrases.append(_("days %(n)s", n=listed) if len(numbers) > 1 else _("day %(n)s", n=listed))
    if "l" in dates:
        phrases.append(_("the last day"))
    return _("on %(days)s", days=_listed(phrases, _))


def _months(months: Field, _: Say) -> str:
    return _listed([_(_MONTHS[month - 1]) for month in months], _)


def _weekdays(weekdays: Field, _: Say) -> str:
    match list(weekdays):
        case ["*"]:
            return ""
        case [1, 2, 3, 4, 5]:
            return _("weekdays")
        case [0, 6]:
            return _("Saturdays and Sundays")
    # For people the week begins on Monday, for cron on Sunday.
    names = [_(_WEEKDAYS[day][1]) for day in sorted(weekdays, key=lambda day: day or 7)]
    return _listed(names, _)


def _names_times(parsed: Any) -> bool:
    """Return whether a day has so few times that each is named."""
    minutes, hours = parsed.expanded[:2]
    seconds = next(iter(parsed.expanded[5:]), [0])
    is_one = len(seconds) == 1 and seconds != _EVERY
    return is_one and _count(minutes, 60) * _count(hours, 24) <= _MOST_TIMES


def _times(parsed: Any, _: Say) -> str | None:
    """Return the times of day in words, None if words cannot say it."""
    minutes, hours = parsed.expanded[:2]
    seconds = next(iter(parsed.expanded[5:]), [0])
    if _names_times(parsed):
        return _("at %(times)s", times=_listed(_clock_times(hours, minutes, seconds[0]), _))
    if len(seconds) == 1 and seconds != _EVERY:
        return _repeated(minutes, hours, _) if seconds == [0] else None
    if minutes != _EVERY:
        return None
    return _joined(_rhythm(seconds, "second", _), _windows(hours, _), _)


def _clock_times(hours: Field, minutes: Field, second: int) -> list[str]:
    shown = f":{second:02}" if second else ""
    return [f"{hour:02}:{minute:02}{shown}" for hour in hours for minute in minutes]


def _repeated(minutes: Field, hours: Field, _: Say) -> str | None:
    if len(minutes) > 1 or minutes == _EVERY:
        return _joined(_rhythm(minutes, "minute", _), _windows(hours, _), _)
    minute = minutes[0]
    step = 1 if hours == _EVERY else _step(hours, 24)
    if step:
        words = _("every hour") if step == 1 else _("every %(n)s hours", n=step)
        return _("%(hours)s at minute %(n)s", hours=words, n=minute) if minute else words
    if _ranges(hours) == [(hours[0], hours[-1])]:
        first, last = (f"{hour:02}:{minute:02}" for hour in (hours[0], hours[-1]))
        return _("every hour from %(first)s to %(last)s", first=first, last=last)
    return None


def _rhythm(values: Field, unit: str, _: Say) -> str | None:
    if values == _EVERY:
        return _(_EACH[unit])
    step = _step(values, 60)
    if step:
        return _(_STEPS[unit], n=step)
    if unit == "minute" and len(values) <= _MOST_NUMBERS:
        minutes = _listed([str(value) for value in values], _)
        return _("at minutes %(minutes)s of each hour", minutes=minutes)
    return None


def _windows(hours: Field, _: Say) -> str | None:
    """Return the hours in words: "" for the whole day, None if there are too many to list."""
    if hours == _EVERY:
        return ""
    durations = _ranges(hours)
    if len(durations) > _MOST_WINDOWS:
        if len(hours) > _MOST_HOURS:
            return None
        return _("in the hours %(hours)s", hours=_listed([str(hour) for hour in hours], _))
    named = [
        _("from %(first)s to %(last)s", first=f"{first:02}:00", last=f"{last:02}:59")
        for first, last in durations
    ]
    return _listed(named, _)


def _joined(rhythm: str | None, windows: str | None, _: Say) -> str | None:
    if rhythm is None or windows is None:
        return None
    return _("%(rhythm)s %(windows)s", rhythm=rhythm, windows=windows) if windows else rhythm


def _count(values: Field, whole: int) -> int:
    return whole if values == _EVERY else len(values)


def _step(values: Field, whole: int) -> int | None:
    """Return n if the values are every n-th of the whole, and n divides the whole; else None."""
    step: int = values[1] - values[0] if len(values) > 1 else 0
    is_even = step > 0 and whole % step == 0 and list(values) == list(range(0, whole, step))
    return step if is_even else None


def _ranges(values: Field) -> list[tuple[int, int]]:
    """Return the ranges without a gap, each as its first and last value."""
    holes = [pair for pair in pairwise(values) if pair[1] - pair[0] > 1]
    firsts = [values[0], *(after for _, after in holes)]
    lasts = [*(before for before, _ in holes), values[-1]]
    return list(zip(firsts, lasts, strict=True))


def _listed(names: Sequence[str], _: Say) -> str:
    """Join names: "a", "a and b", "a, b and c"."""
    *most, last = names
    return _("%(most)s and %(last)s", most=", ".join(most), last=last) if most else last
