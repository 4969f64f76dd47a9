"""Schedules of one moment."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from djtasks.errors import InvalidSchedule
from djtasks.formats.moments import EARLIEST, LATEST
from djtasks.schedules import Once

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_once_is_due_before_its_moment_and_never_after() -> None:
    rule = Once(NOON)

    assert rule.next_after(NOON - timedelta(seconds=1)) == NOON
    assert rule.next_after(NOON) is None


def test_a_moment_is_the_same_in_every_zone() -> None:
    assert Once(NOON.astimezone(timezone(timedelta(hours=3)))) == Once(NOON)


@pytest.mark.parametrize(
    ("at", "complaint"),
    [
        (datetime(2026, 5, 1), "must be a datetime with a time zone"),
        (None, "must be a datetime with a time zone, got None"),
    ],
)
def test_a_moment_that_is_none_is_refused(at: datetime, complaint: str) -> None:
    with pytest.raises(InvalidSchedule, match=complaint):
        Once(at)


@pytest.mark.parametrize("moment", ["0001-01-01", "9999-12-30", "9999-12-31"])
@pytest.mark.parametrize("hours", [-12, 0, 14])
def test_never_is_a_moment_that_every_zone_can_show(moment: str, hours: int) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=timezone(timedelta(hours=hours)))

    assert EARLIEST <= Once(at).at <= LATEST
