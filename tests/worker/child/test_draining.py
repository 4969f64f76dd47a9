"""How a child comes to its end."""

import threading

import pytest

from djtasks.backend import DjtasksBackend
from djtasks.formats.ids import new_id
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.board import Board
from djtasks.worker.child import child as child_module
from djtasks.worker.child.child import PROGRESS_COUNTERS, Child
from djtasks.worker.config import ChildConfig, WorkerConfig
from tests.worker.making import WORKER, claim_of


@pytest.fixture
def child(engine):
    config = WorkerConfig(backend="default")
    made = Child(
        engine,
        ChildConfig(worker=config, supervisor=new_id()),
        WORKER,
        send=lambda _message: None,
        counters=[0] * len(PROGRESS_COUNTERS),
        board=Board(bytearray(Board.size(config.slots))),
        sender=DjtasksBackend,
    )
    yield made
    made.coroutines._loop.close()


def test_a_child_that_has_nothing_to_tell_leaves_at_once(child, monkeypatch):
    # None of its loops runs, so what it waited for would never come.
    monkeypatch.setattr(child_module, "_NEWS_SECONDS", 3_600.0)
    draining = threading.Thread(target=child.drain, daemon=True)

    draining.start()
    draining.join(30)

    assert not draining.is_alive()


def test_a_child_waits_for_its_figures(child):
    finished = execute_here(child.pipeline, claim_of("tests.tasks.add", 1, 2))
    # Whether signals are heard by somebody depends on Django and on what else is connected.
    child.announcer.settled([execute_here(child.pipeline, claim_of("tests.tasks.explode", "no"))])
    assert not child.is_flushed()
    while not child.announcer.is_idle:
        child.announcer.tick()
    child.statistics.settled([finished])
    assert not child.is_flushed()

    child.statistics.hurry()
    child.statistics.tick()

    assert child.is_flushed()
