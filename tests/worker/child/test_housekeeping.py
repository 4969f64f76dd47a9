"""Self-audit and progress: what a child does about its own records."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.running import Work
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.child.housekeeper import Housekeeper
from tests import tasks
from tests.worker.making import WORKER, LostReplies, claim_all


@pytest.fixture
def store(engine):
    return LostReplies(engine.store)


@pytest.fixture
def running():
    return []


@pytest.fixture
def reports():
    return []


@pytest.fixture
def holdings():
    return Holdings()


@pytest.fixture
def housekeeper(store, holdings, running, reports):
    return Housekeeper(
        store,
        WORKER,
        holdings,
        running=lambda: running,
        every=timedelta(seconds=5),
        report=reports.append,
    )


def test_a_claim_whose_answer_got_lost_is_given_back(engine, housekeeper, store):
    tasks.add.enqueue(1, 2)
    store.losing["claim_due"] = 1
    with pytest.raises(OperationalError):
        store.claim_due(store.scan().lanes, worker=WORKER, limit=1)
    assert TaskRecord.objects.get().state == State.RUNNING

    assert housekeeper.audit() == 1

    row = TaskRecord.objects.get()
    assert (row.state, row.worker, row.attempt, row.crash_count) == (State.READY, None, 0, 0)
    assert row.started_at is None


def test_what_is_in_hand_is_left_alone(engine, housekeeper, holdings):
    tasks.add.enqueue(1, 2)
    (claim,) = claim_all(WORKER)
    holdings.add(claim)

    assert housekeeper.audit() == 0

    assert TaskRecord.objects.get().state == State.RUNNING


def test_an_older_fence_in_hand_does_not_cover_a_newer_claim(engine, housekeeper, holdings):
    tasks.add.enqueue(1, 2)
    (first,) = claim_all(WORKER)
    holdings.add(first)
    TaskRecord.objects.update(state=State.READY, worker=None)
    claim_all(WORKER)

    assert housekeeper.audit() == 1


def test_a_record_settled_while_the_audit_looks_is_not_touched(engine, housekeeper, store):
    tasks.add.enqueue(1, 2)
    (claim,) = claim_all(WORKER)
    real = store._store.owned_by

    def settled_meanwhile(worker):
        owned = real(worker)
        TaskRecord.objects.update(state=State.SUCCESSFUL, worker=None, fence=claim.fence)
        return owned

    store._store.owned_by = settled_meanwhile
    try:
        assert housekeeper.audit() == 0
    finally:
        store._store.owned_by = real

    assert TaskRecord.objects.get().state == State.SUCCESSFUL


def test_progress_is_stored_when_it_changed_and_only_while_the_record_is_ours(
    engine, housekeeper, running, store, reports
):
    tasks.add.enqueue(1, 2)
    (claim,) = claim_all(WORKER)
    attempt = Pipeline(store, WORKER).begin(Work.of(claim))
    running.append(attempt)

    attempt.report({"done": 1, "total": 2, "note": "x"})
    housekeeper.tick()
    housekeeper.tick()
    assert TaskRecord.objects.get().progress == {"done": 1, "total": 2, "note": "x"}
    assert store.calls.count("report_progress") == 1

    TaskRecord.objects.update(worker=None)
    attempt.report({"done": 2, "total": 2, "note": ""})
    housekeeper.tick()

    assert TaskRecord.objects.get().progress["done"] == 1
    assert reports[0][0]["path"] == "tests.tasks.add"
    assert reports[0][0]["attempt"] == 1
