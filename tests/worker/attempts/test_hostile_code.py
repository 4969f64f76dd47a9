"""Code that a task leaves behind is as hostile as the task: nothing of it ends a slot."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

import pytest

from djtasks.errors import Retry, TaskTimeout
from djtasks.formats.durations import LONGEST
from djtasks.protocol.states import State
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts import time_limits
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.running import ThreadGate, Work
from djtasks.worker.attempts.time_limits import Limits
from tests import tasks
from tests.worker.making import WORKER, claim_of


class Shapeless(Exception):
    """An error that does not even tell its class."""

    @property
    def __class__(self) -> Any:
        raise SystemExit(5)

    @__class__.setter
    def __class__(self, _value: Any) -> None: ...


class Moody(Exception):
    """An error that ends the process when it is asked whether it is true, or for its notes."""

    def __bool__(self) -> bool:
        raise SystemExit(6)

    def __str__(self) -> str:
        raise SystemExit(7)

    def __getattr__(self, name: str) -> Any:
        raise SystemExit(8)


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


@pytest.fixture
def doing() -> Iterator[Any]:
    """Make a task, given by its kind, do something else during the test."""
    before = [(task, task.func) for task in (tasks.add, tasks.add_async)]

    def change(kind: str, deed: Callable[[], Any]) -> Any:
        async def deed_async() -> Any:
            return deed()

        task, func = {
            "thread": (tasks.add, deed),
            "coroutine": (tasks.add_async, deed_async),
        }[kind]
        path = task.module_path
        object.__setattr__(task, "func", func)
        return path

    yield change
    for task, func in before:
        object.__setattr__(task, "func", func)


def raising(error: BaseException) -> Callable[[], Any]:
    def deed() -> Any:
        raise error

    return deed


def with_delay(delay: Any) -> Retry:
    """Return a Retry whose delay was changed after it was made."""
    error = Retry("later")
    error.delay = delay
    return error


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


KINDS = pytest.mark.parametrize("kind", ["thread", "coroutine"])


@KINDS
@pytest.mark.parametrize(
    "error",
    [Forgetful(), with_delay("60"), with_delay(float("nan")), with_delay(timedelta(days=10**8))],
    ids=["no delay", "a text", "NaN", "too long"],
)
def test_a_retry_without_a_sensible_delay_takes_the_backoff(
    pipeline: Pipeline, doing: Any, kind: str, error: BaseException
) -> None:
    path = doing(kind, raising(error))

    settlement = execute_here(pipeline, claim_of(path, max_attempts=3)).settlement

    assert settlement.state is State.READY
    assert 12 <= settlement.delay <= 18


@KINDS
def test_an_error_that_cannot_be_looked_at_fails_its_task_alone(
    pipeline: Pipeline, doing: Any, kind: str
) -> None:
    path = doing(kind, raising(Shapeless()))

    finished = execute_here(pipeline, claim_of(path, max_attempts=3))

    assert finished.settlement.state is State.FAILED
    assert finished.settlement.spent
    entry = json.loads(finished.settlement.error)
    assert entry["class"] == "djtasks.errors.UnusableError"
    assert "SystemExit was raised by code that its error" in entry["message"]


class Unreadable(dict[str, int]):
    """A value that raises when it is read."""

    def items(self) -> Any:
        raise SystemExit(9)


@KINDS
@pytest.mark.parametrize("value", [{1: "x"}, object(), "x" * 200, Unreadable(a=1)])
def test_a_task_whose_result_cannot_be_stored_is_not_run_again(
    pipeline: Pipeline, doing: Any, kind: str, value: Any
) -> None:
    path = doing(kind, lambda: value)

    settlement = execute_here(pipeline, claim_of(path, max_attempts=5)).settlement

    assert settlement.state is State.FAILED
    entry = json.loads(settlement.error)
    assert entry["class"] == "djtasks.errors.UnstorableResult"
    assert f"{path!r} returned" in entry["message"]


@KINDS
def test_an_error_that_raises_when_it_is_read_is_a_failure_like_any_other(
    pipeline: Pipeline, doing: Any, kind: str
) -> None:
    path = doing(kind, raising(Moody()))

    settlement = execute_here(pipeline, claim_of(path, max_attempts=3)).settlement

    assert settlement.state is State.READY
    assert json.loads(settlement.error)["class"].endswith("test_hostile_code.Moody")


@pytest.mark.parametrize("delay", ["5", object(), [1], True])
def test_a_delay_that_is_none_fails_where_it_is_given(delay: Any) -> None:
    with pytest.raises(TypeError, match="is a timedelta or seconds, got"):
        Retry(delay=delay)


@pytest.mark.parametrize("delay", [float("nan"), float("inf"), 1e300, timedelta(days=3_000_000)])
def test_a_delay_that_no_date_can_hold_fails_where_it_is_given(delay: Any) -> None:
    assert Retry(delay=LONGEST).delay == LONGEST
    with pytest.raises(ValueError, match="is at most 36,500 days, got"):
        Retry(delay=delay)


@pytest.mark.parametrize("answer", [float("nan"), 1e300, timedelta(days=3_000_000), True])
def test_a_backoff_function_that_returns_no_duration_falls_back_to_the_default(
    pipeline: Pipeline, with_backoff: Any, answer: Any
) -> None:
    with_backoff(lambda *_given: answer)

    settlement = execute_here(pipeline, exploding()).settlement

    assert settlement.state is State.READY
    assert 12 <= settlement.delay <= 18


def test_a_limit_that_struck_before_c_code_failed_ends_no_slot(
    pipeline: Pipeline, doing: Any
) -> None:
    gate, entered = ThreadGate(), threading.Event()
    never: SimpleQueue[None] = SimpleQueue()

    def wait_in_c() -> None:
        entered.set()
        never.get(timeout=0.5)

    path = doing("thread", wait_in_c)
    striker = threading.Thread(target=lambda: entered.wait(30) and gate.throw(TaskTimeout))
    striker.start()

    finished = pipeline.run(Work.of(claim_of(path)), gate)
    striker.join()

    assert finished.settlement.state is State.FAILED
    # The limit may also strike before the function has reached C code.
    ended_with = json.loads(finished.settlement.error)["class"]
    assert ended_with in ("_queue.Empty", "djtasks.errors.TaskTimeout")


class Hanging(Exception):
    """An error whose text takes for ever, until it is released."""

    def __init__(self, hang: Callable[[], Any]) -> None:
        self.hang = hang

    def __str__(self) -> str:
        return str(self.hang())


@pytest.mark.parametrize("place", ["backoff", "str"])
def test_code_that_never_answers_after_the_task_is_noticed_and_not_asked_again(
    pipeline: Pipeline, with_backoff: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    entered, release = threading.Event(), threading.Event()

    def hang(*_given: Any) -> int:
        assert not entered.is_set(), "it hangs already"
        entered.set()
        release.wait(30)
        return 1

    if place == "backoff":
        with_backoff(hang)
    else:
        monkeypatch.setattr(pipeline, "_run", lambda _context: raising(Hanging(hang))())
    monkeypatch.setattr(time_limits, "HANG_GRACE", timedelta(0))
    told: list[Any] = []
    limits = Limits(lambda running: told.append(pipeline.overdue(running)))
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

    assert [one.settlement.state for one in told] == [State.READY]
    assert "TaskTimeout" in told[0].settlement.error
