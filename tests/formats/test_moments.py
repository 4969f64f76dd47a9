"""Moments at the ends of the calendar, which projects use for "never" and "always"."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from djtasks.formats.durations import LONGEST
from djtasks.formats.moments import EARLIEST, LATEST, as_moment, in_zone, later

NEVER, ALWAYS = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
WEST, EAST = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))


@pytest.mark.parametrize("zone", [UTC, WEST, EAST, ZoneInfo("Europe/Athens")])
def test_never_is_the_last_moment_that_can_be_stored_and_shown(zone):
    assert as_moment(NEVER.replace(tzinfo=zone)) == LATEST
    assert as_moment(ALWAYS.replace(tzinfo=zone)) == EARLIEST


@pytest.mark.parametrize("end", [EARLIEST, LATEST])
def test_at_both_ends_there_is_room_for_a_delay_and_a_time_zone(end):
    for zone in (WEST, EAST):
        assert (end + LONGEST).astimezone(zone)
        assert (end - LONGEST).astimezone(zone).year >= 1000


def test_any_other_moment_is_only_put_into_utc():
    noon = datetime(2026, 10, 20, 12, tzinfo=EAST)

    assert as_moment(noon) == noon
    assert as_moment(noon).tzinfo is UTC


@pytest.mark.parametrize("name", ["Europe/Athens", "America/New_York"])
@pytest.mark.parametrize("moment", [NEVER, ALWAYS])
def test_a_moment_beyond_the_calendar_of_a_zone_is_shown_as_it_is(name, moment):
    assert in_zone(moment, ZoneInfo(name)).year in (1, 9999)


def test_nothing_is_later_than_the_calendar():
    assert later(LATEST, LONGEST * 9) == LATEST
    assert later(EARLIEST, LONGEST) == EARLIEST + LONGEST
