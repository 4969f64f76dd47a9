"""Producers with the same unique keys, on connections of their own."""

import pytest
from django.db import IntegrityError, connections, transaction

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
