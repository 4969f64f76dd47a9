"""Producers with the same unique keys, on connections of their own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction

from djtasks.formats.json_values import MAX_DEPTH, encode
from djtasks.models import TaskRecord
from djtasks.protocol.records import NewRecord
from djtasks.store import Store, open_store
from tests.store.connections import elsewhere, in_another_transaction, wait_until_blocked
from tests.store.contract.records import new_record

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

one_writer_only = "SQLite has one writer at a time, so nobody can wait for anybody else"


@pytest.fixture
def store(database: str) -> Store:
    return open_store("default")


@pytest.fixture
def busy_store(store: Store) -> Store:
    if connections[store.database].vendor == "sqlite":
        pytest.skip(one_writer_only)
    return store


def keyed(store: Store, keys: str) -> list[NewRecord]:
    return [new_record(store, unique_key=key) for key in keys]


def test_two_producers_with_the_same_keys_in_opposite_order_both_succeed(
    busy_store: Store,
) -> None:
    database = busy_store.database
    forth, back = keyed(busy_store, "amz"), keyed(busy_store, "zma")

    with in_another_transaction(
        database, lambda: busy_store.insert_many(keyed(busy_store, "m"))
    ) as end:
        answers = [elsewhere(insert_all, busy_store, records) for records in (forth, back)]
        wait_until_blocked(database, 2)
        end()
        new = [answer.result(30) for answer in answers]

    assert sorted(map(len, new)) == [0, 3]
    assert TaskRecord.objects.using(database).count() == 3


def insert_all(store: Store, records: list[NewRecord]) -> list[object]:
    with transaction.atomic(using=store.database):
        return list(store.insert_many(records))


@pytest.mark.parametrize("commits", [True, False])
def test_an_insert_waits_for_another_open_transaction_with_its_key(
    busy_store: Store, commits: bool
) -> None:
    first, second = keyed(busy_store, "kk")

    with in_another_transaction(
        busy_store.database, lambda: busy_store.insert(first), commits=commits
    ) as end:
        answer = elsewhere(busy_store.insert, second)
        wait_until_blocked(busy_store.database, 1)
        end()

    assert answer.result(30).is_new is not commits
    assert answer.result(30).id == (first.id if commits else second.id)


def test_an_id_is_inserted_once(store: Store) -> None:
    (record,) = keyed(store, "k")
    store.insert(record)
    same_id = new_record(store, id=record.id, unique_key="another")

    with pytest.raises(IntegrityError), transaction.atomic(using=store.database):
        store.insert(same_id)


def test_what_the_database_refuses_of_many_is_an_error_of_django(store: Store) -> None:
    record = new_record(store)

    with pytest.raises(IntegrityError), transaction.atomic(using=store.database):
        store.insert_many([record, record])

    assert not TaskRecord.objects.exists()


@contextmanager
def before_each(store: Store, meddle: Callable[[str], object]) -> Iterator[None]:
    """Call `meddle` with each statement on records before it, and fail after a hundred."""
    left = iter(range(100))

    def wrap(execute: Any, sql: str, *rest: Any) -> Any:
        if "djtasks_taskrecord" in sql:
            next(left)
            meddle(sql.split()[0])
        return execute(sql, *rest)

    with connections[store.database].execute_wrapper(wrap):
        yield


def test_an_insert_behind_an_older_snapshot_gets_the_holder(store: Store) -> None:
    connection = connections[store.database]
    if connection.vendor != "mysql":
        pytest.skip("other databases show the holder, or refuse the insert")
    first, second = keyed(store, "kk")
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    with before_each(store, lambda _verb: None), transaction.atomic(using=store.database):
        assert not TaskRecord.objects.using(store.database).exists()
        elsewhere(store.insert, first).result(30)
        answer = store.insert(second)
    connection.close()

    assert answer.holder is not None
    assert answer.holder.pk == first.id


def test_an_insert_whose_key_is_taken_and_freed_again_and_again_gives_up(
    busy_store: Store,
) -> None:
    records = TaskRecord.objects.using(busy_store.database)

    def meddle(verb: str) -> None:
        if verb == "INSERT":
            elsewhere(busy_store.insert, *keyed(busy_store, "k")).result(30)
        elif verb == "SELECT":
            elsewhere(records.update, unique_key=None).result(30)

    with before_each(busy_store, meddle), pytest.raises(DatabaseError):
        busy_store.insert(*keyed(busy_store, "k"))


@pytest.mark.parametrize("key", ["k", None])
def test_what_the_database_refuses_of_one_is_an_error_of_django(
    store: Store, key: str | None
) -> None:
    record = new_record(store, unique_key=key, queue=None)

    with before_each(store, lambda _verb: None), pytest.raises(IntegrityError):
        store.insert(record)


def test_the_deepest_arguments_are_stored(store: Store) -> None:
    deepest: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        deepest = [deepest]
    text = encode(deepest, "args").decode()

    store.insert(new_record(store, args=text))

    assert TaskRecord.objects.get().args == deepest
