"""Convert between instants and wall-clock times, including at clock changes."""

import difflib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from djtasks.errors import InvalidSchedule

_SECOND = timedelta(seconds=1)
# No zone has set its clock twice within a day and back to what it showed.
_SCAN_STEP = timedelta(days=1)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return the IANA zone of this name, or raise InvalidSchedule with the closest names."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        pass
    close = _similar_zones(str(name))
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise InvalidSchedule(f"There is no time zone {name!r}.{hint}")


def _similar_zones(name: str) -> list[str]:
    """Return up to three similar zones; a city alone or another case matches, too."""
    zones = {zone.lower(): zone for zone in sorted(available_timezones())}
    wanted = name.strip().lower().replace(" ", "_")
    cities = {short.rsplit("/", 1)[-1]: zone for short, zone in zones.items()}
    if known := (cities | zones).get(wanted):
        return [known]
    return [zones[short] for short in difflib.get_close_matches(wanted, zones, n=3)]


def offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    """Return how far the wall clock is ahead of UTC at an instant."""
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None, "ZoneInfo knows its offset at every instant"
    return offset


def wall_at(zone: ZoneInfo, instant: datetime) -> datetime:
    """Return what the wall clock shows at an instant, as a naive datetime."""
    return instant.astimezone(zone).replace(tzinfo=None)


def first_instant(zone: ZoneInfo, wall: datetime) -> datetime:
    """Return the first instant at which the clock shows `wall`, in UTC.

    When the clock skips `wall`, that is the first instant after the gap.
    """
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_at(zone, instant) == wall:
        return instant
    # In a gap, fold 0 goes by the offset before it and lands behind it, fold 1 the other way.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return next_change(zone, before, instant) or instant


def next_change(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Return the first instant in (after, until] at which the clock changes, or None.

    Both are whole seconds in UTC.
    """
    offset = offset_at(zone, after)
    earlier = after
    while earlier < until:
        later = min(earlier + _SCAN_STEP, until)
        if offset_at(zone, later) != offset:
            return _narrow(zone, earlier, later)
        earlier = later
    return None


def _narrow(zone: ZoneInfo, earlier: datetime, later: datetime) -> datetime:
    """Return the instant between two with different offsets at which the clock changes."""
    offset = offset_at(zone, earlier)
    while later - earlier > _SECOND:
        middle = earlier + (later - earlier) // (2 * _SECOND) * _SECOND
        if offset_at(zone, middle) == offset:
            earlier = middle
        else:
            later = middle
    return later
