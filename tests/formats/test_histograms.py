"""Histograms of times: small, additive, and with percentiles of a known error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.formats.histograms import add, bucket_of, merged, quantile

DAY = 86_400.0
times = st.floats(min_value=0.001, max_value=10 * DAY)


@given(times)
def test_a_percentile_is_at_most_nine_percent_off(seconds: float) -> None:
    told = quantile({bucket_of(seconds): 1}, 0.5)

    assert told is not None
    assert abs(told - seconds) / seconds <= 0.0906


@given(times, times)
def test_a_longer_time_is_never_in_an_earlier_bucket(one: float, other: float) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.0005, 0.001])
def test_what_takes_no_millisecond_is_in_the_first_bucket(seconds: float) -> None:
    assert bucket_of(seconds) == 0


def test_what_takes_for_ever_is_in_the_last_bucket() -> None:
    assert bucket_of(20 * DAY) == bucket_of(1e12) == 120


def test_percentiles_of_many_times() -> None:
    histogram = merged({bucket_of(float(n)): 1} for n in range(1, 101))

    assert quantile(histogram, 0.5) == pytest.approx(50, rel=0.1)
    assert quantile(histogram, 0.95) == pytest.approx(95, rel=0.1)


def test_histograms_add_up_as_json_keeps_them_too() -> None:
    assert merged([{"3": 2, "5": 1}, {3: 4}]) == {3: 6, 5: 1}


def test_no_times_have_no_percentile() -> None:
    assert quantile({}, 0.95) is None


@pytest.mark.parametrize("part", [None, 7, [1], {"a": 1}, {"20": [1]}, {"20": None}])
def test_what_is_no_histogram_adds_nothing(part: Any) -> None:
    total = {20: 1}

    add(total, part)

    assert total == {20: 1}
