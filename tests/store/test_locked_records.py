"""A record that another transaction has locked costs a worker this record, and no time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.operations import prune
from djtasks.protocol.records import Settlement
from djtasks.protocol.states import State
from djtasks.store import Store, open_store
from tests.store.connections import in_another_transaction
from tests.store.contract.records import insert, insert_claimed, row_of, rows

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

_LOCK_TIMEOUT = 2.0


@pytest.fixture
def store(database: str) -> Store:
    if not connections[database].features.has_select_for_update_skip_locked:
        pytest.skip("a database without row locks has none to skip")
    return open_store("default")


@contextmanager
def locked(store: Store, id_: UUID) -> Iterator[None]:
    """Lock a record elsewhere, and fail if the block waits for it."""

    def lock() -> None:
        TaskRecord.objects.using(store.database).select_for_update().get(pk=id_)

    with in_another_transaction(store.database, lock):
        started = time.monotonic()
        yield
        assert time.monotonic() - started < _LOCK_TIMEOUT


@pytest.fixture(autouse=True)
def _lock_timeout(store: Store) -> Iterator[None]:
    """Make whoever waits for a lock fail, as workers do."""
    with connections[store.database].cursor() as cursor:
        if connections[store.database].vendor == "postgresql":
            cursor.execute("SET lock_timeout = '2s'")
            yield
            cursor.execute("RESET lock_timeout")
        else:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 2")
            yield
            cursor.execute("SET SESSION innodb_lock_wait_timeout = DEFAULT")


@pytest.mark.parametrize("queues", [None, ["default"]])
def test_a_claim_takes_the_others(store: Store, queues: list[str] | None) -> None:
    ids = [insert(store) for _ in range(5)]

    with locked(store, ids[2]):
        first = store.claim(ids[:4], worker=new_id(), queues=queues)
        second = store.claim(ids[2:], worker=new_id(), queues=queues)

    assert [claimed.id for claimed in first] == [*ids[:2], ids[3]]
    assert [claimed.id for claimed in second] == [ids[4]]
    assert row_of(store, ids[2]).state == State.READY


def test_a_claim_without_hints_takes_the_others(store: Store) -> None:
    ids = [insert(store) for _ in range(3)]

    with locked(store, ids[0]):
        claims = store.claim_due(store.scan().lanes, worker=new_id(), limit=9)

    assert {claimed.id for claimed in claims} == set(ids[1:])


def test_a_locked_record_can_be_claimed_afterwards(store: Store) -> None:
    id_ = insert(store)
    with locked(store, id_):
        assert store.claim([id_], worker=new_id(), queues=None) == []

    claims = store.claim([id_], worker=new_id(), queues=None)

    assert [claimed.id for claimed in claims] == [id_]


def test_the_results_of_the_others_are_stored(store: Store) -> None:
    worker = new_id()
    held, *free = (insert_claimed(store, worker) for _ in range(4))
    verdicts = [Settlement(id=c.id, fence=c.fence, state=State.SUCCESSFUL) for c in free]

    with locked(store, held.id):
        written = store.settle(verdicts, worker=worker)

    assert written == {claimed.id for claimed in free}


def test_the_others_are_given_back(store: Store) -> None:
    worker = new_id()
    held, free = (insert_claimed(store, worker) for _ in range(2))
    owned = [(claimed.id, claimed.fence) for claimed in (held, free)]

    with locked(store, held.id):
        count = store.give_back(owned, worker=worker)

    assert count == 1
    assert row_of(store, free.id).state == State.READY
    assert store.owned_by(worker) == [(held.id, held.fence)]


def test_the_progress_of_the_others_is_stored(store: Store) -> None:
    worker = new_id()
    held, free = (insert_claimed(store, worker) for _ in range(2))
    news = [(claimed.id, claimed.fence, '{"done": 1}') for claimed in (held, free)]

    with locked(store, held.id):
        store.report_progress(news, worker=worker)

    assert row_of(store, free.id).progress == {"done": 1}
    assert row_of(store, held.id).progress is None


def test_the_others_are_pruned(store: Store) -> None:
    ids = [insert(store) for _ in range(3)]
    rows(store).update(state=State.SUCCESSFUL, finished_at="2020-01-01T00:00Z")

    with locked(store, ids[0]):
        count = sum(prune(engine_of("default"), page=2, older_than=timedelta(days=1)))

    assert count == 2
    assert set(rows(store).values_list("pk", flat=True)) == {ids[0]}
