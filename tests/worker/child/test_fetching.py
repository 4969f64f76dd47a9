"""Sources: what is claimed, and from where."""

import pytest
from django.db import OperationalError

from djtasks.brokers.memory import MemoryBroker
from djtasks.definitions import registry
from djtasks.engine import Engine, engine_of
from djtasks.errors import BrokerUnavailable
from djtasks.models import TaskRecord
from djtasks.operations import pause_queue, resume_queue
from djtasks.options import Options
from djtasks.protocol.hints import Hint
from djtasks.protocol.states import State
from djtasks.store import Lane
from djtasks.worker.child import sources
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.child.sources import BrokerSource, DatabaseSource, Queues
from tests import tasks
from tests.worker.making import WORKER, LostReplies


class AwayBroker(MemoryBroker):
    """A broker that a test switches off."""

    is_away = False

    def pop(self, queues, *, limit, wait):
        if self.is_away:
            raise BrokerUnavailable("switched off")
        return super().pop(queues, limit=limit, wait=wait / 100)


@pytest.fixture
def broker(monkeypatch):
    made = AwayBroker("default", Options(), lambda: "x")
    monkeypatch.setattr(Engine, "broker", made)
    return made


@pytest.fixture
def holdings():
    return Holdings()


def sources_of(engine, holdings, *, asked=None, burst=False, store=None):
    if store is not None:
        engine.__dict__["store"] = store
    queues = Queues(engine, asked)
    database = DatabaseSource(engine, queues, holdings, worker=WORKER, wait=lambda seconds: None)
    parts = (engine, queues, holdings)
    return BrokerSource(*parts, worker=WORKER, fallback=database, burst=burst), database


def test_hints_become_claims_that_are_held(engine, broker, holdings):
    tasks.add.enqueue_many((n, n) for n in range(5))
    source, _ = sources_of(engine, holdings)

    engine.outbox.publish(
        [Hint(pk, "default", 0) for pk in TaskRecord.objects.values_list("pk", flat=True)]
    )
    broker.push([Hint(pk, "default", 0) for pk in TaskRecord.objects.values_list("pk", flat=True)])
    batch = source.fetch(3)

    assert len(batch) == 3
    assert all(work.claim.id in holdings for work in batch)
    assert TaskRecord.objects.filter(state=State.RUNNING).count() == 3


def test_a_duplicated_hint_of_a_record_in_hand_is_not_claimed(engine, broker, holdings):
    result = tasks.add.enqueue(1, 2)
    row = TaskRecord.objects.get(pk=result.id)
    store = LostReplies(engine.store)
    source, _ = sources_of(engine, holdings, store=store)
    broker.push([Hint(row.pk, "default", 0)])
    (work,) = source.fetch(1)

    broker.push([Hint(row.pk, "default", 0)])
    again = source.fetch(1)

    assert again == []
    row.refresh_from_db()
    assert (row.state, row.fence) == (State.RUNNING, work.claim.fence)


def test_ids_of_a_claim_that_failed_are_claimed_again_before_any_other(engine, broker, holdings):
    tasks.add.enqueue(1, 2)
    row = TaskRecord.objects.get()
    store = LostReplies(engine.store)
    source, _ = sources_of(engine, holdings, store=store)
    broker.push([Hint(row.pk, "default", 0)])
    store.losing["claim"] = 1

    with pytest.raises(OperationalError):
        source.fetch(1)
    assert row.pk not in holdings
    assert not holdings.claiming.locked()
    TaskRecord.objects.update(state=State.READY, worker=None)

    assert [work.claim.id for work in source.fetch(1)] == [row.pk]


def test_without_the_broker_claims_come_from_the_database_until_it_is_back(
    engine, broker, holdings, monkeypatch, caplog
):
    monkeypatch.setattr(sources, "PROBE_SECONDS", 0.0)
    tasks.add.enqueue_many((n, n) for n in range(2))
    source, _ = sources_of(engine, holdings)
    broker.is_away = True

    assert len(source.fetch(1)) == 1
    assert len(source.fetch(1)) == 1
    broker.is_away = False
    source.fetch(1)

    assert caplog.text.count("fetching from the database") == 1
    assert "Broker is back" in caplog.text


def test_an_index_that_takes_nothing_makes_no_worker_deaf(engine, broker, holdings, caplog):
    tasks.add.enqueue_many((n, n) for n in range(3))
    source, _ = sources_of(engine, holdings)

    assert source.fetch(1) == [], "an empty index is not doubted at once"
    source._next_poll = 0.0
    assert [len(source.fetch(1)) for _ in range(4)] == [1, 1, 1, 0]
    assert source.fetch(1) == []
    assert caplog.text.count("Index empty while tasks are due") == 1


def test_a_burst_looks_into_the_database_when_the_index_is_empty(engine, broker, holdings):
    tasks.add.enqueue(1, 2)
    source, _ = sources_of(engine, holdings, burst=True)

    assert len(source.fetch(1)) == 1


def test_the_oldest_of_any_priority_gets_its_turn_without_an_index(engine, broker, holdings):
    old = tasks.add.using(priority=-100).enqueue(0, 0)
    TaskRecord.objects.filter(pk=old.id).update(run_after="2026-01-01T00:00Z")
    for _ in range(20):
        tasks.add.using(priority=100).enqueue(1, 1)
    _, source = sources_of(engine, holdings)

    claimed = [str(work.claim.id) for _ in range(8) for work in source.fetch(1)]

    assert claimed.index(old.id) == 7


def test_without_an_order_no_queue_starves(engine, broker, holdings):
    queues = Queues(engine, None)

    firsts = {queues.now()[0] for _ in range(200)}

    assert firsts == {"default", "mail", "reports"}


def test_an_asked_order_is_kept_and_paused_queues_are_left_out(engine, monkeypatch):
    monkeypatch.setattr(sources, "_PAUSED_SECONDS", 0.0)
    queues = Queues(engine, ("reports", "mail"))

    assert queues.now() == ["reports", "mail"]
    pause_queue(engine, "reports", by="ada")
    assert queues.now() == ["mail"]
    assert queues.arrange([Lane("mail", 0), Lane("reports", 9), Lane("default", 0)]) == [
        Lane("mail", 0)
    ]
    resume_queue(engine, "reports")
    assert queues.now() == ["reports", "mail"]


def test_a_pause_that_the_worker_has_not_read_yet_holds(engine, broker, holdings):
    tasks.add.enqueue_many((n, n) for n in range(3))
    hints = [Hint(pk, "default", 0) for pk in TaskRecord.objects.values_list("pk", flat=True)]
    broker.push(hints)
    source, database = sources_of(engine, holdings)
    assert len(source.fetch(1)) == 1
    pause_queue(engine, "default", by="ada")

    assert source.fetch(1) == []
    assert database.fetch(1) == []
    assert source.fetch(1) == []
    assert broker.depths(["default"]) == {"default": 1}, "one hint was popped before it was refused"


def test_lanes_are_arranged_by_queue_then_priority(engine):
    queues = Queues(engine, ("b", "a"))

    lanes = [Lane("a", 0), Lane("a", 5), Lane("b", -1), Lane("b", 3)]

    assert queues.arrange(lanes) == [Lane("b", 3), Lane("b", -1), Lane("a", 5), Lane("a", 0)]


@pytest.fixture
def any_queue(db, monkeypatch):
    monkeypatch.setattr(sources, "_NAMES_SECONDS", 0.0)
    monkeypatch.setattr(registry, "_tasks", {tasks.add.module_path: tasks.add})
    return engine_of("anything")


def test_where_any_queue_is_allowed_the_names_are_learnt(any_queue):
    queues = Queues(any_queue, None)
    assert queues.now() == []

    tasks.add.using(backend="anything", queue_name="brand-new").enqueue(1, 2)

    assert "brand-new" in queues.now()
    assert queues.only is None


def test_a_name_that_was_learnt_outlives_its_tasks_for_an_hour(any_queue, monkeypatch):
    queues = Queues(any_queue, None)
    tasks.add.using(backend="anything", queue_name="brand-new").enqueue(1, 2)
    queues.now()

    TaskRecord.objects.all().delete()

    assert "brand-new" in queues.now()
    monkeypatch.setattr(sources, "_NAMES_KEPT_SECONDS", 0.0)
    assert "brand-new" not in queues.now()


def test_where_any_queue_is_allowed_those_of_tasks_are_known_from_the_start(any_queue):
    registry._tasks["near"] = tasks.add.using(backend="anything", queue_name="near")

    assert Queues(any_queue, None).now() == ["near"]
