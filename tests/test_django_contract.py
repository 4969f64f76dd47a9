"""What Django's documentation promises of a task backend, on every supported Django."""

import pickle
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django import VERSION
from django.db import transaction

from djtasks.compat import (
    IN_DJANGO,
    BaseTaskBackend,
    DjangoTask,
    DjangoTaskResult,
    InvalidTask,
    InvalidTaskBackend,
    TaskResultStatus,
    task_enqueued,
)
from djtasks.engine import Engine
from djtasks.models import TaskRecord
from tests.plain_tasks import double, double_async, echo

if IN_DJANGO:
    from django.tasks import checks, default_task_backend, task, task_backends
else:
    from django_tasks import checks, default_task_backend, task, task_backends

NOON = datetime(2046, 1, 2, 12, 0, tzinfo=UTC)


def module_level() -> None: ...


def test_a_plain_task_is_a_task_of_django() -> None:
    assert isinstance(double, DjangoTask)
    assert (double.priority, double.queue_name, double.backend) == (0, "default", "default")
    assert (double.run_after, double.takes_context) == (None, False)
    assert (double.name, double.module_path) == ("double", "tests.plain_tasks.double")
    assert (echo.priority, echo.queue_name) == (5, "mail")


def test_a_task_can_be_called_without_a_queue() -> None:
    assert double.call(4) == 8
    assert double_async.call(4) == 8
    assert async_to_sync(double.acall)(4) == 8
    assert async_to_sync(double_async.acall)(4) == 8


@pytest.mark.skipif(VERSION[:2] == (6, 0), reason="its decorator takes no options of backends")
def test_djangos_decorator_hands_our_options_on() -> None:
    assert task(max_attempts=3, timeout=5)(module_level).max_attempts == 3


def test_the_backend_tells_what_it_supports() -> None:
    backend = task_backends["default"]

    assert isinstance(backend, BaseTaskBackend)
    assert backend.supports_defer
    assert backend.supports_async_task
    assert backend.supports_get_result
    assert backend.supports_priority
    assert backend.queues == {"default", "mail", "reports"}
    assert backend is double.get_backend()
    assert default_task_backend.alias == "default"


def test_an_unknown_backend_is_an_error() -> None:
    with pytest.raises(InvalidTaskBackend):
        task_backends["nowhere"]


@pytest.mark.parametrize("priority", [-100, 0, 100])
def test_a_priority_is_a_whole_number_within_limits(priority: int) -> None:
    assert double.using(priority=priority).priority == priority


@pytest.mark.parametrize(
    "options",
    [
        {"priority": -101},
        {"priority": 101},
        {"priority": 3.1},
        {"queue_name": "unknown"},
        {"run_after": datetime(2046, 1, 2)},
    ],
)
def test_using_validates(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidTask):
        double.using(**options)


def test_a_task_must_stand_in_a_module() -> None:
    def inner() -> None: ...

    for function in (inner, double.get_backend().enqueue):
        with pytest.raises(InvalidTask):
            task(function)


def test_a_context_needs_its_argument() -> None:
    with pytest.raises(InvalidTask):
        task(takes_context=True)(module_level)


def test_using_leaves_the_task_alone() -> None:
    changed = double.using(priority=9, queue_name="mail", run_after=NOON)

    assert (changed.priority, changed.queue_name, changed.run_after) == (9, "mail", NOON)
    assert (double.priority, double.queue_name, double.run_after) == (0, "default", None)


def test_a_task_can_be_pickled() -> None:
    changed = double.using(priority=9)

    assert pickle.loads(pickle.dumps(double)) == double
    assert pickle.loads(pickle.dumps(changed)) == changed


@pytest.mark.parametrize("enqueue", [double.enqueue, async_to_sync(double.aenqueue)])
def test_enqueueing_returns_a_result_of_django(engine: Engine, enqueue: Any) -> None:
    result = enqueue(4)

    assert isinstance(result, DjangoTaskResult)
    assert result.task == double
    assert (result.args, result.kwargs) == ([4], {})
    assert result.status == TaskResultStatus.READY
    assert isinstance(result.id, str)
    assert 0 < len(result.id) <= 64
    assert result.backend == "default"
    assert (result.started_at, result.finished_at, result.last_attempted_at) == (None, None, None)
    assert (result.errors, result.worker_ids, result.attempts) == ([], [], 0)
    assert not result.is_finished
    with pytest.raises(ValueError, match="not finished"):
        _ = result.return_value


def test_an_enqueueing_is_announced_by_djangos_signal(engine: Engine) -> None:
    heard = []

    def hear(sender: Any, task_result: Any, **_: Any) -> None:
        heard.append((sender, task_result.id))

    task_enqueued.connect(hear)
    try:
        result = double.enqueue(4)
    finally:
        task_enqueued.disconnect(hear)

    assert heard == [(type(task_backends["default"]), result.id)]


def test_a_task_may_be_enqueued_when_a_transaction_commits(live_engine: Engine) -> None:
    with transaction.atomic():
        transaction.on_commit(partial(double.enqueue, number=4))

        assert not TaskRecord.objects.exists()

    assert TaskRecord.objects.get().kwargs == {"number": 4}


def test_djangos_checks_ask_the_backend() -> None:
    assert list(checks.check_tasks()) == []


@pytest.mark.parametrize("value", [object(), {1, 2}, NOON, timedelta(1), b"\xff", float("nan")])
def test_arguments_that_json_does_not_know_are_refused(engine: Engine, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        echo.enqueue(value)
    with pytest.raises((TypeError, ValueError)):
        echo.enqueue(key=value)
