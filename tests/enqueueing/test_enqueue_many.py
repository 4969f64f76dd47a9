"""Enqueueing many at once: all in one transaction, or none."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from djtasks import task
from djtasks.engine import Engine
from djtasks.errors import InvalidArguments
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add, only_once

everywhere = pytest.mark.django_db(databases="__all__")


@task
def takes_anything(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


@everywhere
def test_every_item_becomes_a_row_and_the_answer_is_how_many(database: str) -> None:
    count = add.enqueue_many([(1, 2), [3, 4], {"a": 5, "b": 6}])

    assert count == 3
    rows = TaskRecord.objects.order_by("pk")
    assert [(row.args, row.kwargs) for row in rows] == [
        ([1, 2], {}),
        ([3, 4], {}),
        ([], {"a": 5, "b": 6}),
    ]
    assert {row.state for row in rows} == {State.READY}
    assert all(row.run_after <= row.enqueued_at for row in rows)


@everywhere
def test_the_options_of_the_task_go_into_every_row(database: str) -> None:
    copy = add.using(
        queue_name="mail",
        priority=9,
        max_attempts=4,
        max_crashes=2,
        timeout=5,
        expires=timedelta(hours=2),
        run_after=timedelta(hours=1),
    )

    copy.enqueue_many([(1, 2), (3, 4)])

    for row in TaskRecord.objects.all():
        assert (row.queue, row.priority, row.max_attempts, row.max_crashes) == ("mail", 9, 4, 2)
        assert row.timeout == timedelta(seconds=5)
        assert row.expires_at is not None
        assert row.expires_at - row.run_after == timedelta(hours=1)
        assert abs(row.run_after - row.enqueued_at - timedelta(hours=1)) < timedelta(minutes=1)


def test_all_of_them_run(engine: Engine) -> None:
    takes_anything.enqueue_many([(), ("é", None), {"key": [1.5, {"deep": True}]}])

    results = run_due()

    assert [result.return_value for result in results] == [
        [[], {}],
        [["é", None], {}],
        [[], {"key": [1.5, {"deep": True}]}],
    ]


@everywhere
def test_a_generator_is_read_a_page_at_a_time(database: str) -> None:
    stored_at = []

    def items() -> Iterator[tuple[int, int]]:
        for number in range(2_500):
            if number % 1_000 == 0:
                stored_at.append((number, TaskRecord.objects.count()))
            yield (number, number)

    count = add.enqueue_many(items())

    assert count == TaskRecord.objects.count() == 2_500
    assert stored_at == [(0, 0), (1_000, 1_000), (2_000, 2_000)]


@pytest.mark.usefixtures("servers")
def test_enqueueing_takes_one_statement(engine: Engine, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        add.enqueue(1, 2)


@pytest.mark.usefixtures("servers")
def test_a_page_takes_one_statement_to_insert(
    engine: Engine, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        add.enqueue_many((number, number) for number in range(1_500))


def test_nothing_is_a_possible_number(engine: Engine) -> None:
    assert add.enqueue_many([]) == 0


@pytest.mark.parametrize("place", [0, 999, 1_000, 1_400])
@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("12", "an item must be a tuple of positional or a dict of keyword arguments, got str."),
        ((1,), "Task 'tests.tasks.add' does not accept these arguments: missing"),
        ({"a": 1, "b": set()}, "kwargs.b is of type set"),
    ],
)
def test_one_bad_item_is_named_and_nothing_at_all_is_enqueued(
    live_engine: Engine, place: int, bad: Any, complaint: str
) -> None:
    items: list[Any] = [(1, 2)] * 1_500
    items[place] = bad

    with pytest.raises(InvalidArguments) as refusal:
        add.enqueue_many(items)

    assert str(refusal.value).startswith(f"Item {place}: {complaint[:40]}")
    assert complaint in str(refusal.value)
    assert str(refusal.value).endswith("Nothing was enqueued.")
    assert not TaskRecord.objects.exists()
    assert live_engine.broker is not None
    assert live_engine.broker.depths(["default"]) == {"default": 0}


def test_an_error_of_the_generator_leaves_nothing_behind(live_engine: Engine) -> None:
    def items() -> Iterator[tuple[int, int]]:
        yield from [(1, 2)] * 1_200
        raise ConnectionError("the file ended")

    with pytest.raises(ConnectionError, match="the file ended"):
        add.enqueue_many(items())

    assert not TaskRecord.objects.exists()


def test_many_roll_back_with_their_transaction(live_engine: Engine) -> None:
    with transaction.atomic():
        add.enqueue_many([(1, 2)] * 3)
        transaction.set_rollback(True)

    assert not TaskRecord.objects.exists()


def test_a_page_that_commits_is_indexed(live_engine: Engine) -> None:
    assert live_engine.broker is not None

    add.enqueue_many([(1, 2)] * 1_500)
    add.using(run_after=timedelta(minutes=1)).enqueue_many([(1, 2)])

    assert live_engine.broker.depths(["default"]) == {"default": 1_500}


@everywhere
def test_records_whose_key_is_taken_are_left_out(database: str) -> None:
    only_once.enqueue("b")

    count = only_once.enqueue_many([("a",), ("b",), {"key": "a"}, ("c",)])

    assert count == 2
    assert sorted(row.args or [row.kwargs] for row in TaskRecord.objects.all()) == [
        ["a"],
        ["b"],
        ["c"],
    ]


def test_a_coroutine_can_enqueue_many(engine: Engine) -> None:
    assert async_to_sync(add.aenqueue_many)([(1, 2), (3, 4)]) == 2
    assert TaskRecord.objects.count() == 2
