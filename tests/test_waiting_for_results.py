"""Waiting where it could never end, or for what is gone."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections, transaction
from django.test import override_settings

from djtasks import task
from djtasks.compat import TaskResultDoesNotExist
from djtasks.engine import Engine, engine_of
from djtasks.errors import ResultTimeout, WouldWaitForever
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.conftest import require
from tests.routing import Home
from tests.settings import TASKS
from tests.tasks import add, leaves_nothing, only_once


@task(store="none")
def keeps_nothing() -> None:
    raise ValueError


@task(store="errors")
def keeps_its_error() -> None:
    raise ValueError


@task
def waits_for_another(timeout: float | None = None) -> Any:
    return add.enqueue(1, 2).wait(timeout).return_value


def assert_it_would_wait_for_ever(result: Any) -> None:
    with pytest.raises(WouldWaitForever, match=f"Task {result.id} was enqueued in the transaction"):
        result.wait(timeout=0)


def test_inside_its_own_transaction_a_task_is_not_waited_for(live_engine: Engine) -> None:
    with transaction.atomic():
        result = add.enqueue(1, 2)

        assert_it_would_wait_for_ever(result)
        with pytest.raises(WouldWaitForever):
            async_to_sync(result.wait_async)(timeout=0)

    with pytest.raises(ResultTimeout):
        result.wait(timeout=0)


def test_nor_is_one_that_is_not_due(live_engine: Engine) -> None:
    with transaction.atomic():
        assert_it_would_wait_for_ever(add.using(run_after=timedelta(hours=1)).enqueue(1, 2))


def test_nor_is_one_beyond_the_hints_of_a_transaction(live_engine: Engine) -> None:
    with transaction.atomic():
        add.enqueue_many([(1, 2)] * 10_000)

        assert_it_would_wait_for_ever(add.enqueue(1, 2))


def test_nor_is_one_of_a_released_savepoint(live_engine: Engine) -> None:
    with transaction.atomic():
        with transaction.atomic():
            result = add.enqueue(1, 2)

        assert_it_would_wait_for_ever(result)


def test_nor_is_the_holder_of_a_key_that_was_enqueued_here(live_engine: Engine) -> None:
    with transaction.atomic():
        only_once.enqueue("a")

        assert_it_would_wait_for_ever(only_once.enqueue("a"))


def test_another_task_can_be_waited_for_in_a_transaction(live_engine: Engine) -> None:
    committed = add.enqueue(1, 2)
    run_due()

    with transaction.atomic():
        add.enqueue(3, 4)

        assert committed.wait(timeout=0).return_value == 3


def test_a_task_of_a_rolled_back_savepoint_is_gone(live_engine: Engine) -> None:
    with transaction.atomic():
        with suppress(RuntimeError), transaction.atomic():
            result = add.enqueue(1, 2)
            raise RuntimeError

        with pytest.raises(TaskResultDoesNotExist):
            result.wait(timeout=0)


def test_a_row_that_its_task_deletes_counts_as_a_success(live_engine: Engine) -> None:
    result = leaves_nothing.enqueue(5)
    run_due()

    result.wait(timeout=0)

    assert (result.state, result.status) == (State.SUCCESSFUL, "SUCCESSFUL")
    assert result.return_value is None


def test_a_row_that_nobody_should_have_deleted_is_an_error(live_engine: Engine) -> None:
    result = add.enqueue(1, 2)
    TaskRecord.objects.all().delete()

    with pytest.raises(TaskResultDoesNotExist):
        result.wait(timeout=0)


@pytest.mark.parametrize("has_run", [False, True])
def test_a_task_that_keeps_nothing_cannot_be_waited_for(live_engine: Engine, has_run: bool) -> None:
    result = keeps_nothing.enqueue()
    if has_run:
        run_due()

    with pytest.raises(TaskResultDoesNotExist, match="store='none' keeps nothing"):
        result.wait(timeout=0)
    with pytest.raises(TaskResultDoesNotExist, match="store='none' keeps nothing"):
        async_to_sync(result.wait_async)(timeout=0)


def test_a_task_that_was_rolled_back_has_not_succeeded(live_engine: Engine) -> None:
    with suppress(RuntimeError), transaction.atomic():
        result = keeps_its_error.enqueue()
        raise RuntimeError

    with pytest.raises(TaskResultDoesNotExist, match="cannot be known"):
        result.wait(timeout=0)


def test_a_failure_whose_record_was_pruned_has_not_succeeded(live_engine: Engine) -> None:
    retention = TASKS["default"]["OPTIONS"] | {"retention": {"failed": timedelta(days=1)}}
    with override_settings(TASKS={"default": TASKS["default"] | {"OPTIONS": retention}}):
        result = keeps_its_error.enqueue()
        long_ago = result.enqueued_at - timedelta(days=2)
        TaskRecord.objects.update(enqueued_at=long_ago)
        result.refresh()
        TaskRecord.objects.all().delete()

        with pytest.raises(TaskResultDoesNotExist, match="cannot be known"):
            result.wait(timeout=0)


@pytest.mark.django_db
def test_in_a_test_case_a_row_that_its_task_deletes_counts_as_a_success() -> None:
    result = leaves_nothing.enqueue(5)
    run_due()

    assert result.wait(timeout=0).state is State.SUCCESSFUL


@pytest.fixture(params=["default", "mariadb", "sqlite"])
def snapshots(request: pytest.FixtureRequest, transactional_db: Any) -> Any:
    """A database whose transactions do not see what others commit later."""
    alias = require(request.param)
    connection = connections[alias]
    level = {"postgresql": 3, "mysql": "repeatable read"}.get(connection.vendor)
    options = dict(connection.settings_dict["OPTIONS"])
    if level is not None:
        connection.settings_dict["OPTIONS"] = options | {"isolation_level": level}
    connection.close()
    with override_settings(DATABASE_ROUTERS=[Home(alias)]):
        yield engine_of("default")
    connection.close()
    connection.settings_dict["OPTIONS"] = options


@pytest.mark.django_db(databases="__all__", transaction=True)
@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize("timeout", [0, None])
def test_in_a_snapshot_that_will_never_show_its_end_nothing_is_waited_for(
    snapshots: Engine, timeout: float | None
) -> None:
    result = add.enqueue(1, 2)

    with transaction.atomic(using=snapshots.database):
        with pytest.raises(WouldWaitForever, match="before it began"):
            result.wait(timeout)
        with pytest.raises(WouldWaitForever, match="before it began"):
            async_to_sync(result.wait_async)(timeout)
    run_due()
    with transaction.atomic(using=snapshots.database):
        assert result.wait(timeout).return_value == 3


def test_without_a_timeout_a_task_does_not_wait_for_another(live_engine: Engine) -> None:
    result = waits_for_another.enqueue()
    run_due()

    result.refresh()
    assert result.errors[0].exception_class_path == "djtasks.errors.WouldWaitForever"
    assert "wait(timeout=...)" in result.errors[0].traceback


def test_with_a_timeout_a_task_may_wait_for_another(live_engine: Engine) -> None:
    result = waits_for_another.enqueue(0.01)
    run_due()

    result.refresh()
    assert result.errors[0].exception_class_path == "djtasks.errors.ResultTimeout"


def test_after_a_task_its_thread_may_wait_for_ever(live_engine: Engine) -> None:
    with suppress(WouldWaitForever):
        waits_for_another.enqueue()
        run_due()

    result = add.enqueue(1, 2)
    run_due()

    assert result.wait().return_value == 3
