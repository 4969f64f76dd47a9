"""What an execution means: `judge`, as tables of (outcome, verdict)."""

from datetime import timedelta

import pytest

from djtasks.errors import (
    Cancel,
    TaskCancelled,
    TaskExpired,
    TaskTimeout,
    UnknownTask,
)
from djtasks.protocol.outcomes import (
    UNKNOWN_TASK_DELAY,
    UNKNOWN_TASK_PATIENCE,
    Expired,
    Raised,
    Returned,
    Unregistered,
    Verdict,
    judge,
)
from djtasks.protocol.states import State

BOOM = RuntimeError("boom")
STOPPED = TaskCancelled("stopped")
NOT_NEEDED = Cancel("not needed")
STALE = TaskExpired("stale")
UNKNOWN = UnknownTask("unknown")
MOMENT = timedelta(microseconds=1)
SOON = timedelta(seconds=10)


def never(error: BaseException) -> timedelta | None:
    raise AssertionError("There is nothing to decide on.")


@pytest.mark.parametrize("value", ["1", None])
def test_what_returned_is_a_success(value: str | None) -> None:
    assert judge(Returned(value), never) == Verdict(state=State.SUCCESSFUL, value=value)


@pytest.mark.parametrize(
    "error", [BOOM, TaskTimeout("slow"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()]
)
def test_whatever_a_task_raises_is_tried_again_while_its_policy_says_when(
    error: BaseException,
) -> None:
    asked: list[BaseException] = []

    def decide(failure: BaseException) -> timedelta:
        asked.append(failure)
        return SOON

    assert judge(Raised(error), decide) == Verdict(state=State.READY, error=error, delay=SOON)
    assert asked == [error]


def test_a_failure_is_the_end_once_its_policy_gives_up() -> None:
    assert judge(Raised(BOOM), lambda _error: None) == Verdict(state=State.FAILED, error=BOOM)


@pytest.mark.parametrize("error", [STOPPED, NOT_NEEDED])
def test_a_cancellation_is_never_tried_again(error: BaseException) -> None:
    verdict = judge(Raised(error), never)

    assert verdict == Verdict(state=State.CANCELLED, error=error)


def test_an_expired_record_ends_without_spending_an_attempt() -> None:
    verdict = judge(Expired(STALE))

    assert verdict == Verdict(state=State.EXPIRED, error=STALE, spent=False)


@pytest.mark.parametrize("waited", [timedelta(0), UNKNOWN_TASK_PATIENCE - MOMENT])
def test_a_record_whose_task_is_unknown_waits_for_a_deploy(waited: timedelta) -> None:
    verdict = judge(Unregistered(UNKNOWN, waited))

    assert verdict == Verdict(
        state=State.READY, error=UNKNOWN, delay=UNKNOWN_TASK_DELAY, spent=False
    )


def test_a_record_whose_task_stays_unknown_fails() -> None:
    verdict = judge(Unregistered(UNKNOWN, UNKNOWN_TASK_PATIENCE))

    assert verdict == Verdict(state=State.FAILED, error=UNKNOWN, spent=False)
