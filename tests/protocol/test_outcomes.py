"""What an execution means: `judge`, as tables of (outcome, settlement)."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from djtasks.errors import (
    Cancel,
    TaskCancelled,
    TaskExpired,
    TaskTimeout,
    UnknownTask,
    UnstorableResult,
)
from djtasks.protocol.outcomes import (
    UNKNOWN_TASK_DELAY,
    UNKNOWN_TASK_PATIENCE,
    Expired,
    Outcome,
    Raised,
    Returned,
    Unregistered,
    judge,
)
from djtasks.protocol.records import Notes, Settlement
from djtasks.protocol.states import State

BOOM = RuntimeError("boom")
STOPPED = TaskCancelled("stopped")
NOT_NEEDED = Cancel("not needed")
STALE = TaskExpired("stale")
UNKNOWN = UnknownTask("unknown")
MOMENT = timedelta(microseconds=1)


class Claimed(NamedTuple):
    id: UUID
    fence: int
    task_path: str
    workflow: UUID | None = None


CLAIM = Claimed(UUID(int=1), 7, "shop.tasks.pay")
NOTES = Notes(error="{}", progress="[1]", fingerprint="ab", place="shop/tasks.py:7 in pay")


def never(error: BaseException) -> timedelta | None:
    raise AssertionError("There is nothing to decide on.")


def settlement(state: State, **verdict: Any) -> Settlement:
    return Settlement(id=CLAIM.id, fence=7, task_path="shop.tasks.pay", state=state, **verdict)


def failure(state: State, **verdict: Any) -> Settlement:
    """Return the settlement of an attempt of which all is noted."""
    names = ("error", "progress", "fingerprint", "place")
    return settlement(state, **{name: getattr(NOTES, name) for name in names}, **verdict)


@pytest.mark.parametrize("value", ["1", None])
def test_what_returned_is_a_success(value: str | None) -> None:
    success = settlement(State.SUCCESSFUL, value=value, progress="[1]")

    assert judge(Returned(value), CLAIM, NOTES, never) == success


@pytest.mark.parametrize(
    "error", [BOOM, TaskTimeout("slow"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()]
)
def test_whatever_a_task_raises_is_tried_again_while_its_policy_says_when(
    error: BaseException,
) -> None:
    asked: list[BaseException] = []

    def decide(raised: BaseException) -> timedelta:
        asked.append(raised)
        return timedelta(seconds=10)

    assert judge(Raised(error), CLAIM, NOTES, decide) == failure(State.READY, delay=10.0)
    assert asked == [error]


def test_a_result_that_cannot_be_stored_is_the_end_whatever_its_policy() -> None:
    unstorable = Raised(UnstorableResult("an object"))

    assert judge(unstorable, CLAIM, NOTES, never) == failure(State.FAILED)


def test_a_failure_is_the_end_once_its_policy_gives_up() -> None:
    assert judge(Raised(BOOM), CLAIM, NOTES, lambda _error: None) == failure(State.FAILED)


@pytest.mark.parametrize("error", [STOPPED, NOT_NEEDED])
def test_a_cancellation_is_never_tried_again_and_no_failure(error: BaseException) -> None:
    cancelled = settlement(State.CANCELLED, error="{}", progress="[1]")

    assert judge(Raised(error), CLAIM, NOTES, never) == cancelled


def test_an_error_that_cancels_its_task_is_no_failure() -> None:
    cancelled = settlement(State.CANCELLED, error="{}", progress="[1]")

    assert judge(Raised(BOOM, cancels=True), CLAIM, NOTES, never) == cancelled


def test_an_expired_record_ends_without_an_attempt() -> None:
    expired = settlement(State.EXPIRED, error="{}", spent=False, started=False)

    assert judge(Expired(STALE), CLAIM, NOTES) == expired


@pytest.mark.parametrize("waited", [None, timedelta(0), UNKNOWN_TASK_PATIENCE - MOMENT])
def test_a_record_whose_task_is_unknown_waits_for_a_deploy(waited: timedelta | None) -> None:
    seconds = UNKNOWN_TASK_DELAY.total_seconds()
    refused = settlement(State.READY, error="{}", delay=seconds, spent=False, started=False)

    assert judge(Unregistered(UNKNOWN, waited), CLAIM, NOTES) == refused


def test_a_record_whose_task_stays_unknown_fails() -> None:
    failed = settlement(State.FAILED, error="{}", spent=False, started=False)

    assert judge(Unregistered(UNKNOWN, UNKNOWN_TASK_PATIENCE), CLAIM, NOTES) == failed


@pytest.mark.parametrize(
    ("outcome", "store", "deletes"),
    [
        (Returned("1"), "errors", True),
        (Returned("1"), "none", True),
        (Raised(BOOM), "errors", False),
        (Raised(BOOM), "none", True),
        (Raised(STOPPED), "errors", False),
        (Raised(STOPPED), "none", True),
        (Expired(STALE), "errors", False),
        (Expired(STALE), "none", True),
        (Unregistered(UNKNOWN, UNKNOWN_TASK_PATIENCE), "none", False),
    ],
)
def test_the_store_policy_of_a_task_says_which_ends_are_kept(
    outcome: Outcome, store: str, deletes: bool
) -> None:
    assert judge(outcome, CLAIM, Notes(store=store)).deletes is deletes


def test_what_is_tried_again_is_kept_whatever_the_policy() -> None:
    retried = judge(Raised(BOOM), CLAIM, Notes(store="none"), lambda _error: timedelta(0))

    assert not retried.deletes


@pytest.mark.parametrize("store", ["errors", "none"])
@pytest.mark.parametrize(
    "outcome", [Returned(None), Raised(BOOM), Raised(STOPPED), Expired(STALE)], ids=repr
)
def test_a_member_of_a_workflow_is_kept_whatever_its_task_stores(
    store: str, outcome: Outcome
) -> None:
    member = CLAIM._replace(workflow=UUID(int=2))

    assert not judge(outcome, member, Notes(store=store)).deletes
