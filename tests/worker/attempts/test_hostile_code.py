"""User code that decides on a retry is as hostile as the task: nothing of it ends a slot."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from djtasks.errors import Retry
from djtasks.protocol.states import State
from djtasks.testing.running import execute_here
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.running import ThreadGate, Work
from djtasks.worker.attempts.time_limits import Limits
from tests import tasks
from tests.worker.making import WORKER, claim_of


class Forgetful(Retry):
    """A subclass that does not call its parent."""

    def __init__(self) -> None:
        pass


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(store=None, worker=WORKER, max_result=100)  # type: ignore[arg-type]


@pytest.fixture
def with_backoff() -> Iterator[Any]:
    """Give a task that raises another backoff function."""
    before = tasks.explode.backoff
    yield lambda function: object.__setattr__(tasks.explode, "backoff", function)
    object.__setattr__(tasks.explode, "backoff", before)


def exploding() -> Any:
    return claim_of(tasks.explode.module_path, "x", max_attempts=3, timeout=0.05)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), RuntimeError("no")])
def test_whatever_a_backoff_function_raises_the_default_applies(
    pipeline: Pipeline, with_backoff: Any, error: BaseException
) -> None:
    def backoff(*_given: Any) -> Any:
        raise error

    with_backoff(backoff)

    settlement = execute_here(pipeline, exploding()).settlement

    assert settlement.state is State.READY
    assert settlement.delay is not None


def test_a_retry_that_forgot_its_delay_takes_the_backoff(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(*_given: Any) -> Any:
        raise Forgetful

    monkeypatch.setattr(Pipeline, "_returned", forget)

    finished = execute_here(pipeline, claim_of(tasks.add.module_path, 1, 2, max_attempts=3))

    assert finished.settlement.state is State.READY


@pytest.mark.parametrize("delay", ["5", object(), [1]])
def test_a_delay_that_is_none_fails_where_it_is_given(delay: Any) -> None:
    with pytest.raises(TypeError, match="is a timedelta or seconds, got"):
        Retry(delay=delay)


def test_a_backoff_function_that_never_answers_is_noticed(
    pipeline: Pipeline, with_backoff: Any
) -> None:
    entered, release = threading.Event(), threading.Event()

    def hang(*_given: Any) -> int:
        entered.set()
        release.wait(30)
        return 1

    with_backoff(hang)
    hung: list[Any] = []
    limits = Limits(hung.append)
    seen: list[Any] = []
    slot = threading.Thread(
        target=lambda: pipeline.run(Work.of(exploding()), ThreadGate(), seen.append)
    )
    slot.start()
    entered.wait(30)

    limits.strike(seen[0])  # its time limit
    limits.strike(seen[0])  # the grace after it
    release.set()
    slot.join()

    assert hung == seen
