"""The rank of a hint inside its queue."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.protocol.hints import MAX_PRIORITY, MIN_PRIORITY, score_of

MILLISECOND = timedelta(milliseconds=1)
priorities = st.integers(MIN_PRIORITY, MAX_PRIORITY)
moments = st.datetimes(
    min_value=datetime(2020, 1, 1), max_value=datetime(2159, 1, 1), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))


@given(st.tuples(priorities, moments), st.tuples(priorities, moments))
def test_scores_order_by_priority_and_then_by_time(
    one: tuple[int, datetime], other: tuple[int, datetime]
) -> None:
    def rank(record: tuple[int, datetime]) -> tuple[int, datetime]:
        priority, run_after = record
        return -priority, run_after

    assert (score_of(*one) < score_of(*other)) == (rank(one) < rank(other))
    assert (score_of(*one) == score_of(*other)) == (rank(one) == rank(other))


@given(priorities, st.datetimes(timezones=st.just(UTC)))
def test_a_score_is_exact_in_the_double_that_redis_keeps(
    priority: int, run_after: datetime
) -> None:
    score = score_of(priority, run_after)

    assert 0 <= score < 2**50
    assert int(float(score)) == score


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_no_due_time_however_early_or_late_goes_before_a_higher_priority(
    early: datetime, late: datetime
) -> None:
    assert score_of(1, late) < score_of(0, early)


@pytest.mark.parametrize("year", [1, 1969, 1970, 2019])
def test_moments_before_2020_rank_alike(year: int) -> None:
    first = score_of(0, datetime(2020, 1, 1, tzinfo=UTC))

    assert score_of(0, datetime(year, 6, 1, tzinfo=UTC)) == first


def test_moments_after_2159_rank_last_and_alike() -> None:
    last = score_of(0, datetime(2160, 1, 1, tzinfo=UTC))

    assert score_of(0, datetime.max.replace(tzinfo=UTC)) == last
    assert score_of(0, datetime(2159, 1, 1, tzinfo=UTC)) < last


@given(priorities, moments, st.integers(0, 3))
def test_each_millisecond_is_one_rank(priority: int, run_after: datetime, later: int) -> None:
    rank = score_of(priority, run_after)

    assert score_of(priority, run_after + later * MILLISECOND) == rank + later


def test_the_zone_of_a_moment_makes_no_difference() -> None:
    noon = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
    in_nepal = noon.astimezone(timezone(timedelta(hours=5, minutes=45)))

    assert score_of(0, in_nepal) == score_of(0, noon)
