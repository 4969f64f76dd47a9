"""The next runs of a rule, with a note where a clock change affects one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from djtasks.schedules.rules.base import Rule
from djtasks.schedules.rules.crontab import Crontab
from djtasks.schedules.rules.wallclock import next_change, offset_at, wall_at, zone_named

_SECOND = timedelta(seconds=1)
_LONGEST_REPEAT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A due time; `note` describes a clock change that affects it, and is usually empty."""

    at: datetime
    note: str = ""


def upcoming(rule: Rule, count: int, after: datetime) -> list[Upcoming]:
    """Return the next `count` due times after a moment, or fewer if the rule ends."""
    found: list[Upcoming] = []
    before = after.astimezone(UTC)
    while len(found) < count and (due := rule.next_after(before)) is not None:
        note = _note(rule, before, due) if isinstance(rule, Crontab) else ""
        found.append(Upcoming(due, note))
        before = due
    return found


def _note(rule: Crontab, before: datetime, due: datetime) -> str:
    zone = zone_named(rule.tz)
    if not rule.is_elapsed:
        return _note_on_named(rule, zone, due)
    notes = (_note_on_elapsed(rule, zone, change, due) for change in _changes(zone, before, due))
    return next(filter(None, notes), "")


def _changes(zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    change = next_change(zone, after.replace(microsecond=0), until)
    while change is not None:
        yield change
        change = next_change(zone, change, until)


def _note_on_named(rule: Crontab, zone: ZoneInfo, due: datetime) -> str:
    wall = wall_at(zone, due)
    asked = rule.next_wall(wall_at(zone, due - _SECOND))
    if asked is not None and asked < wall and next_change(zone, due - _SECOND, due):
        return f"{_setting(zone, due)}: {asked:%H:%M} does not exist. It runs once, after the gap."
    again = wall.replace(tzinfo=zone, fold=1)
    if again.utcoffset() == offset_at(zone, due):
        return ""
    change = next_change(zone, due, due + _LONGEST_REPEAT)
    assert change is not None, "a time comes twice where the clock goes back"
    return f"{_setting(zone, change)}: {wall:%H:%M} comes twice. It runs once, the first time."


def _note_on_elapsed(rule: Crontab, zone: ZoneInfo, change: datetime, due: datetime) -> str:
    """Return a note on a change between two due times, the second of which is `due`."""
    last_second = wall_at(zone, change - _SECOND)
    if wall_at(zone, change) <= last_second:
        comes_twice = wall_at(zone, due) <= last_second
        twice = "the times between come twice, and it runs both times."
        return f"{_setting(zone, change)}: {twice}" if comes_twice else ""
    asked = rule.next_wall(last_second)
    if asked is None or asked >= wall_at(zone, change):
        return ""
    return f"{_setting(zone, change)}: the times between do not exist and are skipped."


def _setting(zone: ZoneInfo, change: datetime) -> str:
    """Describe a clock change, such as "Clocks go back from 03:00 CEST to 02:00 CET"."""
    last = (change - _SECOND).astimezone(zone)
    earlier, later = last.replace(tzinfo=None) + _SECOND, change.astimezone(zone)
    direction = "forward" if later.replace(tzinfo=None) > earlier else "back"
    day = "" if earlier.date() == later.date() else "%a %d %b "
    return (
        f"Clocks go {direction} from {earlier:{day}%H:%M} {last.tzname()} "
        f"to {later:{day}%H:%M} {later.tzname()}"
    )
