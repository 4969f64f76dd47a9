"""What was claimed and has not started goes back, and what may have gone back is not run here."""

from datetime import timedelta

import pytest
from django.utils import timezone

from djtasks.brokers.memory import MemoryBroker
from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.models import TaskRecord
from djtasks.options import Options
from djtasks.protocol.states import State
from djtasks.worker.child.giving_back import give_back
from djtasks.worker.child.holdings import Holdings
from tests import tasks
from tests.worker.making import WORKER, LostReplies, claim_all

pytestmark = pytest.mark.django_db(transaction=True)


class FullBroker(MemoryBroker):
    """A broker that a test lets refuse."""

    is_full = False

    def push(self, hints):
        if self.is_full:
            raise BrokerUnavailable("full")
        return super().push(hints)


@pytest.fixture
def broker(monkeypatch):
    made = FullBroker("default", Options(), lambda: "x")
    monkeypatch.setattr(Engine, "broker", made)
    return made


@pytest.fixture
def claims(engine, broker):
    """Two claims that are held: of a task that waits for an hour, and of a newer one."""
    older = tasks.add.enqueue(1, 1)
    tasks.add.enqueue(2, 2)
    hour_ago = timezone.now() - timedelta(hours=1)
    TaskRecord.objects.filter(pk=older.id).update(run_after=hour_ago)
    broker.pop(["default"], limit=10, wait=timedelta(0))
    return claim_all(WORKER)


@pytest.fixture
def holdings(claims):
    held = Holdings()
    for claim in claims:
        held.add(claim)
    return held


def test_records_are_ready_again_in_the_order_of_their_age(engine, broker, claims, holdings):
    newest_first = sorted(claims, key=lambda claim: claim.waited)

    give_back(engine, holdings, newest_first, worker=WORKER)

    rows = TaskRecord.objects.values_list("state", "worker", "attempt", "crash_count")
    assert list(rows) == [(State.READY, None, 0, 0)] * 2
    assert len(holdings) == 0
    ids = broker.pop(["default"], limit=10, wait=timedelta(0))
    assert ids == [claim.id for claim in reversed(newest_first)]


def test_what_may_have_gone_back_is_not_held_any_more(engine, claims, holdings, caplog):
    engine.__dict__["store"] = store = LostReplies(engine.store)
    store.losing["give_back"] = 1

    give_back(engine, holdings, claims, worker=WORKER)

    assert len(holdings) == 0
    assert TaskRecord.objects.filter(state=State.READY).count() == 2
    assert "Not given back yet count=2" in caplog.text


def test_a_broker_that_takes_no_hints_keeps_nothing_from_going_back(
    engine, broker, claims, holdings, caplog
):
    broker.is_full = True

    give_back(engine, holdings, claims, worker=WORKER)

    assert TaskRecord.objects.filter(state=State.READY).count() == 2
    assert len(holdings) == 0
    assert "Given back without hints count=2" in caplog.text
