"""Moments that every database can store and every time zone can show."""

from datetime import UTC, datetime, timedelta, tzinfo

from djtasks.formats.durations import LONGEST

# A delay may still be added, and a time zone be applied, without leaving the calendar.
# The DATETIME of MySQL begins in the year 1000.
EARLIEST = datetime(1000, 1, 1, tzinfo=UTC) + LONGEST + timedelta(days=2)
LATEST = datetime.max.replace(tzinfo=UTC) - LONGEST - timedelta(days=2)


def as_moment(moment: datetime) -> datetime:
    """Return an aware datetime in UTC, not before EARLIEST and not after LATEST.

    Projects write "never" as `datetime.max`: this stands for any moment that far away.
    """
    try:
        return min(max(moment.astimezone(UTC), EARLIEST), LATEST)
    except OverflowError:
        return LATEST if moment.year > EARLIEST.year else EARLIEST


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Return a moment in a zone, or in its own if the zone's calendar does not reach it."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def later(moment: datetime, by: timedelta) -> datetime:
    """Return a moment and a duration after it, but not after LATEST."""
    try:
        return moment + by
    except OverflowError:
        return LATEST
