"""What the test tools announce: the signals and log lines of a worker."""

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from djtasks.backend import DjtasksBackend
from djtasks.compat import LOGGER_NAME, task_finished, task_started
from djtasks.protocol.states import State
from djtasks.signals import task_cancelled, task_retrying
from djtasks.testing import ImmediateBackend, run_due
from tests import tasks

SIGNALS = {
    "started": task_started,
    "finished": task_finished,
    "retrying": task_retrying,
    "cancelled": task_cancelled,
}


@pytest.fixture(params=["run_due", "immediate"])
def run(request: pytest.FixtureRequest, settings: Any, db: Any) -> Any:
    """Return a function that enqueues a task and runs it; `run.sender` is the backend's class."""

    def enqueue(task: Any, *args: Any) -> None:
        task.enqueue(*args)
        if request.param == "run_due":
            run_due()

    enqueue.sender = DjtasksBackend  # type: ignore[attr-defined]
    if request.param == "immediate":
        settings.TASKS = {"default": {"BACKEND": "djtasks.testing.ImmediateBackend", "QUEUES": []}}
        enqueue.sender = ImmediateBackend  # type: ignore[attr-defined]
    return enqueue


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """What receivers were told, as (signal's name, sender, result)."""
    heard: list[Any] = []
    receivers = []
    for name, signal in SIGNALS.items():

        def receive(sender: type, task_result: Any, name: str = name, **_more: Any) -> None:
            heard.append((name, sender, task_result))

        receivers.append((signal, receive))
        signal.connect(receive)
    yield heard
    for signal, receive in receivers:
        signal.disconnect(receive)


def test_a_success_is_announced_as_running_then_as_finished(run: Any, heard: list[Any]) -> None:
    run(tasks.add, 1, 2)

    assert [name for name, *_ in heard] == ["started", "finished"]
    assert {sender for _, sender, _ in heard} == {run.sender}
    started, finished = (result for *_, result in heard)
    assert started.state is State.RUNNING
    assert started.started_at is not None
    assert started.attempts == 1
    assert (finished.state, finished.return_value) == (State.SUCCESSFUL, 3)


def test_each_attempt_is_announced(run: Any, heard: list[Any]) -> None:
    run(tasks.flaky)

    assert [name for name, *_ in heard] == ["started", "retrying"] * 2 + ["started", "finished"]


def test_a_task_that_cancels_itself_is_announced_as_cancelled(run: Any, heard: list[Any]) -> None:
    run(tasks.cancels_itself, "why")

    assert [name for name, *_ in heard] == ["started", "cancelled", "finished"]


@pytest.mark.parametrize(
    ("task", "path"),
    [(tasks.reads_row, "tests.models.Row.DoesNotExist"), (tasks.looks_up_async, "KeyError")],
)
def test_an_error_in_cancel_on_cancels_its_task_and_is_kept_as_the_reason(
    run: Any, heard: list[Any], caplog: pytest.LogCaptureFixture, task: Any, path: str
) -> None:
    with caplog.at_level(logging.INFO):
        run(task, "nobody")

    assert [name for name, *_ in heard] == ["started", "cancelled", "finished"]
    result = heard[-1][2]
    assert result.state is State.CANCELLED
    assert [error.exception_class_path.endswith(path) for error in result.errors] == [True]
    assert {record.levelname for record in caplog.records} == {"INFO"}


def test_djangos_log_of_a_failure_has_its_traceback(
    run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger=LOGGER_NAME):
        run(tasks.explode, "look here")

    assert "raise ValueError(message)" in caplog.text


@pytest.mark.parametrize("task", [tasks.is_interrupted, tasks.is_interrupted_async])
def test_ctrl_c_ends_the_test_and_not_a_task(run: Any, task: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(task)


def test_a_time_limit_ends_a_plain_task(run: Any, heard: list[Any]) -> None:
    run(tasks.sleeps_too_long, 30)

    result = heard[-1][2]
    assert result.state is State.FAILED
    assert result.errors[-1].exception_class_path == "djtasks.errors.TaskTimeout"


def test_a_time_limit_ends_a_coroutine(run: Any, heard: list[Any]) -> None:
    run(tasks.sleeps_async, 30)

    assert heard[-1][2].errors[-1].exception_class_path == "djtasks.errors.TaskTimeout"


def test_a_task_within_its_limit_leaves_no_thread_behind(run: Any, heard: list[Any]) -> None:
    run(tasks.sleeps_too_long, 0)

    assert heard[-1][2].state is State.SUCCESSFUL
    assert "limits" not in [thread.name for thread in threading.enumerate()]
