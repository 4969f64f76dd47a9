"""When a failed task runs again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.protocol.retry import Backoff, RetryPolicy

PLAIN = Backoff(
    first_delay=timedelta(seconds=10),
    factor=3,
    longest_delay=timedelta(minutes=5),
    jitter=0.2,
)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 10), (2, 30), (3, 90), (4, 270), (5, 300)])
def test_delays_grow_by_the_factor_up_to_the_longest(attempt: int, seconds: int) -> None:
    assert PLAIN.delay_after(attempt) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("spread", "seconds"), [(-1, 8), (-0.5, 9), (0, 10), (1, 12)])
def test_jitter_spreads_a_delay_up_and_down(spread: float, seconds: int) -> None:
    assert PLAIN.delay_after(1, spread=spread) == timedelta(seconds=seconds)


def test_the_longest_delay_is_spread_too() -> None:
    assert PLAIN.delay_after(99, spread=1) == timedelta(minutes=6)


@pytest.mark.parametrize("factor", [1, 2.0, 3, 1e300])
def test_no_number_of_attempts_overflows(factor: float) -> None:
    backoff = replace(PLAIN, factor=factor)

    assert backoff.delay_after(32_000) <= backoff.longest_delay


@pytest.mark.parametrize("attempt", [1, 2, 700, 32_000])
def test_a_first_delay_of_nothing_stays_nothing(attempt: int) -> None:
    at_once = Backoff(first_delay=timedelta(0), factor=3)

    assert at_once.delay_after(attempt, spread=1) == timedelta(0)


def test_the_default_waits_15_seconds_and_at_most_an_hour() -> None:
    assert Backoff().delay_after(1) == timedelta(seconds=15)
    assert Backoff().delay_after(2) == timedelta(seconds=30)
    assert Backoff().delay_after(50) == timedelta(hours=1)


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    longest = draw(st.timedeltas(timedelta(0), timedelta(days=36_500)))
    return Backoff(
        first_delay=draw(st.timedeltas(timedelta(0), longest)),
        longest_delay=longest,
        factor=draw(st.floats(min_value=1, max_value=1e308)),
        jitter=draw(st.floats(min_value=0, max_value=1)),
    )


@given(backoffs(), st.integers(1, 32_000), st.floats(-1, 1))
def test_every_delay_lies_within_its_bounds(backoff: Backoff, attempt: int, spread: float) -> None:
    delay = backoff.delay_after(attempt, spread=spread)

    rounding = timedelta(milliseconds=1)
    assert delay >= backoff.first_delay * (1 - backoff.jitter) - rounding
    assert delay <= backoff.longest_delay * (1 + backoff.jitter) + rounding


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"first_delay": timedelta(seconds=-1)}, "0 <= first_delay <= longest_delay"),
        ({"first_delay": timedelta(hours=2)}, "0 <= first_delay <= longest_delay"),
        ({"longest_delay": timedelta.max}, "longest_delay <= 36,500 days"),
        ({"factor": 0.5}, "factor >= 1"),
        ({"factor": float("nan")}, "factor >= 1"),
        ({"factor": float("inf")}, "factor >= 1"),
        ({"jitter": -0.1}, "jitter from 0 to 1"),
        ({"jitter": 1.1}, "jitter from 0 to 1"),
        ({"jitter": float("nan")}, "jitter from 0 to 1"),
    ],
)
def test_a_backoff_that_makes_no_sense_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Backoff(**options)


@pytest.mark.parametrize(
    ("retry_on", "give_up_on", "error", "worth_it"),
    [
        (None, (), ValueError(), True),
        (None, (ValueError,), ValueError(), False),
        (None, (ValueError,), UnicodeError(), False),
        (None, (UnicodeError,), ValueError(), True),
        ((LookupError,), (), ValueError(), False),
        ((LookupError,), (), KeyError(), True),
        ((LookupError,), (KeyError,), KeyError(), False),
        ((LookupError,), (KeyError,), IndexError(), True),
        ((), (), ValueError(), False),
        (None, (), SystemExit(), True),
    ],
)
def test_which_failures_are_worth_another_attempt(
    retry_on: tuple[type[BaseException], ...] | None,
    give_up_on: tuple[type[BaseException], ...],
    error: BaseException,
    worth_it: bool,
) -> None:
    policy = RetryPolicy(retry_on=retry_on, give_up_on=give_up_on)

    assert policy.worth_retrying(error) is worth_it


def test_a_policy_tries_once_unless_told_otherwise() -> None:
    assert RetryPolicy().max_attempts == 1
