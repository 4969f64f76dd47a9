"""Typed arguments where they are received: misfits, missing objects, coroutines, siblings."""

import datetime as dt
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from djtasks.compat import task_backends
from djtasks.engine import Engine
from djtasks.errors import InvalidArguments
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import assert_enqueued, run_due
from tests import typed_tasks
from tests.models import Row
from tests.typed_tasks import (
    DAY,
    Color,
    complete,
    once,
    once_a_year,
    pack,
    pack_again,
    pack_in_loop,
    pack_or_cancel,
)

LATER = dt.date(2026, 3, 1)


@pytest.fixture(autouse=True)
def nothing_received() -> None:
    typed_tasks.received.clear()


@pytest.fixture
def row(engine: Engine) -> Row:
    return Row.objects.create(name="first")


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["x", "2026-02-28"], "at args[0]: Expected the primary key of a tests.Row."),
        ([1, "soon"], "at args[1]: Invalid RFC3339 encoded date."),
        ([1, 5], "at args[1]: Expected `date`, got `int`."),
    ],
)
def test_text_of_other_code_waits_for_a_worker_that_reads_it(
    row: Row, args: list[Any], why: str
) -> None:
    record = pack.enqueue(row)
    TaskRecord.objects.update(args=args)

    run_due()

    waiting = TaskRecord.objects.get(pk=record.id)
    assert (waiting.state, waiting.attempt) == (State.READY, 0)
    entry = waiting.errors[0]
    assert entry["class"] == "djtasks.errors.UnknownTask"
    assert entry["message"] == (
        f"The arguments of 'tests.typed_tasks.pack' do not fit the annotations of this code, {why} "
        f"Was it enqueued by other code?"
    )
    assert typed_tasks.received == []


def test_more_arguments_than_the_function_takes_name_its_signature(row: Row) -> None:
    record = pack.enqueue(row)
    TaskRecord.objects.update(args=[row.pk, "2026-02-28", 5])

    run_due()

    message = TaskRecord.objects.get(pk=record.id).errors[0]["message"]
    assert "does not accept these arguments: too many positional arguments" in message


def test_a_missing_object_fails_the_task_and_is_named(row: Row) -> None:
    pack.enqueue(row)
    key = row.pk
    row.delete()

    [result] = run_due()

    assert result.state is State.FAILED
    assert result.errors[0].exception_class_path == "tests.models.Row.DoesNotExist"
    [entry] = TaskRecord.objects.get().errors
    assert entry["message"] == (
        f"tests.Row #{key} does not exist in the database 'default'. Was it deleted after the task "
        f"was enqueued?"
    )


def test_a_missing_object_cancels_or_is_retried_as_the_task_says(row: Row) -> None:
    pack_or_cancel.enqueue(row)
    pack_again.enqueue(row)
    row.delete()

    cancelled, *attempts = run_due()

    assert cancelled.state is State.CANCELLED
    assert [one.state for one in attempts] == [State.READY, State.FAILED]


def test_an_instance_is_loaded_when_the_task_starts(row: Row) -> None:
    pack.enqueue(row)
    Row.objects.update(name="renamed")

    [result] = run_due()

    assert result.return_value == "renamed"
    [(got, day)] = typed_tasks.received
    assert (got._state.adding, got._state.db, got.name, day) == (False, "default", "renamed", DAY)


@pytest.mark.django_db(transaction=True)
def test_a_coroutine_receives_and_returns_instances(live_engine: Engine) -> None:
    rows = [Row.objects.create(name="a"), Row.objects.create(name="b")]
    waiting = pack_in_loop.enqueue(rows)

    run_due()

    async def value() -> Any:
        result = await pack_in_loop.aget_result(waiting.id)
        return result.return_value

    assert typed_tasks.received == [rows]
    assert [one.name for one in async_to_sync(value)()] == ["a", "b"]


def test_a_result_whose_instance_is_gone_says_so(row: Row) -> None:
    waiting = pack_in_loop.enqueue([row])
    run_due()
    row.delete()

    waiting.refresh()

    with pytest.raises(Row.DoesNotExist):
        _ = waiting.return_value


def test_a_task_that_completes_in_its_transaction_returns_a_typed_value(engine: Engine) -> None:
    complete.enqueue(DAY)

    [result] = run_due()

    assert result.return_value == DAY
    assert TaskRecord.objects.get().return_value == "2026-02-28"


def test_a_unique_key_is_that_of_the_json_form(row: Row) -> None:
    first = once.enqueue(row, {DAY, LATER})

    again = once.enqueue(row.pk, ["2026-02-28", "2026-03-01"], color=Color.RED)  # type: ignore[arg-type]

    assert again.id == first.id
    assert once.enqueue(row, {DAY}).id != first.id


def test_a_function_for_the_unique_key_receives_what_the_task_receives(row: Row) -> None:
    first = once_a_year.enqueue(row, DAY)

    again = once_a_year.enqueue(row.pk, "2026-12-31")  # type: ignore[arg-type]

    assert again.id == first.id
    assert TaskRecord.objects.get().key.endswith(f":{row.pk} first 2026")


def test_many_are_enqueued_typed_and_an_error_names_the_item(row: Row) -> None:
    assert pack.enqueue_many([(row,), {"row": row, "day": LATER}]) == 2

    with pytest.raises(InvalidArguments, match=r"Item 1: kwargs.row is an unsaved tests.Row"):
        pack.enqueue_many([(row,), {"row": Row()}])
    assert [one.return_value for one in run_due()] == ["first", "first"]


def test_a_test_expects_typed_arguments(row: Row) -> None:
    pack.enqueue(row)

    assert_enqueued(pack, args=(row, DAY))
    with pytest.raises(AssertionError, match="day is '2026-02-28', not '2026-03-01'"):
        assert_enqueued(pack, kwargs={"day": LATER})


@pytest.mark.parametrize("backend", ["DummyBackend", "ImmediateBackend"])
def test_the_backends_for_tests_convert_too(row: Row, backend: str) -> None:
    tasks = {"default": {"BACKEND": f"djtasks.testing.{backend}"}}
    with override_settings(TASKS=tasks):
        result = pack.enqueue(row, LATER)
        assert task_backends["default"].results[0].args == [row.pk, "2026-03-01"]
        with pytest.raises(InvalidArguments):
            pack.enqueue(Row())

    if backend == "ImmediateBackend":
        assert result.return_value == "first"
        assert typed_tasks.received == [(row, LATER)]


def test_the_text_is_small_and_plain(row: Row) -> None:
    pack.enqueue(row, LATER)

    record = TaskRecord.objects.get()

    assert json.dumps([record.args, record.kwargs]) == f'[[{row.pk}, "2026-03-01"], {{}}]'


def test_a_plain_task_makes_no_query_of_its_own(row: Row) -> None:
    typed_tasks.TASKS["int"].enqueue(5)

    with CaptureQueriesContext(connections["default"]) as queries:
        run_due()

    assert not [one for one in queries if "tests_" in one["sql"]]
