"""Waiting where it could never end, or for what is gone."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from djtasks.compat import TaskResultDoesNotExist
from djtasks.engine import Engine
from djtasks.errors import ResultTimeout, WouldWaitForever
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add, leaves_nothing, only_once


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
