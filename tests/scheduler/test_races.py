"""Several schedulers at the same moment, in threads with connections of their own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, connections
from django.test import override_settings

from djtasks.engine import engine_of
from djtasks.models import Schedule
from djtasks.operations import schedules as operations
from djtasks.scheduler.sync import sync
from djtasks.scheduler.ticker import Ticker
from djtasks.schedules import CatchUp, Every
from djtasks.schedules import periodic as declarations
from djtasks.schedules.periodic import periodic
from djtasks.store.sessions import use_engine_connection
from tests.conftest import DATABASES, require
from tests.routing import Home
from tests.scheduler.making import HOUR, MINUTE, NOON, dues, schedule
from tests.tasks import add

HOURLY = Every(HOUR, anchor=NOON)
pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture(params=DATABASES)
def engine(request):
    alias = require(request.param)
    with override_settings(DATABASE_ROUTERS=[Home(alias)]):
        yield engine_of("default")


def at_once(engine, work: Callable[[], Any], *, threads: int = 4) -> list[Any]:
    """Call `work` in several threads at the same moment; return the answers."""
    start = threading.Barrier(threads)

    def run() -> Any:
        use_engine_connection(engine.database)
        try:
            start.wait(30)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(run) for _ in range(threads)]
    return [future.result() for future in futures]


def test_every_due_time_fires_once_with_four_tickers(engine):
    rows = [schedule(str(n), missed=CatchUp(1000).as_dict()) for n in range(12)]

    def tick_all() -> int:
        ticker = Ticker(engine)
        return sum(patiently(lambda n=n: ticker.tick(NOON + n * MINUTE)) for n in range(8))

    counts = at_once(engine, tick_all)
    Ticker(engine).tick(NOON + 7 * MINUTE)

    assert all(dues(row) == [NOON + n * MINUTE for n in range(8)] for row in rows)
    assert sum(counts) >= len(rows)


def patiently(work: Callable[[], int]) -> int:
    """Do it again as a scheduler's loop does, after a deadlock for instance."""
    for _attempt in range(20):
        try:
            return work()
        except DatabaseError as error:
            failed = error
    raise failed


def test_four_processes_that_sync_at_once_agree(engine, monkeypatch):
    monkeypatch.setattr(declarations, "_declarations", [])
    for n in range(20):
        periodic(HOURLY, args=(n, n), name=f"sums {n}")(add)

    at_once(engine, lambda: sync(engine, lambda: NOON))

    rows = Schedule.objects.using(engine.database)
    assert rows.count() == 20
    assert set(rows.values_list("next_run_at", flat=True)) == {NOON + HOUR}


def test_pausing_while_it_ticks_stops_it_and_keeps_what_was_won(engine):
    row = schedule()
    turns = iter(
        [lambda: operations.pause(engine, row.pk, by="Ada"), lambda: Ticker(engine).tick(NOON)]
    )

    def take_a_turn() -> Any:
        return next(turns)()

    answers = at_once(engine, take_a_turn, threads=2)

    assert True in answers
    after = Schedule.objects.using(engine.database).get()
    assert (after.is_enabled, after.next_run_at) == (False, None)
    assert dues(row) in ([], [NOON])
