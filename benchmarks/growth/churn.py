"""Dead rows: a day's tasks come and go beside a transaction that stays open for all of it.

As many as 1,000 a second for twenty minutes, as fast as they go; what ends is deleted, as pruning
does. PostgreSQL may not clean up behind the open transaction.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from benchmarks import drain, harness
from benchmarks.growth import table

COUNT = 1_200_000
_BATCH = 100
_PROBES = 300
_WIDE_PROBES = 60


def measure(count: int = COUNT) -> None:
    """Print how long the engine's statements take before, after, and when it has closed."""
    drain.empty()
    table.flush()
    emit("before", 0, probe())
    with _left_open():
        rates = [_chunk() for _ in range(0, count, drain.COUNT)]
        first, last = rates[0], rates[-1]
        emit("open", count, probe(), first_per_second=first, last_per_second=last)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE djtasks_taskrecord")
    emit("closed", count, probe())


def emit(transaction: str, count: int, found: dict[str, float], **more: float) -> None:
    """Print a line: the state of the long transaction, and how much came and went beside it."""
    harness.emit("growth", churned=count, transaction=transaction, **found, **more)


@contextmanager
def _left_open() -> Iterator[None]:
    """Keep a transaction open in a session of its own, with an id that holds vacuum back."""
    from django.db import connection

    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT txid_current()")
            yield
            cursor.execute("COMMIT")
    finally:
        other.close()


def _chunk() -> float:
    """Work off drain.COUNT tasks and delete them; return how many went a second."""
    from django.db import connection

    from djtasks.engine import engine_of
    from djtasks.operations import pause_queue

    pause_queue(engine_of("default"), "default", by="benchmark")
    with harness.worker("--processes", str(drain.PROCESSES)) as worker:
        drain.fill()
        harness.begin_together(worker)
        harness.wait_until(drain.is_done, pause=0.2)
    rate = drain.COUNT / drain.verified_seconds()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM djtasks_taskrecord")
    return rate


def probe() -> dict[str, float]:
    """Return milliseconds of what workers ask: claims by id, the indexer, claims without Redis."""
    from djtasks.engine import engine_of
    from djtasks.formats.ids import new_id
    from djtasks.models import TaskRecord
    from djtasks.store import Lane

    store = engine_of("default").store
    lane, worker = Lane("default", 0), new_id()
    found: dict[str, list[float]] = {}

    def timed(name: str, ask: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        answer = ask()
        found.setdefault(name, []).append((time.perf_counter() - started) * 1000)
        return answer

    for number in range(_PROBES):
        ids = _made(_BATCH)
        claims = timed("claim", lambda ids=ids: store.claim(ids, worker=worker, queues=None))
        assert len(claims) == _BATCH
        if number < _WIDE_PROBES:
            until = store.now() - timedelta(seconds=2)
            timed("look", store.scan)
            timed("page", lambda until=until: store.due_page(lane, until=until, limit=1000))
            _made(_BATCH)
            due = timed(
                "without_redis", lambda: store.claim_due([lane], worker=worker, limit=_BATCH)
            )
            assert len(due) == _BATCH
        TaskRecord.objects.all().delete()
    return {
        f"{name}_{label}_ms": harness.quantile(waits, share)
        for name, waits in found.items()
        for label, share in (("p50", 0.5), ("p99", 0.99))
    }


def _made(count: int) -> list[UUID]:
    """Insert so many rows that are due, and return their ids."""
    from benchmarks.tasks import add
    from djtasks.models import TaskRecord

    add.enqueue_many((n, n + 1) for n in range(count))
    return list(TaskRecord.objects.filter(state=0).values_list("pk", flat=True))
