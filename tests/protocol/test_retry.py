"""When a failed task runs again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djtasks.errors import Retry, TaskTimeout
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


@pytest.mark.parametrize(
    ("cancel_on", "error", "cancels"),
    [
        ((), ValueError(), False),
        ((LookupError,), KeyError(), True),
        ((KeyError,), LookupError(), False),
        ((KeyError, OSError), TaskTimeout(), True),
        ((Exception,), Retry(), False),
    ],
)
def test_which_errors_cancel_their_task_whatever_the_other_rules_say(
    cancel_on: tuple[type[BaseException], ...], error: BaseException, cancels: bool
) -> None:
    policy = RetryPolicy(retry_on=cancel_on, give_up_on=cancel_on, cancel_on=cancel_on)

    assert policy.cancels(error) is cancels


def test_a_policy_tries_once_unless_told_otherwise() -> None:
    assert RetryPolicy().max_attempts == 1


THRICE = RetryPolicy(
    max_attempts=3,
    backoff=Backoff(first_delay=timedelta(seconds=10), jitter=0.5),
    give_up_on=(LookupError,),
)
BOOM = RuntimeError("boom")
LOST = KeyError("lost")
LATER = Retry("later")
IN_A_MINUTE = Retry("in a minute", delay=60)
YESTERDAY = Retry("yesterday", delay=timedelta(days=-1))


def answering(answer: Any) -> RetryPolicy:
    """Return a policy whose backoff function always says this."""
    return replace(THRICE, backoff=lambda _error, _result: answer)


def seconds_of(delay: timedelta | None) -> float | None:
    return None if delay is None else delay.total_seconds()


@pytest.mark.parametrize(
    ("policy", "error", "attempt", "seconds"),
    [
        (RetryPolicy(), BOOM, 1, None),
        (THRICE, BOOM, 1, 10),
        (THRICE, BOOM, 2, 20),
        (THRICE, BOOM, 3, None),
        (THRICE, BOOM, 4, None),
        (THRICE, LOST, 1, None),
        (THRICE, SystemExit(3), 1, 10),
    ],
)
def test_attempts_decide_whether_a_failure_is_tried_again(
    policy: RetryPolicy, error: BaseException, attempt: int, seconds: float | None
) -> None:
    assert seconds_of(policy.decide(error, attempt)) == seconds


@pytest.mark.parametrize(
    ("answer", "error", "seconds"),
    [
        (1, BOOM, 1),
        (timedelta(seconds=1), BOOM, 1),
        (0.5, BOOM, 0.5),
        (-1, BOOM, 0),
        (None, BOOM, None),
        (1, LOST, None),
        (1, LATER, 1),
        (None, LATER, 15),
        (1, IN_A_MINUTE, 60),
        (None, IN_A_MINUTE, 60),
    ],
)
def test_a_backoff_function_decides_unless_the_task_asks_for_a_delay(
    answer: Any, error: Exception, seconds: float | None
) -> None:
    assert seconds_of(answering(answer).decide(error, 1)) == seconds


@pytest.mark.parametrize(("error", "seconds"), [(LATER, 10), (IN_A_MINUTE, 60), (YESTERDAY, 0)])
def test_the_delay_that_a_task_asks_for_goes_before_its_backoff(
    error: Exception, seconds: float
) -> None:
    assert seconds_of(THRICE.decide(error, 1)) == seconds


@pytest.mark.parametrize("policy", [THRICE, answering(None), answering(1)])
@pytest.mark.parametrize("error", [BOOM, LATER, IN_A_MINUTE])
def test_nothing_is_tried_again_beyond_the_last_attempt(
    error: Exception, policy: RetryPolicy
) -> None:
    assert policy.decide(error, 3) is None


def test_a_task_may_ask_for_a_retry_that_its_policy_would_not_give() -> None:
    only_lookups = replace(THRICE, retry_on=(LookupError,), give_up_on=(Retry,))

    assert seconds_of(only_lookups.decide(IN_A_MINUTE, 1)) == 60
    assert only_lookups.decide(BOOM, 1) is None


@pytest.mark.parametrize(("spread", "seconds"), [(-1, 5), (0, 10), (1, 15)])
def test_only_the_backoff_is_spread_by_jitter(spread: float, seconds: float) -> None:
    assert seconds_of(THRICE.decide(BOOM, 1, spread=spread)) == seconds
    assert seconds_of(THRICE.decide(IN_A_MINUTE, 1, spread=spread)) == 60


@pytest.mark.parametrize("attempt", [1, 3])
def test_a_backoff_function_hears_of_every_failure(attempt: int) -> None:
    heard: list[Any] = []
    policy = replace(THRICE, backoff=lambda error, result: heard.append((error, result)))

    policy.decide(BOOM, attempt, result=lambda: "the result")

    assert heard == [(BOOM, "the result")]


def test_what_a_backoff_function_raises_comes_out() -> None:
    with pytest.raises(ValueError, match="or None to give up; got 'soon'"):
        answering("soon").decide(BOOM, 1)


@pytest.mark.parametrize(
    ("delay", "kept"),
    [
        (None, None),
        (90, timedelta(seconds=90)),
        (0.5, timedelta(milliseconds=500)),
        (timedelta(hours=1), timedelta(hours=1)),
    ],
)
def test_a_retry_takes_seconds_or_a_span(
    delay: float | timedelta | None, kept: timedelta | None
) -> None:
    assert Retry("soon", delay=delay).delay == kept


def test_a_retry_without_a_reason_says_who_asked() -> None:
    assert str(Retry()) == "The task requested a retry."
    assert str(Retry("no paper")) == "no paper"
