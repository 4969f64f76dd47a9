"""Records of exited children are released, whatever is wrong with some of them."""

import logging

import pytest

from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.records import Notes, Settlement
from djtasks.protocol.recovery import Departure
from djtasks.protocol.states import State
from djtasks.store.workers import take
from djtasks.worker.supervisor.departures import Departures, ExitedChild, publish
from tests.store.connections import in_another_transaction
from tests.store.contract.records import insert_claimed, row_of

pytestmark = pytest.mark.django_db(transaction=True)


def exited(worker, *hung) -> ExitedChild:
    return ExitedChild(worker=worker, departure=Departure(crashed=False), hung=list(hung))


@pytest.mark.usefixtures("servers")
def test_a_locked_record_waits_alone_and_nobody_waits_for_it(live_engine):
    store, departures = live_engine.store, Departures(live_engine)
    first, second = new_id(), new_id()
    hung, other = insert_claimed(store, first), insert_claimed(store, second)
    departures.add(exited(first, Settlement.failed(hung, Notes())))
    departures.add(exited(second))

    def lock() -> None:
        TaskRecord.objects.select_for_update().get(pk=hung.id)

    # Without a lock timeout in this session, a wait would never end.
    with in_another_transaction("default", lock):
        departures.settle()
        assert departures.are_pending
        assert row_of(store, other.id).state == State.READY

    departures.settle()
    assert not departures.are_pending
    assert row_of(store, hung.id).state == State.FAILED


def test_what_cannot_be_released_is_left_to_a_reaper(live_engine, caplog):
    store, departures = live_engine.store, Departures(live_engine)
    worker = new_id()
    other = insert_claimed(store, worker)
    departures.add(exited(new_id(), None))
    departures.add(exited(worker))

    with caplog.at_level(logging.ERROR):
        departures.settle()

    assert "left to a reaper" in caplog.text
    assert not departures.are_pending
    assert row_of(store, other.id).state == State.READY


def test_a_broker_that_leaves_holds_up_no_record(live_engine, monkeypatch, caplog):
    class Leaving:
        def push(self, _hints):
            raise SystemExit(3)

    monkeypatch.setattr(Engine, "broker", Leaving())
    workers = [new_id(), new_id()]
    claims = [insert_claimed(live_engine.store, worker) for worker in workers]

    for worker, claim in zip(workers, claims, strict=True):
        publish(live_engine, take(live_engine.database, worker, counter=None) or [])
        assert row_of(live_engine.store, claim.id).state == State.READY

    assert caplog.text.count("the indexer brings them count=1") == 2
