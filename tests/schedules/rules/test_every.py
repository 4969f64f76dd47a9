"""Intervals of elapsed time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.errors import InvalidSchedule
from djtasks.schedules import Every

FIVE = timedelta(minutes=5)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "after", "expected"),
    [
        (None, timedelta(0), FIVE),
        (None, timedelta(minutes=3), FIVE),
        (None, timedelta(microseconds=-1), timedelta(0)),
        (NOON + timedelta(minutes=2), timedelta(0), timedelta(minutes=2)),
        (NOON + timedelta(minutes=2), timedelta(minutes=2), timedelta(minutes=7)),
        (NOON + timedelta(days=1, minutes=2), timedelta(0), timedelta(minutes=2)),
    ],
)
def test_an_interval_is_counted_from_its_anchor_or_the_epoch(
    anchor: datetime | None, after: timedelta, expected: timedelta
) -> None:
    assert Every(FIVE, anchor).next_after(NOON + after) == NOON + expected


@given(
    st.timedeltas(timedelta(seconds=1), timedelta(days=3650)),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_the_next_time_is_after_the_moment_by_at_most_the_interval(
    interval: timedelta, anchor: datetime, moment: datetime
) -> None:
    due = Every(interval, anchor).next_after(moment)

    assert due is not None
    assert moment < due <= moment + interval
    assert (due - anchor) % interval == timedelta(0)


def test_nothing_is_due_after_the_last_year() -> None:
    assert Every(FIVE).next_after(datetime.max.replace(tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("interval", "complaint"),
    [
        (timedelta(milliseconds=999), "from 1 second to 36,500 days, got 0:00:00.999"),
        (timedelta(seconds=-5), "from 1 second"),
        (timedelta.max, "from 1 second"),
        (300, r"must be a timedelta, got 300\. Write Every\(timedelta"),
    ],
)
def test_an_interval_that_makes_no_sense_is_refused(interval: Any, complaint: str) -> None:
    with pytest.raises(InvalidSchedule, match=complaint):
        Every(interval)


@pytest.mark.parametrize("anchor", [datetime(2026, 1, 1), "2026-01-01"])
def test_an_anchor_without_a_zone_is_refused(anchor: Any) -> None:
    with pytest.raises(InvalidSchedule, match=r"The anchor .* must be a datetime with a time zone"):
        Every(FIVE, anchor)
