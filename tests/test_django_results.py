"""What Django's documentation promises of results, on every supported Django."""

from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial

import pytest
from asgiref.sync import async_to_sync
from django.test import TestCase

from djtasks.compat import (
    IN_DJANGO,
    TaskResultDoesNotExist,
    TaskResultMismatch,
    TaskResultStatus,
)
from djtasks.engine import Engine
from djtasks.models import TaskRecord
from djtasks.testing import run_due
from tests.plain_tasks import double, double_async, echo, fails, tells_its_attempt
from tests.worker.making import WORKER, claim_all

if IN_DJANGO:
    from django.tasks import default_task_backend
else:
    from django_tasks import default_task_backend


NOON = datetime(2046, 1, 2, 12, 0, tzinfo=UTC)


def test_a_result_is_refreshed_when_it_is_asked_to(engine: Engine) -> None:
    result = double.enqueue(4)
    run_due()

    assert result.status == TaskResultStatus.READY
    result.refresh()

    assert result.status == TaskResultStatus.SUCCESSFUL
    assert (result.return_value, result.is_finished, result.attempts) == (8, True, 1)
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.last_attempted_at == result.started_at


def test_a_result_is_found_again_by_its_id(engine: Engine) -> None:
    result = double.enqueue(4)

    for found in (
        double.get_result(result.id),
        async_to_sync(double.aget_result)(result.id),
        default_task_backend.get_result(result.id),
        async_to_sync(default_task_backend.aget_result)(result.id),
    ):
        assert found == result


def test_a_result_of_another_task_is_a_mismatch(engine: Engine) -> None:
    result = double.enqueue(4)

    with pytest.raises(TaskResultMismatch):
        echo.get_result(result.id)
    with pytest.raises(TaskResultMismatch):
        async_to_sync(echo.aget_result)(result.id)


def test_a_result_that_does_not_exist_is_told(engine: Engine) -> None:
    result = double.enqueue(4)
    TaskRecord.objects.all().delete()

    for ask in (
        partial(double.get_result, result.id),
        partial(default_task_backend.get_result, "nonsense"),
        async_to_sync(partial(double.aget_result, result.id)),
        result.refresh,
        async_to_sync(result.arefresh),
    ):
        with pytest.raises(TaskResultDoesNotExist):
            ask()


def test_a_failure_keeps_its_class_and_traceback(engine: Engine) -> None:
    result = fails.enqueue()
    run_due()

    result.refresh()

    assert (result.status, result.is_finished) == (TaskResultStatus.FAILED, True)
    assert result.errors[0].exception_class is KeyError
    assert "no such thing" in result.errors[0].traceback
    with pytest.raises(ValueError, match="failed"):
        _ = result.return_value


def test_arguments_go_through_json(engine: Engine) -> None:
    result = echo.enqueue((1, "two"), three=[None, b"four"])
    run_due()

    result.refresh()

    assert (result.args, result.kwargs) == ([[1, "two"]], {"three": [None, "four"]})
    assert result.return_value == [[[1, "two"]], {"three": [None, "four"]}]


def test_a_context_is_passed_to_those_who_take_it(engine: Engine) -> None:
    result = tells_its_attempt.enqueue("Ada")
    run_due()

    result.refresh()

    assert result.return_value == ["Ada", 1, result.id, "RUNNING"]


def test_a_coroutine_runs(engine: Engine) -> None:
    result = async_to_sync(double_async.aenqueue)(4)
    run_due()

    async_to_sync(result.arefresh)()

    assert result.return_value == 8


def test_a_running_task_is_running(engine: Engine) -> None:
    result = double.enqueue(4)
    claim_all(WORKER)

    result.refresh()

    assert (result.status, result.attempts) == (TaskResultStatus.RUNNING, 1)
    assert result.worker_ids == [str(WORKER)]


def test_a_deferred_task_does_not_run_before_its_time(engine: Engine) -> None:
    result = double.using(run_after=NOON).enqueue(4)

    assert run_due() == []
    assert double.get_result(result.id).task.run_after == NOON


def test_tasks_run_by_priority(engine: Engine) -> None:
    low, high, middle = (double.using(priority=p).enqueue(p) for p in (-50, 50, 0))

    assert [result.id for result in run_due()] == [high.id, middle.id, low.id]


class InATestCase(TestCase):
    """Django's own TestCase, where nothing ever commits."""

    def test_a_task_is_enqueued_run_and_read(self) -> None:
        result = double.enqueue(4)
        with self.captureOnCommitCallbacks(execute=True):
            other = double.enqueue(5)

        run_due()

        assert double.get_result(result.id).return_value == 8
        assert double.get_result(other.id).return_value == 10


@pytest.mark.usefixtures("engine")
def test_a_copy_of_a_result_has_its_value_too() -> None:
    result = double.enqueue(2)
    run_due()
    result.refresh()

    assert deepcopy(result).return_value == 4
    again = [double.get_result(result.id) for _ in range(2)]
    assert asdict(again[0]) == asdict(again[1])
