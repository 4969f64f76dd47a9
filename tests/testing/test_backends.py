"""The backends for a project's own tests."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command

from djtasks.compat import InvalidTask, TaskResultDoesNotExist, task_backends
from djtasks.errors import InvalidArguments
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from tests import tasks
from tests.models import Row


@pytest.fixture
def immediate(settings):
    settings.TASKS = {"default": {"BACKEND": "djtasks.testing.ImmediateBackend", "QUEUES": []}}
    return task_backends["default"]


@pytest.fixture
def dummy(settings):
    settings.TASKS = {
        "default": {"BACKEND": "djtasks.testing.DummyBackend", "QUEUES": ["default", "mail"]}
    }
    return task_backends["default"]


def test_a_task_runs_inside_enqueue(immediate):
    result = tasks.add.enqueue(1, 2)

    assert result.return_value == 3
    assert result.state is State.SUCCESSFUL
    assert result.attempts == 1
    assert immediate.get_result(result.id) is result


def test_a_coroutine_too(immediate):
    assert tasks.add_async.enqueue(3, 4).return_value == 7


def test_and_from_a_coroutine(immediate):
    result = async_to_sync(tasks.add.aenqueue)(1, 2)

    assert result.return_value == 3


def test_a_failure_is_retried_at_once_and_every_attempt_is_told(immediate):
    result = tasks.flaky.enqueue("no")

    assert result.state is State.FAILED
    assert result.attempts == 3
    assert len(result.errors) == 3


def test_arguments_go_through_json(immediate):
    result = tasks.only_once.enqueue("x")

    assert result.return_value == "x"
    with pytest.raises(InvalidArguments, match=r"args\[0\] is of type object"):
        tasks.only_once.enqueue(object())
    with pytest.raises(InvalidArguments, match="does not accept these arguments"):
        tasks.add.enqueue(1)


@pytest.mark.django_db
def test_a_completion_in_a_transaction_works_without_a_row(immediate):
    result = tasks.completes.using(run_after=timedelta(days=1)).enqueue("a")

    assert result.return_value == "ignored"
    assert Row.objects.get().name == "a"
    assert not TaskRecord.objects.exists()


@pytest.mark.django_db(databases="__all__")
def test_the_checks_have_nothing_against_it(immediate):
    call_command("check")


def test_the_dummy_keeps_what_is_enqueued_and_runs_nothing(dummy):
    tasks.explode.enqueue("never raised")
    count = tasks.add.using(queue_name="mail", priority=5).enqueue_many([(1, 2), {"a": 3, "b": 4}])

    assert count == 2
    assert [result.task.name for result in dummy.results] == ["explode", "add", "add"]
    assert dummy.results[2].kwargs == {"a": 3, "b": 4}
    assert dummy.results[1].task.priority == 5
    assert {result.state for result in dummy.results} == {State.READY}


def test_the_dummy_refuses_what_the_real_backend_refuses(dummy):
    with pytest.raises(InvalidTask, match="Queue 'reports' is not valid"):
        tasks.add.using(queue_name="reports")
    with pytest.raises(InvalidArguments, match="Item 1: "):
        tasks.add.enqueue_many([(1, 2), (1,)])
    assert dummy.results == []


def test_the_dummy_finds_cancels_and_forgets(dummy):
    result = tasks.add.enqueue(1, 2)

    assert tasks.add.get_result(result.id).args == [1, 2]
    assert result.cancel()
    assert dummy.results[0].state is State.CANCELLED
    dummy.clear()
    assert not result.cancel()
    with pytest.raises(TaskResultDoesNotExist):
        tasks.add.get_result(result.id)
