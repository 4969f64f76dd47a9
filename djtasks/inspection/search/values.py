"""Parse the values of a search: moments, durations, ids and numbers."""

import json
import re
from datetime import datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from djtasks.formats.durations import LONGEST

_DURATION = re.compile(r"(?P<number>\d{1,12}(?:\.\d{1,6})?)\s*(?P<unit>ms|s|min|m|h|d|w)?")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HEX = re.compile(r"[0-9a-f]{6,32}")
_HEX_DIGITS = 32
_LARGEST = 2**63  # what every database can compare; 1e999 is not even JSON


class NotUnderstood(ValueError):
    """A value of a search is not valid. The message tells a person what was expected."""


class NotVisible(NotUnderstood):
    """A user searches by what they may not see."""


def duration_of(value: str) -> timedelta:
    """Return a duration such as `30s`, `5min`, `2h` or `1d`; a bare number is in seconds."""
    match = _DURATION.fullmatch(value)
    seconds = float(match["number"]) * _UNITS[match["unit"] or "s"] if match else -1.0
    if not 0 <= seconds <= LONGEST.total_seconds():
        raise NotUnderstood(
            _("“%(value)s” is not a duration. Enter one such as 30s, 5min, 2h or 1d.")
            % {"value": short(value)}
        )
    return timedelta(seconds=seconds)


def moment_of(value: str, now: datetime, zone: tzinfo) -> datetime:
    """Return a moment: `1h` is an hour ago, `+1h` in an hour, `13:20` today, or a date.

    Dates and times without a zone are in `zone`.
    """
    try:
        moment = _moment(value.strip(), now, zone)
        # Dates at the ends of the calendar have no UTC.
        moment = moment.astimezone(zone) if moment else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise NotUnderstood(
            _(
                "“%(value)s” is not a date or time. Enter how long ago, such as 1h or 2d, a time "
                "such as 13:20, or a date such as 2026-10-20 or 2026-10-20T13:20."
            )
            % {"value": short(value)}
        )
    return moment


def _moment(value: str, now: datetime, zone: tzinfo) -> datetime | None:
    clock = _CLOCK.fullmatch(value)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        today = now.astimezone(zone).date()
        return datetime.combine(today, time(hours, minutes, seconds), tzinfo=zone)
    if _DAY.fullmatch(value):
        return datetime.combine(datetime.fromisoformat(value).date(), time(), tzinfo=zone)
    if _DURATION.fullmatch(value.removeprefix("+")):
        length = duration_of(value.removeprefix("+"))
        return now + length if value.startswith("+") else now - length
    moment = parse_datetime(value)
    return moment.replace(tzinfo=moment.tzinfo or zone) if moment else None


def id_of(value: str) -> UUID | None:
    """Return a whole id, or None for anything else."""
    try:
        return UUID(value)
    except ValueError:
        return None


def ids_beginning(value: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last id with this beginning, or None if no id begins so."""
    digits = value.replace("-", "").lower()
    if not _HEX.fullmatch(digits):
        return None
    return (
        UUID(digits.ljust(_HEX_DIGITS, "0")),
        UUID(digits.ljust(_HEX_DIGITS, "f")),
    )


def count_of(value: str) -> int:
    """Return a number of attempts."""
    if not re.fullmatch(r"[0-9]{1,4}", value):
        raise NotUnderstood(
            _("“%(value)s” is not a number of attempts. Enter a whole number such as 3.")
            % {"value": short(value)}
        )
    return int(value)


def readings(value: str) -> list[Any]:
    """Return what a value may be in JSON: the text, and the number or null it spells."""
    try:
        spelt = json.loads(value, parse_constant=lambda _name: value)
    except (ValueError, RecursionError):
        return [value]
    is_number = isinstance(spelt, int | float) and abs(spelt) < _LARGEST
    return [spelt, value] if spelt is None or is_number else [value]


def in_json(value: str) -> list[str]:
    """Return how part of a text is stored in JSON: as it is, or escaped, by database."""
    return list(dict.fromkeys(json.dumps(value, ensure_ascii=no)[1:-1] for no in (False, True)))


def short(value: str) -> str:
    """Return a value for a message, shortened if it is long."""
    return value if len(value) <= 60 else f"{value[:60]}…"
