"""Spans of time as people give them."""

from datetime import timedelta
from typing import Any

import pytest

from djtasks.formats.durations import LONGEST, as_duration


@pytest.mark.parametrize(
    ("given", "span"),
    [
        (0, timedelta(0)),
        (90, timedelta(seconds=90)),
        (0.25, timedelta(milliseconds=250)),
        (-1, timedelta(seconds=-1)),
        (timedelta(hours=1), timedelta(hours=1)),
        (LONGEST, LONGEST),
        (-LONGEST, -LONGEST),
        (LONGEST.total_seconds(), LONGEST),
    ],
)
def test_a_timedelta_or_a_number_of_seconds_is_a_span(given: Any, span: timedelta) -> None:
    assert as_duration(given) == span


@pytest.mark.parametrize(
    "given",
    [
        None,
        True,
        "60",
        float("nan"),
        float("inf"),
        float("-inf"),
        10**400,
        timedelta.max,
        timedelta.min,
        LONGEST + timedelta.resolution,
    ],
)
def test_anything_else_is_none(given: Any) -> None:
    assert as_duration(given) is None
