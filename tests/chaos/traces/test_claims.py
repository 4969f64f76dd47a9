"""Claims that arrive late, twice, or without an answer."""

from datetime import timedelta

import pytest

from djtasks.models import TaskRecord
from djtasks.protocol.hints import Hint
from djtasks.protocol.states import State
from djtasks.worker.duties.indexer import Indexer
from tests.chaos.traces.steps import enqueue, index, look, reaper_of, row, run, state

pytestmark = pytest.mark.everyday


def test_a_claim_that_arrives_after_its_worker_is_gone_is_taken_back(site, ada, bob):
    id_ = enqueue(site)
    ada.fetch("arrives late")
    ada.die()
    ada.leave()
    site.late.pop()()
    assert (state(id_), row(id_).worker) == (State.RUNNING, ada.id)

    look(reaper_of(site), bob)

    bob.fetch("arrives")
    run(bob)
    assert state(id_) is State.SUCCESSFUL


def test_an_answer_that_takes_its_time_does_not_cost_the_claim(site, ada, bob):
    id_ = enqueue(site)
    ada.fetch_slowly()

    ada.audit("arrives")
    ada.audit("arrives")
    ada.answer()

    assert [claim.id for claim in ada.queued] == [id_]
    assert row(id_).worker == ada.id


def test_a_claim_without_an_answer_is_given_back_by_its_owner(site, ada, bob):
    id_ = enqueue(site)
    ada.fetch("answer lost")
    ada.fetch("arrives")
    assert state(id_) is State.RUNNING
    assert ada.queued == []

    ada.audit("answer lost")
    ada.audit("arrives")

    assert (state(id_), row(id_).attempt) == (State.READY, 0)
    index(site)
    bob.fetch("arrives")
    run(bob)
    assert state(id_) is State.SUCCESSFUL


def test_a_second_hint_does_not_start_a_running_task_again(site, ada, bob):
    id_ = enqueue(site)
    ada.fetch("arrives")
    ada.start()

    for child in (ada, bob):
        site.broker.push([Hint(id_, "default", 0)])
        child.fetch("arrives")

    assert ada.queued == bob.queued == []
    assert row(id_).fence == 1


def test_the_first_page_of_a_lane_brings_back_a_lost_hint(site, ada):
    id_ = enqueue(site)
    site.broker.pop(["default"], limit=10, wait=timedelta(0))
    TaskRecord.objects.update(run_after=site.store.now() - timedelta(minutes=1))

    Indexer(site.engine(site.store), site.broker).tick()

    ada.fetch("arrives")
    assert [claim.id for claim in ada.queued] == [id_]
