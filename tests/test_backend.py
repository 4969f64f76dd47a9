"""The `django.tasks` backend: from a call to a row, and back to a result."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.dispatch import receiver
from django.test import override_settings

from djtasks.compat import (
    InvalidTask,
    InvalidTaskBackend,
    TaskResultDoesNotExist,
    task_enqueued,
)
from djtasks.engine import Engine, engine_of
from djtasks.errors import ArgumentsTooLarge, InvalidArguments
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.settings import TASKS
from tests.tasks import add, add_async, explode, leaves_nothing, needs_context, only_once

NOON = datetime(2046, 1, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOBODY = "019a5c1e-7f3e-7c11-9d3a-5b0e6d1f2a34"
everywhere = pytest.mark.django_db(databases="__all__")


def settings_with(alias: str = "default", **options: Any) -> Any:
    """Return settings where one TASKS alias has other options."""
    changed = deepcopy(TASKS)
    changed[alias]["OPTIONS"] = options
    return override_settings(TASKS=changed)


def row_of(result: Any) -> TaskRecord:
    return TaskRecord.objects.get(pk=result.id)


@everywhere
def test_enqueueing_inserts_one_row(database: str) -> None:
    result = add.enqueue(1, b=2)

    row = TaskRecord.objects.get()
    assert str(row.pk) == result.id
    assert (row.task_path, row.backend, row.queue) == ("tests.tasks.add", "default", "default")
    assert (row.args, row.kwargs) == ([1], {"b": 2})
    assert (row.state, row.fence, row.attempt, row.worker) == (State.READY, 0, 0, None)
    assert row.run_after == row.enqueued_at
    assert abs(row.enqueued_at - datetime.now(UTC)) < MINUTE


@everywhere
def test_the_row_carries_the_options_of_the_task(database: str) -> None:
    copy = add.using(
        queue_name="mail",
        priority=-5,
        max_attempts=4,
        max_crashes=2,
        timeout=1.5,
        unique="a key",
        run_after=NOON,
        expires=NOON + MINUTE,
    )

    row = row_of(copy.enqueue(1, 2))

    assert (row.queue, row.priority) == ("mail", -5)
    assert (row.max_attempts, row.max_crashes) == (4, 2)
    assert row.timeout == timedelta(seconds=1.5)
    assert row.key == row.unique_key == "tests.tasks.add:a key"
    assert (row.run_after, row.expires_at) == (NOON, NOON + MINUTE)


@everywhere
def test_spans_are_counted_by_the_databases_clock(database: str) -> None:
    row = row_of(add.using(run_after=MINUTE, expires=2 * MINUTE).enqueue(1, 2))

    assert row.run_after == row.enqueued_at + MINUTE
    assert row.expires_at == row.enqueued_at + 2 * MINUTE


def test_the_result_is_known_without_reading_it_back(engine: Engine) -> None:
    result = add.using(priority=3).enqueue(1, b=(2, 3))

    assert (result.task.func, result.task.priority) == (add.func, 3)
    assert (result.args, result.kwargs) == ([1], {"b": [2, 3]})
    assert (result.status, result.state) == ("READY", State.READY)
    assert (result.backend, result.database) == ("default", "default")
    assert (result.errors, result.worker_ids, result.attempts) == ([], [], 0)
    assert result.enqueued_at is not None
    assert result == add.get_result(result.id)


@everywhere
def test_arguments_come_to_the_task_as_they_went(database: str) -> None:
    value = {"text": "zoë \U0001f600 'quoted' \\ %s", "big": 2**70, "half": 0.5, "none": [None, {}]}
    echo = only_once.using(unique=False)

    result = echo.enqueue(value)  # type: ignore[arg-type]
    run_due()

    result.refresh()
    assert result.return_value == value


@pytest.mark.parametrize(
    ("args", "error", "complaint"),
    [
        ((), InvalidArguments, "does not accept these arguments"),
        ((1, 2, 3), InvalidArguments, "does not accept these arguments"),
        ((1, object()), InvalidArguments, "args[1] is of type object"),
        ((1, float("nan")), InvalidArguments, "args[1] is nan"),
        ((1, "x" * 64_000), ArgumentsTooLarge, "the limit is 64,000"),
    ],
)
def test_a_bad_call_fails_in_the_caller_and_leaves_nothing(
    engine: Engine, args: Any, error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error) as refusal:
        add.enqueue(*args)

    assert complaint in str(refusal.value)
    assert not TaskRecord.objects.exists()


def test_the_limit_of_arguments_is_an_option(db: None) -> None:
    with settings_with(max_arguments=10), pytest.raises(ArgumentsTooLarge, match="limit is 10"):
        add.enqueue(1, 10**20)


def test_a_context_is_not_the_callers_to_give(engine: Engine) -> None:
    result = needs_context.enqueue("Ada")
    run_due()

    result.refresh()
    assert result.return_value == {"attempt": 1, "name": "Ada", "id": result.id}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"queue_name": "post"}, "Queue 'post' is not valid for backend."),
        ({"run_after": datetime(2026, 1, 2)}, "run_after must be an aware datetime."),
        ({"expires": datetime(2026, 1, 2)}, "must be an aware datetime"),
        ({"priority": 101}, "must be a whole number between -100 and 100"),
    ],
)
def test_an_enqueueing_that_cannot_be_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidTask, match=complaint):
        add.using(**options).enqueue(1, 2)


def test_an_alias_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidTaskBackend, match="nowhere"):
        add.using(backend="nowhere")


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"brokr": "redis"}, InvalidTaskBackend, r"TASKS\['default'\]: 'brokr' is not a djtasks"),
        ({"cache": "default"}, Exception, "is not a Redis cache"),
    ],
)
def test_bad_settings_fail_before_anything_is_written(
    transactional_db: None, options: Any, error: type[Exception], complaint: str
) -> None:
    with settings_with(**options), pytest.raises(error, match=complaint):
        add.enqueue(1, 2)

    assert not TaskRecord.objects.exists()


def test_each_alias_keeps_its_own_records(db: None) -> None:
    first = add.enqueue(1, 2)
    second = add.using(backend="polled").enqueue(3, 4)

    assert (row_of(first).backend, row_of(second).backend) == ("default", "polled")
    assert [result.id for result in run_due(backend="polled")] == [second.id]
    assert second.task.get_backend().get_result(second.id).backend == "polled"


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    news: list[Any] = []

    @receiver(task_enqueued, weak=False, dispatch_uid="heard")
    def hear(sender: type, task_result: Any, **_: Any) -> None:
        news.append((sender.__name__, task_result.id))
        raise RuntimeError("a receiver that fails")

    yield news
    task_enqueued.disconnect(dispatch_uid="heard")


def test_an_enqueueing_is_news_that_cannot_fail_it(engine: Engine, heard: list[Any]) -> None:
    result = add.enqueue(1, 2)

    assert heard == [("DjtasksBackend", result.id)]


def test_many_are_not_announced_one_by_one(engine: Engine, heard: list[Any]) -> None:
    add.enqueue_many([(1, 2), (3, 4)])

    assert heard == []


def test_a_rolled_back_enqueueing_never_was(engine: Engine) -> None:
    def enqueue_and_fail() -> None:
        with transaction.atomic():
            add.using(unique="a key").enqueue(1, 2)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        enqueue_and_fail()

    assert not TaskRecord.objects.exists()
    assert add.using(unique="a key").enqueue(1, 2).state is State.READY


def test_a_coroutine_can_enqueue_a_coroutine(engine: Engine) -> None:
    result = async_to_sync(add_async.aenqueue)(1, 2)
    run_due()

    async_to_sync(result.arefresh)()
    assert result.return_value == 3


@everywhere
@pytest.mark.parametrize("result_id", [NOBODY, "", "nonsense", "7", None, "x" * 1_000])
def test_an_id_that_no_task_has_is_told_so(database: str, result_id: Any) -> None:
    with pytest.raises(TaskResultDoesNotExist, match="There is no task"):
        add.get_result(result_id)


def test_a_result_is_found_by_its_uuid_too(engine: Engine) -> None:
    result = add.enqueue(1, 2)

    assert add.get_result(row_of(result).pk).id == result.id


def test_a_task_is_cancelled_by_its_id(engine: Engine) -> None:
    backend: Any = add.get_backend()
    result = add.enqueue(1, 2)

    assert backend.cancel(result.id) is True
    assert backend.cancel(result.id) is False
    assert backend.cancel(str(new_id())) is False
    assert backend.cancel("nonsense") is False
    assert row_of(result).state == State.CANCELLED


def test_a_failed_task_tells_its_error(engine: Engine) -> None:
    result = explode.enqueue("no paper")
    run_due()

    result.refresh()

    assert (result.status, result.state) == ("FAILED", State.FAILED)
    assert result.errors[-1].exception_class is ValueError
    assert "no paper" in result.errors[-1].traceback


def test_a_row_that_its_task_deletes_is_gone(engine: Engine) -> None:
    result = leaves_nothing.enqueue(1)
    run_due()

    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()


def test_a_backend_touches_no_table_before_a_task_is_enqueued() -> None:
    backend: Any = type(add.get_backend())("default", TASKS["default"])

    assert backend.queue_names == ["default", "mail", "reports"]
    assert backend.check() == []
    assert engine_of("default").__dict__.keys() == {"alias", "queues", "options", "broker"}
