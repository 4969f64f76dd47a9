"""Two sessions at one row, each in the middle of a statement of the other."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from djtasks import operations
from djtasks.engine import engine_of
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from djtasks.store import workers
from djtasks.store.sessions import use_engine_connection
from djtasks.store.workers import ChildStatus
from tests.chaos.machine import Child, Installation
from tests.chaos.traces.steps import enqueue, look, reaper_of, state
from tests.store.connections import blocked, wait_until_blocked
from tests.waiting import eventually

pytestmark = pytest.mark.everyday


class Elsewhere:
    """Something done in a session of its own, at the same time."""

    def __init__(self, site: Installation, act: Callable[[], Any]) -> None:
        self._act = act
        self._alias = site.alias
        self.answer: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            use_engine_connection(self._alias)
            self.answer = self._act()
        finally:
            connections.close_all()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> Any:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.answer


@contextmanager
def locked(site: Installation, query: Any) -> Iterator[None]:
    """Hold the row locks of a query during the block, in a session that stands still."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(using=site.alias):
            list(query.select_for_update())
            held.set()
            done.wait(60)

    session = Elsewhere(site, hold)
    assert held.wait(60)
    try:
        yield
    finally:
        done.set()
        session.join()


def test_two_claims_of_one_record_at_once_have_one_winner(busy_site):
    ada, bob = Child(busy_site), Child(busy_site)
    id_ = enqueue(busy_site)

    with transaction.atomic(using=busy_site.alias):
        (claim,) = busy_site.store.claim([id_], worker=ada.id, queues=None)
        other = Elsewhere(
            busy_site, lambda: busy_site.store.claim([id_], worker=bob.id, queues=None)
        )
        if connections[busy_site.alias].vendor == "postgresql":
            wait_until_blocked(busy_site.alias, 1)

    assert other.join() == []
    assert claim.fence == 1
    assert TaskRecord.objects.get(pk=id_).worker == ada.id


def test_a_page_of_the_pruner_spares_what_is_revived_meanwhile(site):
    id_ = enqueue(site)
    long_ago = site.store.now() - timedelta(days=400)
    TaskRecord.objects.update(state=State.FAILED, finished_at=long_ago)
    revivals: list[Elsewhere] = []

    def revive_before_the_delete(execute, sql, *rest):
        if sql.startswith("DELETE") and not revivals:
            revivals.append(Elsewhere(site, lambda: operations.retry(engine_of("default"), [id_])))
            eventually(lambda: revivals[0].has_ended or blocked(site.alias))
        return execute(sql, *rest)

    with connections[site.alias].execute_wrapper(revive_before_the_delete):
        deleted = list(operations.prune(site.engine(site.store)))

    # Where the page has locked the record, the revival comes too late.
    revived = len(revivals[0].join().changed)
    assert sum(deleted) + revived == 1
    assert TaskRecord.objects.filter(state=State.READY).count() == revived


def test_a_stopped_session_stops_nobody_elses_recovery(busy_site):
    ada, bob, eve = Child(busy_site), Child(busy_site), Child(busy_site)
    ids = []
    for child in (ada, bob):
        ids.append(enqueue(busy_site))
        child.fetch("arrives")
        child.start()
    reaper = reaper_of(busy_site)

    with locked(busy_site, TaskRecord.objects.filter(pk=ids[0])):
        look(reaper, eve)
        assert state(ids[1]) is State.READY
    look(reaper, eve, times=14)

    assert [state(id_) for id_ in ids] == [State.READY] * 2


def test_one_locked_row_silences_no_other_workers_heartbeat(busy_site):
    ada, bob = Child(busy_site), Child(busy_site)
    status = ChildStatus(rss=None, draining=False, tasks=())
    before = workers.census(busy_site.alias)

    with locked(busy_site, WorkerRecord.objects.filter(pk=ada.id)):
        reply = workers.heartbeat(busy_site.alias, {ada.id: status, bob.id: status})

    after = workers.census(busy_site.alias)
    assert reply.gone == set()
    assert (after[ada.id], after[bob.id]) == (before[ada.id], before[bob.id] + 1)


def test_a_cancel_that_meets_a_settle_is_not_lost(busy_site):
    ada = Child(busy_site)
    id_ = enqueue(busy_site, max_attempts=2)
    ada.fetch("arrives")
    (claim,) = ada.queued

    with transaction.atomic(using=busy_site.alias):
        operations.cancel(engine_of("default"), [id_])
        other = Elsewhere(
            busy_site, lambda: busy_site.store.give_back([(claim.id, claim.fence)], worker=ada.id)
        )
        if connections[busy_site.alias].vendor != "sqlite":
            other.join()  # it skips what somebody has locked

    other.join()
    # The audit of the worker, which still has the record but does not hold it.
    busy_site.store.give_back([(claim.id, claim.fence)], worker=ada.id)
    assert state(id_) is State.CANCELLED
