"""What a task with `takes_context=True` receives."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from djtasks.compat import TaskContext
from djtasks.context import Completion, Context, call_task
from djtasks.formats.ids import new_id


class Attempt:
    """An execution that notes down what its context asks of it."""

    def __init__(self) -> None:
        self.id: UUID = new_id()
        self.task_path = "shop.tasks.pay"
        self.fence = 7
        self.attempt = 2
        self.cancelled = False
        self.stopping = False
        self.reported: list[dict[str, Any]] = []
        self.completed: list[Any] = []

    def result(self) -> Any:
        return "the result as it stands now"

    def call(self, context: Context) -> Any:
        return ("called with", context)

    def report(self, progress: dict[str, Any]) -> None:
        self.reported.append(progress)

    @contextmanager
    def completing(self, completion: Completion) -> Iterator[None]:
        yield
        self.completed.append(completion.value)


@pytest.fixture
def attempt() -> Attempt:
    return Attempt()


@pytest.fixture
def context(attempt: Attempt) -> Context:
    return Context(attempt)


def test_a_context_is_djangos_and_tells_of_the_attempt(context: Context, attempt: Attempt) -> None:
    assert isinstance(context, TaskContext)
    assert (context.id, context.fence) == (attempt.id, 7)
    assert (context.task_path, context.attempt) == ("shop.tasks.pay", 2)
    assert context.task_result == "the result as it stands now"


def test_middleware_is_around_a_call_of_the_attempt_with_its_context(context: Context) -> None:
    assert call_task(context) == ("called with", context)


def test_a_context_tells_of_a_cancellation_when_it_is_asked(
    context: Context, attempt: Attempt
) -> None:
    assert not context.cancelled

    attempt.cancelled = True

    assert context.cancelled


@pytest.mark.parametrize(
    ("call", "progress"),
    [
        ((1,), {"done": 1, "total": None, "note": ""}),
        ((1, 3), {"done": 1, "total": 3, "note": ""}),
        ((0.5, 1.0, "half"), {"done": 0.5, "total": 1.0, "note": "half"}),
        ((1, 2, "x" * 500), {"done": 1, "total": 2, "note": "x" * 200}),
        ((1, 2, 7), {"done": 1, "total": 2, "note": "7"}),
        ((1, 2, "a\x00\ud800"), {"done": 1, "total": 2, "note": "a\\x00\\ud800"}),
    ],
)
def test_progress_is_reported(
    context: Context, attempt: Attempt, call: Any, progress: dict[str, Any]
) -> None:
    context.set_progress(*call)

    assert attempt.reported == [progress]


@pytest.mark.parametrize(
    "call",
    [(float("nan"),), (float("inf"), 1), (1, float("-inf")), (2**63,), ("1",), (1, Decimal(2))],
)
def test_progress_that_is_no_number_is_refused(
    context: Context, attempt: Attempt, call: Any
) -> None:
    with pytest.raises(ValueError, match="set_progress needs finite numbers, got"):
        context.set_progress(*call)

    assert attempt.reported == []


def test_a_completion_has_the_value_it_has_at_the_end(context: Context, attempt: Attempt) -> None:
    with context.complete_in_transaction("early") as first:
        assert first.value == "early"
    with context.complete_in_transaction() as second:
        second.value = "late"

    assert attempt.completed == ["early", "late"]


def test_a_block_that_fails_completes_nothing(context: Context, attempt: Attempt) -> None:
    with pytest.raises(ZeroDivisionError), context.complete_in_transaction("value"):
        raise ZeroDivisionError

    assert attempt.completed == []
