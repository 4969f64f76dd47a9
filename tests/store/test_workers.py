"""Rows of workers: who beats, who is taken, and that nobody waits for a stopped session."""

from uuid import UUID

import pytest
from django.db import connections

from djtasks.formats.ids import new_id
from djtasks.models import Lease, TaskRecord, WorkerRecord
from djtasks.protocol.records import Claim
from djtasks.protocol.recovery import Departure
from djtasks.protocol.states import State
from djtasks.store import Store, open_store, workers
from djtasks.store.workers import ChildStatus, NewWorker
from tests.store.connections import in_another_transaction
from tests.store.contract.records import insert_claimed, request_cancel, row_of

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

CRASHED = Departure(crashed=True)
STATUS = ChildStatus(rss=1, draining=False, tasks=[])


@pytest.fixture
def store(database: str) -> Store:
    return open_store("default")


@pytest.fixture
def locking_store(store: Store) -> Store:
    if not connections[store.database].features.has_select_for_update_skip_locked:
        pytest.skip("a database without row locks has none to skip")
    return store


def registered(store: Store, *, alone: bool = False) -> UUID:
    worker = new_worker(alone=alone)
    workers.register(store.database, worker)
    return worker.id


def new_worker(*, alone: bool = False) -> NewWorker:
    return NewWorker(
        id=new_id(),
        supervisor=new_id(),
        backend="default",
        host="here",
        pid=1,
        version="1",
        queues=["default"],
        slots=8,
        alone=alone,
    )


def lock_record(store: Store, claimed: Claim) -> None:
    locked = TaskRecord.objects.using(store.database).select_for_update()
    assert locked.get(pk=claimed.id).worker is not None


def lock_worker(store: Store, worker: UUID) -> None:
    assert WorkerRecord.objects.using(store.database).select_for_update().get(pk=worker).pid == 1


def exists(store: Store, worker: UUID) -> bool:
    return WorkerRecord.objects.using(store.database).filter(pk=worker).exists()


def test_a_worker_that_signs_on_again_keeps_its_row(store: Store) -> None:
    worker = new_worker()
    workers.register(store.database, worker)
    workers.heartbeat(store.database, {worker.id: STATUS})

    workers.register(store.database, worker)

    row = WorkerRecord.objects.using(store.database).get()
    assert (row.pk, row.heartbeat, row.slots, row.queues) == (worker.id, 1, 8, ["default"])


def test_the_records_of_a_dead_worker_are_ready_again(store: Store) -> None:
    worker = registered(store)
    claimed = insert_claimed(store, worker)

    released = workers.take(store.database, worker, counter=0)

    row = row_of(store, claimed.id)
    assert released is not None
    assert [one.id for one in released] == [claimed.id]
    assert (row.state, row.worker, row.crash_count) == (State.READY, None, 1)
    assert not exists(store, worker)


def test_a_crash_counts_for_what_was_running_and_not_for_what_waited(store: Store) -> None:
    worker = registered(store)
    culprit, bystander = insert_claimed(store, worker), insert_claimed(store, worker)

    crash = Departure(crashed=True, running=frozenset({culprit.id}))
    released = workers.leave(store.database, worker, crash)

    assert released is not None
    assert {one.state for one in released} == {State.READY}
    counts = [row_of(store, claimed.id).crash_count for claimed in (culprit, bystander)]
    assert counts == [1, 0]


def test_a_worker_that_beat_meanwhile_keeps_everything(store: Store) -> None:
    worker = registered(store)
    claimed = insert_claimed(store, worker)
    workers.heartbeat(store.database, {worker: STATUS})

    assert workers.take(store.database, worker, counter=0) is None

    assert row_of(store, claimed.id).worker == worker
    assert exists(store, worker)


def test_a_cancelled_record_of_a_dead_worker_ends(store: Store) -> None:
    worker = registered(store)
    claimed = insert_claimed(store, worker, unique_key="k")
    request_cancel(store, claimed.id)

    workers.take(store.database, worker, counter=0)

    row = row_of(store, claimed.id)
    assert (row.state, row.unique_key) == (State.CANCELLED, None)
    assert row.finished_at is not None


def test_a_record_that_must_not_start_twice_is_lost_with_its_worker(store: Store) -> None:
    worker = registered(store)
    claimed = insert_claimed(store, worker, max_crashes=1)

    workers.take(store.database, worker, counter=0)

    row = row_of(store, claimed.id)
    assert row.state == State.FAILED
    assert "must never start twice" in row.errors[-1]["message"]


def test_taking_leaves_a_locked_record_for_a_later_look(locking_store: Store) -> None:
    worker = registered(locking_store)
    held, free = (insert_claimed(locking_store, worker) for _ in range(2))

    with in_another_transaction(locking_store.database, lambda: lock_record(locking_store, held)):
        released = workers.take(locking_store.database, worker, counter=0)
    later = workers.take(locking_store.database, worker, counter=None)

    assert released is not None
    assert [one.id for one in released] == [free.id]
    assert later is not None
    assert [one.id for one in later] == [held.id]


@pytest.mark.parametrize("counter", [0, None])
def test_leaving_and_taking_never_wait_for_a_locked_worker(
    locking_store: Store, counter: int | None
) -> None:
    worker = registered(locking_store)
    claimed = insert_claimed(locking_store, worker)

    with in_another_transaction(locking_store.database, lambda: lock_worker(locking_store, worker)):
        if counter is None:
            released = workers.leave(locking_store.database, worker, CRASHED)
        else:
            released = workers.take(locking_store.database, worker, counter=counter)

    assert released is None
    assert row_of(locking_store, claimed.id).worker == worker
    assert exists(locking_store, worker)


def test_a_beat_passes_over_a_locked_worker(locking_store: Store) -> None:
    held, free = registered(locking_store), registered(locking_store)

    with in_another_transaction(locking_store.database, lambda: lock_worker(locking_store, held)):
        reply = workers.heartbeat(locking_store.database, {held: STATUS, free: STATUS})

    assert workers.census(locking_store.database) == {held: 0, free: 1}
    assert reply.gone == set()


def test_a_beat_tells_what_was_asked_since(store: Store) -> None:
    worker, gone = registered(store), new_id()
    claimed = insert_claimed(store, worker)
    request_cancel(store, claimed.id)
    WorkerRecord.objects.using(store.database).update(order="drain")

    reply = workers.heartbeat(store.database, {worker: STATUS, gone: STATUS})
    again = workers.heartbeat(store.database, {worker: STATUS})

    assert reply.gone == {gone}
    assert (reply.orders, again.orders) == ({worker: "drain"}, {})
    assert reply.cancelled == [(worker, claimed.id)]


def test_an_owner_without_a_row_is_in_the_census(store: Store) -> None:
    registered_one, owner = registered(store), new_id()
    insert_claimed(store, owner)

    assert workers.census(store.database) == {registered_one: 0, owner: None}


def test_one_of_two_takes_a_lease(store: Store) -> None:
    first, second = new_id(), new_id()

    assert workers.take_lease(store.database, "duty", first, seen=None) is True
    assert workers.take_lease(store.database, "duty", second, seen=None) is False
    seen = workers.read_lease(store.database, "duty")
    assert seen == (first, 0)
    assert workers.renew_lease(store.database, "duty", first) is True
    assert workers.take_lease(store.database, "duty", second, seen=seen) is False

    seen = workers.read_lease(store.database, "duty")
    assert workers.take_lease(store.database, "duty", second, seen=seen) is True
    assert workers.renew_lease(store.database, "duty", first) is False


def test_who_drops_a_lease_drops_only_its_own(store: Store) -> None:
    holder = new_id()
    workers.take_lease(store.database, "duty", holder, seen=None)

    workers.drop_lease(store.database, "duty", new_id())
    assert Lease.objects.using(store.database).count() == 1

    workers.drop_lease(store.database, "duty", holder)
    assert workers.read_lease(store.database, "duty") is None
