"""What an execution means: `judge`, as tables of (outcome, verdict)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from djtasks.errors import (
    Cancel,
    Retry,
    TaskCancelled,
    TaskExpired,
    TaskTimeout,
    UnknownTask,
)
from djtasks.protocol.outcomes import (
    GIVE_UP,
    UNKNOWN_TASK_DELAY,
    UNKNOWN_TASK_PATIENCE,
    Expired,
    Outcome,
    Raised,
    Returned,
    Unregistered,
    Verdict,
    judge,
)
from djtasks.protocol.retry import Backoff, RetryPolicy
from djtasks.protocol.states import State

ONCE = RetryPolicy()
THRICE = RetryPolicy(
    max_attempts=3,
    backoff=Backoff(first_delay=timedelta(seconds=10), jitter=0.5),
    give_up_on=(LookupError,),
)
BOOM = RuntimeError("boom")
LOST = KeyError("lost")
STOPPED = TaskCancelled("stopped")
NOT_NEEDED = Cancel("not needed")
LATER = Retry("later")
IN_A_MINUTE = Retry("in a minute", delay=60)
YESTERDAY = Retry("yesterday", delay=timedelta(days=-1))
STALE = TaskExpired("stale")
UNKNOWN = UnknownTask("unknown")
MOMENT = timedelta(microseconds=1)


def ready(error: BaseException, seconds: float) -> Verdict:
    return Verdict(state=State.READY, error=error, delay=timedelta(seconds=seconds))


def failed(error: BaseException) -> Verdict:
    return Verdict(state=State.FAILED, error=error)


@pytest.mark.parametrize(
    ("outcome", "policy", "attempt", "verdict"),
    [
        (Returned("1"), ONCE, 1, Verdict(state=State.SUCCESSFUL, value="1")),
        (Returned(None), ONCE, 1, Verdict(state=State.SUCCESSFUL)),
        (Returned("1"), THRICE, 99, Verdict(state=State.SUCCESSFUL, value="1")),
        (Raised(BOOM), ONCE, 1, failed(BOOM)),
        (Raised(BOOM), THRICE, 1, ready(BOOM, 10)),
        (Raised(BOOM), THRICE, 2, ready(BOOM, 20)),
        (Raised(BOOM), THRICE, 3, failed(BOOM)),
        (Raised(BOOM), THRICE, 4, failed(BOOM)),
        (Raised(LOST), THRICE, 1, failed(LOST)),
    ],
)
def test_attempts_decide_whether_a_failure_is_tried_again(
    outcome: Outcome, policy: RetryPolicy, attempt: int, verdict: Verdict
) -> None:
    assert judge(outcome, policy, attempt) == verdict


@pytest.mark.parametrize(
    "error", [TaskTimeout("slow"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()]
)
def test_every_other_thing_that_a_task_raises_is_a_failure(error: BaseException) -> None:
    assert judge(Raised(error), THRICE, 1) == ready(error, 10)
    assert judge(Raised(error), THRICE, 3) == failed(error)


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (Raised(BOOM, timedelta(seconds=1)), 1),
        (Raised(BOOM, timedelta(seconds=-1)), 0),
        (Raised(LATER), 10),
        (Raised(LATER, timedelta(seconds=1)), 1),
        (Raised(LATER, GIVE_UP), 10),
        (Raised(IN_A_MINUTE), 60),
        (Raised(IN_A_MINUTE, timedelta(seconds=1)), 60),
        (Raised(IN_A_MINUTE, GIVE_UP), 60),
        (Raised(YESTERDAY), 0),
    ],
)
def test_what_the_task_asks_for_goes_before_its_backoff(outcome: Raised, seconds: float) -> None:
    assert judge(outcome, THRICE, 1) == ready(outcome.error, seconds)


def test_a_backoff_function_that_gives_up_ends_the_record() -> None:
    assert judge(Raised(BOOM, GIVE_UP), THRICE, 1) == failed(BOOM)


@pytest.mark.parametrize("wish", [None, timedelta(seconds=1), GIVE_UP])
@pytest.mark.parametrize("error", [BOOM, LATER, IN_A_MINUTE])
def test_nothing_is_tried_again_beyond_the_last_attempt(error: Exception, wish: object) -> None:
    assert judge(Raised(error, wish), THRICE, 3) == failed(error)


def test_a_task_may_ask_for_a_retry_that_its_policy_would_not_give() -> None:
    only_lookups = replace(THRICE, retry_on=(LookupError,), give_up_on=(Retry,))

    assert judge(Raised(IN_A_MINUTE), only_lookups, 1) == ready(IN_A_MINUTE, 60)
    assert judge(Raised(BOOM), only_lookups, 1) == failed(BOOM)


@pytest.mark.parametrize("error", [STOPPED, NOT_NEEDED])
@pytest.mark.parametrize("attempt", [1, 3])
def test_a_cancellation_is_never_tried_again(error: BaseException, attempt: int) -> None:
    verdict = judge(Raised(error), THRICE, attempt)

    assert verdict == Verdict(state=State.CANCELLED, error=error)


def test_an_expired_record_ends_without_spending_an_attempt() -> None:
    verdict = judge(Expired(STALE), THRICE, 1)

    assert verdict == Verdict(state=State.EXPIRED, error=STALE, spent=False)


@pytest.mark.parametrize("waited", [timedelta(0), UNKNOWN_TASK_PATIENCE - MOMENT])
def test_a_record_whose_task_is_unknown_waits_for_a_deploy(waited: timedelta) -> None:
    verdict = judge(Unregistered(UNKNOWN, waited), ONCE, 1)

    assert verdict == Verdict(
        state=State.READY, error=UNKNOWN, delay=UNKNOWN_TASK_DELAY, spent=False
    )


def test_a_record_whose_task_stays_unknown_fails() -> None:
    verdict = judge(Unregistered(UNKNOWN, UNKNOWN_TASK_PATIENCE), ONCE, 1)

    assert verdict == Verdict(state=State.FAILED, error=UNKNOWN, spent=False)


@pytest.mark.parametrize(("spread", "seconds"), [(-1, 5), (0, 10), (1, 15)])
def test_only_the_backoff_is_spread_by_jitter(spread: float, seconds: float) -> None:
    assert judge(Raised(BOOM), THRICE, 1, spread=spread) == ready(BOOM, seconds)
    assert judge(Raised(IN_A_MINUTE), THRICE, 1, spread=spread) == ready(IN_A_MINUTE, 60)


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
    assert str(Retry()) == "The task asked to be run again."
    assert str(Retry("no paper")) == "no paper"
