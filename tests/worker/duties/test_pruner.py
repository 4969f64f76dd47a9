"""Finished records go when their time has come, a page at a time."""

from datetime import timedelta

import pytest

from djtasks import operations
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.worker.duties.pruner import Pruner
from tests import tasks


@pytest.fixture
def pruner(engine, monkeypatch):
    pages = operations.prune
    monkeypatch.setattr("djtasks.worker.duties.pruner.prune", lambda engine: pages(engine, page=2))
    return Pruner(engine)


def finish(engine, state, age, count=1):
    tasks.add.enqueue_many((n, n) for n in range(count))
    rows = TaskRecord.objects.filter(state=State.READY)
    rows.update(state=state, finished_at=engine.store.now() - age)


def tick(pruner):
    pruner._not_before = 0.0
    return pruner.tick()


def test_old_successes_go_page_by_page_and_failures_stay_a_month(engine, pruner):
    finish(engine, State.SUCCESSFUL, timedelta(days=8), count=5)
    finish(engine, State.FAILED, timedelta(days=8))
    finish(engine, State.SUCCESSFUL, timedelta(days=6))
    finish(engine, State.FAILED, timedelta(days=31))

    pauses = [tick(pruner) for _ in range(6)]

    assert sorted(TaskRecord.objects.values_list("state", flat=True)) == [
        State.SUCCESSFUL,
        State.FAILED,
    ]
    assert pauses[:4] == [0.5] * 4
    assert pauses[-1] == 60.0


def test_nothing_is_done_before_its_time(engine, pruner):
    finish(engine, State.SUCCESSFUL, timedelta(days=8))

    assert 50 < pruner.tick() <= 60

    assert TaskRecord.objects.count() == 1
