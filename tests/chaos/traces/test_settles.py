"""Results that are sent again, late, or by somebody who owns nothing any more."""

import pytest

from djtasks import operations
from djtasks.engine import engine_of
from djtasks.protocol.states import State
from tests.chaos import tasks
from tests.chaos.traces.steps import enqueue, index, look, reaper_of, row, run, state

pytestmark = pytest.mark.everyday


def test_a_settle_sent_again_does_not_resurrect_what_was_cancelled_since(site, ada):
    id_ = enqueue(site, max_attempts=2)
    ada.fetch("arrives")
    run(ada, raises=True, fate="answer lost")
    operations.cancel(engine_of("default"), [id_])

    ada.settle("arrives")

    assert (state(id_), row(id_).attempt) == (State.CANCELLED, 1)


def test_a_settle_sent_again_does_not_end_what_was_revived_since(site, ada):
    id_ = enqueue(site)
    ada.fetch("arrives")
    run(ada, raises=True, fate="answer lost")
    operations.retry(engine_of("default"), [id_])

    ada.settle("arrives")

    assert (state(id_), row(id_).attempt) == (State.READY, 0)


def test_a_late_settle_does_not_touch_the_next_claim_of_the_same_worker(site, ada, bob):
    id_ = enqueue(site, max_attempts=3)
    ada.fetch("arrives")
    run(ada, raises=True, fate="arrives late")
    ada.settle("arrives")
    index(site)
    ada.fetch("arrives")
    ada.start()

    site.late.pop()()

    assert (state(id_), row(id_).worker, row(id_).attempt) == (State.RUNNING, ada.id, 1)


def test_a_settle_sent_again_does_not_cost_the_next_claim_of_the_same_worker(site, ada):
    id_ = enqueue(site, max_attempts=2)
    ada.fetch("arrives")
    run(ada, raises=True, fate="answer lost")
    ada.fetch("arrives", index=False)

    ada.settle("arrives")
    ada.audit("arrives")

    assert (state(id_), row(id_).worker) == (State.RUNNING, ada.id)
    run(ada)
    assert (state(id_), row(id_).attempt) == (State.SUCCESSFUL, 2)


def test_a_worker_that_slept_through_its_lease_settles_nothing(site, ada, bob):
    id_ = enqueue(site)
    ada.fetch("arrives")
    running = ada.start()
    look(reaper_of(site), bob)
    assert state(id_) is State.READY

    tasks.told_to_raise = False
    ada.finish(running.id)
    ada.settle("arrives")

    assert (state(id_), row(id_).crash_count) == (State.READY, 1)
    ada.heartbeat()
    assert not ada.is_alive


def test_who_has_handed_a_record_over_settles_nothing(site, ada, bob):
    id_ = enqueue(site)
    ada.fetch("arrives")
    claim = ada.queued[0]
    site.store.reassign(claim, new_owner=bob.id, worker=ada.id)

    run(ada)

    assert (state(id_), row(id_).worker) == (State.RUNNING, bob.id)
