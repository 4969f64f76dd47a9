"""Tasks that somebody cancelled, or that must not start twice, do not come back."""

import pytest

from djtasks import operations
from djtasks.engine import engine_of
from djtasks.protocol.recovery import Departure
from djtasks.protocol.states import State
from djtasks.store import workers
from tests.chaos import tasks
from tests.chaos.machine import Child
from tests.chaos.traces.steps import enqueue, index, row, run, state

pytestmark = pytest.mark.everyday


def test_a_cancelled_task_does_not_come_back_when_its_process_dies(site, ada):
    id_ = enqueue(site)
    ada.fetch("arrives")
    ada.start()
    operations.cancel(engine_of("default"), [id_])

    ada.die()
    ada.leave()

    assert state(id_) is State.CANCELLED


def test_a_cancelled_task_does_not_come_back_when_its_claim_was_lost(site, ada):
    id_ = enqueue(site)
    ada.fetch("answer lost")
    operations.cancel(engine_of("default"), [id_])

    ada.audit("arrives")

    assert state(id_) is State.CANCELLED


def test_a_cancelled_task_does_not_come_back_for_its_next_attempt(site, ada):
    id_ = enqueue(site, max_attempts=2)
    ada.fetch("arrives")
    ada.start()
    operations.cancel(engine_of("default"), [id_])

    tasks.told_to_raise = True
    ada.finish(id_)
    ada.settle("arrives")

    assert state(id_) is State.CANCELLED


def test_a_revived_task_is_not_cancelled_by_what_was_asked_before(site, ada):
    id_ = enqueue(site)
    ada.fetch("arrives")
    ada.start()
    operations.cancel(engine_of("default"), [id_])
    ada.die()
    ada.leave()

    operations.retry(engine_of("default"), [id_])

    bob = Child(site)
    index(site)
    bob.fetch("arrives")
    run(bob)
    assert state(id_) is State.SUCCESSFUL


def test_what_must_never_start_twice_is_not_given_back_by_a_drain(site, ada):
    id_ = enqueue(site, max_crashes=1)
    ada.fetch("arrives")
    ada.start()

    ada.die()
    workers.leave(site.alias, ada.id, Departure(crashed=False))

    assert state(id_) is State.FAILED
    assert "WorkerLost" in row(id_).errors[-1]["class"]
