"""Whatever is due and not in the broker gets there, and a healthy backlog costs one page."""

from datetime import timedelta

import pytest
from django.db.models import F

from djtasks.brokers.memory import MemoryBroker
from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.models import TaskRecord
from djtasks.options import Options
from djtasks.protocol.hints import Hint
from djtasks.protocol.states import State
from djtasks.worker.duties import indexer as module
from djtasks.worker.duties.indexer import Indexer
from tests import tasks
from tests.waiting import eventually


class CountingBroker(MemoryBroker):
    """Remembers how much was pushed, and can be switched off."""

    is_away = False
    most = 1_000_000

    def __init__(self):
        super().__init__("default", Options(), lambda: "x")
        self.pushes = []

    def push(self, hints):
        if self.is_away:
            raise BrokerUnavailable("switched off")
        self.pushes.append(list(hints))
        taken = hints[: self.most]
        new = super().push(taken)
        return new if self.holds_once else len(taken)

    def ids(self, queue="default"):
        return self.pop([queue], limit=10_000, wait=timedelta(0))


@pytest.fixture
def broker(monkeypatch):
    made = CountingBroker()
    monkeypatch.setattr(Engine, "broker", made)
    return made


@pytest.fixture
def indexer(engine, broker, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 10)
    return Indexer(engine, broker)


def look(indexer):
    """Look now, whenever the last look was."""
    indexer._not_before = 0.0
    return indexer.tick()


def slow_look(indexer):
    """Look at whole pages now."""
    indexer._slow_at = float("-inf")
    return look(indexer)


def enqueue_lost(count, age=timedelta(seconds=10), **options):
    """Enqueue records whose hints never arrive, due since `age`; return their ids in order."""
    task = tasks.add.using(**options) if options else tasks.add
    before = set(TaskRecord.objects.values_list("pk", flat=True))
    task.enqueue_many((n, n) for n in range(count))
    new = TaskRecord.objects.exclude(pk__in=before)
    new.update(run_after=F("run_after") - age)
    return list(new.order_by("run_after", "pk").values_list("pk", flat=True))


def test_what_falls_due_between_two_looks_is_pushed(engine, indexer, broker):
    result = tasks.add.using(run_after=timedelta(hours=1)).enqueue(1, 2)
    look(indexer)
    assert broker.ids() == []

    looked = engine.store.now()
    eventually(lambda: engine.store.now() > looked)  # SQLite's clock counts milliseconds
    TaskRecord.objects.update(run_after=engine.store.now())
    look(indexer)

    assert [str(id_) for id_ in broker.ids()] == [result.id]


def test_lost_hints_come_back_page_by_page_while_most_of_a_page_is_missing(indexer, broker):
    lost = enqueue_lost(35)

    slow_look(indexer)

    assert broker.ids() == lost
    assert [len(push) for push in broker.pushes] == [10, 10, 10, 5]


def test_a_healthy_backlog_costs_one_page_a_look(indexer, broker):
    enqueue_lost(35)
    slow_look(indexer)
    broker.pushes.clear()

    slow_look(indexer)

    assert [len(push) for push in broker.pushes] == [10]


def test_each_lane_has_its_first_page(indexer, broker):
    low = enqueue_lost(12, priority=-10)
    high = enqueue_lost(12, priority=10)
    other = enqueue_lost(12, queue_name="mail")

    slow_look(indexer)

    assert broker.ids() == high + low
    assert broker.ids("mail") == other


def test_a_fresh_record_is_left_to_its_producer(indexer, broker):
    enqueue_lost(3, age=timedelta(seconds=0))

    slow_look(indexer)

    assert broker.ids() == []


def test_a_record_of_another_backend_is_not_ours(indexer, broker):
    enqueue_lost(3)
    TaskRecord.objects.update(backend="anything")

    slow_look(indexer)

    assert broker.ids() == []


def test_a_stale_rank_is_put_right(engine, indexer, broker):
    from djtasks.protocol.hints import Hint

    (first, second) = enqueue_lost(2)
    broker.push([Hint(first, "default", 2**52), Hint(second, "default", 0)])

    slow_look(indexer)

    assert broker.ids() == [first, second]


def test_a_queue_that_runs_empty_is_looked_at_at_once(indexer, broker):
    enqueue_lost(1)
    slow_look(indexer)
    look(indexer)
    lost = enqueue_lost(5)
    broker.ids()

    look(indexer)

    assert set(broker.ids()) > set(lost)


def test_a_broker_that_comes_back_is_filled_at_once(indexer, broker, caplog):
    lost = enqueue_lost(5)
    broker.is_away = True
    slow_look(indexer)
    slow_look(indexer)
    assert caplog.text.count("nothing indexed") == 1

    broker.is_away = False
    look(indexer)

    assert broker.ids() == lost


def test_a_full_index_still_gets_the_first_page_of_each_lane(indexer, broker, monkeypatch):
    monkeypatch.setattr(module, "FULL_INDEX", 0)
    lost = enqueue_lost(35)

    slow_look(indexer)

    assert broker.ids() == lost[:10]


def test_who_has_waited_too_long_ranks_first(engine, broker, monkeypatch):
    options = Options(broker="memory", max_wait=timedelta(minutes=5))
    monkeypatch.setattr(engine.__class__, "options", options, raising=False)
    object.__setattr__(engine, "options", options)
    indexer = Indexer(engine, broker)
    urgent = enqueue_lost(2, priority=100)
    starved = enqueue_lost(2, priority=-100, age=timedelta(minutes=6))

    slow_look(indexer)

    assert broker.ids() == starved + urgent


def test_looks_that_take_long_are_rarer(indexer, monkeypatch):
    times = iter([0.0, 0.5, *[0.5] * 50])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(times))

    assert indexer.tick() == pytest.approx(10.0)


@pytest.fixture
def keeping_duplicates(monkeypatch):
    monkeypatch.setattr(CountingBroker, "holds_once", False)


def sizes(broker):
    return [len(push) for push in broker.pushes]


@pytest.mark.usefixtures("keeping_duplicates")
def test_a_broker_that_keeps_duplicates_gets_each_hint_once_a_minute(indexer, broker):
    enqueue_lost(5)

    slow_look(indexer)
    slow_look(indexer)

    assert sizes(broker) == [5]
    assert TaskRecord.objects.filter(state=State.READY).count() == 5


@pytest.mark.usefixtures("keeping_duplicates")
def test_a_healthy_backlog_is_not_pushed_twice_as_a_whole(indexer, broker):
    broker.push([Hint(id_, "default", 0) for id_ in enqueue_lost(100)])

    slow_look(indexer)

    assert sizes(broker) == [100, 10]


@pytest.mark.usefixtures("keeping_duplicates")
def test_what_an_empty_queue_has_lost_goes_there_again(indexer, broker):
    lost = enqueue_lost(5)
    slow_look(indexer)
    assert len(broker.ids()) == 5

    slow_look(indexer)

    assert broker.ids() == lost


@pytest.mark.usefixtures("keeping_duplicates")
def test_a_broker_that_takes_a_few_at_a_time_is_given_the_rest_at_once(indexer, broker):
    broker.most = 2
    lost = enqueue_lost(5)

    slow_look(indexer)

    assert sizes(broker) == [5, 3, 1]
    assert broker.ids() == lost


@pytest.mark.usefixtures("keeping_duplicates")
def test_what_did_not_arrive_is_pushed_again(indexer, broker):
    lost = enqueue_lost(5)
    broker.is_away = True
    slow_look(indexer)
    broker.is_away = False

    look(indexer)

    assert broker.ids() == lost
