"""From the committed row to the broker: when hints are pushed, and when they are dropped."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, connections, transaction
from django.test import AsyncClient, Client, override_settings

from djtasks.engine import engine_of
from djtasks.enqueueing import outbox
from djtasks.models import TaskRecord
from tests.carriers import Recording, with_broker
from tests.routing import Home
from tests.tasks import add

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def carrier() -> Iterator[Recording]:
    """Let TASKS["default"] push to a broker that remembers."""
    with with_broker():
        made: Any = engine_of("default").broker
        yield made


def ids(*results: Any) -> set[UUID]:
    return {UUID(result.id) for result in results}


def pushed(carrier: Recording) -> list[set[UUID]]:
    return [{hint.id for hint in hints} for hints in carrier.pushes]


def fail() -> None:
    raise RuntimeError


def test_without_a_transaction_a_hint_is_pushed_at_once(carrier: Recording) -> None:
    first = add.enqueue(1, 2)
    second = add.enqueue(3, 4)

    assert pushed(carrier) == [ids(first), ids(second)]


def test_a_hint_says_where_to_look_and_how_it_ranks(carrier: Recording) -> None:
    add.using(queue_name="mail", priority=100).enqueue(1, 2)

    ((hint,),) = carrier.pushes
    row = TaskRecord.objects.get()
    assert (hint.id, hint.queue) == (row.pk, "mail")
    assert hint.score < 2**42


def test_in_a_transaction_nothing_is_pushed_before_the_commit(carrier: Recording) -> None:
    with transaction.atomic():
        result = add.enqueue(1, 2)

        assert carrier.pushes == []

    assert pushed(carrier) == [ids(result)]


def test_one_transaction_makes_one_push(carrier: Recording) -> None:
    with transaction.atomic():
        results = [add.enqueue(1, 2) for _ in range(5)]
        add.enqueue_many([(1, 2)] * 1_500)

    (only,) = pushed(carrier)
    assert len(only) == 1_505
    assert ids(*results) < only


def test_callbacks_of_others_do_not_split_a_push(carrier: Recording) -> None:
    order = []
    with transaction.atomic():
        first = add.enqueue(1, 2)
        transaction.on_commit(lambda: order.append("theirs"))
        second = add.enqueue(3, 4)

    assert pushed(carrier) == [ids(first, second)]
    assert order == ["theirs"]


def test_a_rolled_back_transaction_pushes_nothing(carrier: Recording) -> None:
    with suppress(RuntimeError), transaction.atomic():
        add.enqueue(1, 2)
        fail()

    assert carrier.pushes == []


def test_a_rolled_back_savepoint_takes_its_hints_along(carrier: Recording) -> None:
    with transaction.atomic():
        before = add.enqueue(1, 2)
        with suppress(RuntimeError), transaction.atomic():
            add.enqueue(3, 4)
            fail()
        after = add.enqueue(5, 6)

    assert pushed(carrier) == [ids(before, after)]


def test_a_rolled_back_first_savepoint_loses_no_later_hint(carrier: Recording) -> None:
    with transaction.atomic():
        with suppress(RuntimeError), transaction.atomic():
            add.enqueue(1, 2)
            fail()
        after = add.enqueue(3, 4)

    assert pushed(carrier) == [ids(after)]


def test_a_released_savepoint_hands_its_buffer_on(carrier: Recording) -> None:
    with transaction.atomic():
        with transaction.atomic():
            inner = add.enqueue(1, 2)
        outer = add.enqueue(3, 4)

    assert pushed(carrier) == [ids(inner, outer)]


def test_a_savepoint_does_not_write_into_the_buffer_around_it(carrier: Recording) -> None:
    with transaction.atomic():
        outer = add.enqueue(1, 2)
        with transaction.atomic():
            with suppress(RuntimeError), transaction.atomic():
                add.enqueue(3, 4)
                fail()
            inner = add.enqueue(5, 6)

    assert set.union(*pushed(carrier)) == ids(outer, inner)


def test_what_an_outer_savepoint_rolls_back_is_gone_though_the_inner_was_released(
    carrier: Recording,
) -> None:
    with transaction.atomic():
        kept = add.enqueue(1, 2)
        with suppress(RuntimeError), transaction.atomic():
            with transaction.atomic():
                add.enqueue(3, 4)
            add.enqueue(5, 6)
            fail()

    assert pushed(carrier) == [ids(kept)]


def test_a_loop_over_savepoints_makes_two_pushes(carrier: Recording) -> None:
    results = []
    with transaction.atomic():
        for _ in range(20):
            with transaction.atomic():
                results.append(add.enqueue(1, 2))

    assert len(carrier.pushes) == 2
    assert set.union(*pushed(carrier)) == ids(*results)


def test_a_block_without_a_savepoint_belongs_to_the_block_around_it(carrier: Recording) -> None:
    with transaction.atomic():
        with transaction.atomic(savepoint=False):
            inner = add.enqueue(1, 2)
        outer = add.enqueue(3, 4)

    assert set.union(*pushed(carrier)) == ids(inner, outer)


def test_only_what_is_due_is_pushed(carrier: Recording) -> None:
    add.using(run_after=timedelta(minutes=1)).enqueue(1, 2)

    assert carrier.pushes == []


def test_of_a_huge_transaction_the_first_hints_are_pushed(carrier: Recording) -> None:
    with transaction.atomic():
        first = add.enqueue(1, 2)
        add.enqueue_many([(1, 2)] * 9_990)
        with transaction.atomic():
            add.enqueue_many([(1, 2)] * 20)
        add.enqueue(1, 2)

    hints = [hint for push in carrier.pushes for hint in push]
    assert len(hints) == outbox.HINTS_A_TRANSACTION == 10_000
    assert hints[0].id in ids(first)
    assert TaskRecord.objects.count() == 10_012


def test_a_view_in_a_transaction_pushes_when_it_is_over(
    carrier: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    with override_settings(ROOT_URLCONF="tests.views"):
        answer = Client().get("/enqueue/")

    (only,) = pushed(carrier)
    assert len(only) == 2
    assert UUID(answer.content.decode()) in only


def test_a_view_that_fails_in_its_transaction_pushes_nothing(
    carrier: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    with override_settings(ROOT_URLCONF="tests.views"):
        answer = Client(raise_request_exception=False).get("/fail/")

    assert answer.status_code == 500
    assert carrier.pushes == []
    assert not TaskRecord.objects.exists()


def test_a_view_that_recovers_pushes_what_it_kept(
    carrier: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    with override_settings(ROOT_URLCONF="tests.views"):
        answer = Client().get("/recover/")

    assert pushed(carrier) == [{UUID(answer.content.decode())}]
    assert TaskRecord.objects.count() == 1


def test_an_async_view_pushes_like_any_other(carrier: Recording) -> None:
    with override_settings(ROOT_URLCONF="tests.views"):
        answer = async_to_sync(AsyncClient().get)("/async/")

    assert pushed(carrier) == [{UUID(answer.content.decode())}]


def test_each_thread_pushes_what_it_committed(servers: None, carrier: Recording) -> None:
    both_inside = threading.Barrier(2)
    kept = []

    def work(*, commits: bool) -> None:
        with suppress(RuntimeError), transaction.atomic():
            result = add.enqueue(1, 2)
            both_inside.wait(30)
            if not commits:
                fail()
            kept.append(result)
        connections.close_all()

    threads = [threading.Thread(target=work, kwargs={"commits": one}) for one in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert pushed(carrier) == [ids(*kept)]


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_what_counts_is_the_transaction_of_the_records(servers: None, carrier: Recording) -> None:
    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        broker: Any = engine_of("default").broker
        with suppress(RuntimeError), transaction.atomic(using="default"):
            kept = add.enqueue(1, 2)
            with suppress(RuntimeError), transaction.atomic(using="sqlite"):
                add.enqueue(3, 4)
                fail()
            fail()

    assert pushed(broker) == [ids(kept)]
    assert TaskRecord.objects.using("sqlite").get().pk in ids(kept)


def test_in_manual_transaction_management_the_indexer_finds_the_row(carrier: Recording) -> None:
    transaction.set_autocommit(False)
    try:
        result = add.enqueue(1, 2)
        transaction.commit()
    finally:
        transaction.set_autocommit(True)

    assert carrier.pushes == []
    assert TaskRecord.objects.get().pk in ids(result)


def test_a_block_inside_manual_management_pushes_when_that_ends(carrier: Recording) -> None:
    transaction.set_autocommit(False)
    try:
        with transaction.atomic():
            result = add.enqueue(1, 2)
        transaction.commit()

        assert carrier.pushes == []
    finally:
        transaction.set_autocommit(True)

    assert pushed(carrier) == [ids(result)]
