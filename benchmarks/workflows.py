"""How fast workflows go on: one large node, many chains, one wide graph; beside plain tasks.

The times are those of the database: from the first row that went in to the last result.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import drain, harness

COUNT = 200_000
LARGE_COUNT = 1_000_000
CHAINS, LENGTH = 2_000, 10
NODES, LAYER = 1_000, 25
_IDLE_CHAINS = 30
_PROCESSES = "2"


def measure(count: int = COUNT, chains: int = CHAINS) -> None:
    """Print the figures of each kind of workflow, and of plain tasks before and after them."""
    _large_node(count)
    _chains(chains)
    _steps()
    _graph()


def _large_node(count: int) -> None:
    """Compare one node of `count` members with enqueue_many() of as many, in turns."""
    plain, node = _plain(count), _node(count)
    again = _plain(count)
    with _open_transaction():
        beside = _node(count)
    alone = statistics.mean((plain, again))
    harness.emit("workflow_node", members=count, per_second=node, plain_per_second=alone,
                 share_of_plain=node / alone, beside_open_transaction=beside / alone)  # fmt: skip


def _plain(count: int) -> float:
    from benchmarks.tasks import add

    return _rate(count, lambda: add.enqueue_many((number, 1) for number in range(count)))


def _node(count: int) -> float:
    from benchmarks.tasks import add
    from djtasks import Workflow

    def insert() -> None:
        with Workflow("node") as flow:
            flow.map(add, ((number, 1) for number in range(count)))

    return _rate(count, insert)


def _chains(count: int) -> None:
    """Compare chains that are all there at once with as many plain tasks."""
    from django.db import transaction

    from benchmarks.tasks import echo
    from djtasks import chain

    def insert() -> None:
        with transaction.atomic():
            for number in range(count):
                chain(echo.bind(str(number)), *[echo] * (LENGTH - 1))

    plain, chained = _plain(count * LENGTH), _rate(count * LENGTH, insert)
    harness.emit("workflow_chains", chains=count, length=LENGTH, nodes_per_second=chained,
                 plain_per_second=plain, share_of_plain=chained / plain)  # fmt: skip


def _steps() -> None:
    """Compare the time from a node's end to the next one's start with the pick-up of a task."""
    from benchmarks.tasks import echo
    from djtasks import chain

    _empty()
    with harness.worker("--processes", _PROCESSES):
        for number in range(_IDLE_CHAINS):
            chain(echo.bind(str(number)), *[echo] * (LENGTH - 1)).wait(60)
        gaps = _milliseconds(
            "SELECT extract(epoch FROM started_at - lag(finished_at) OVER "
            "(PARTITION BY workflow ORDER BY node)) * 1000 FROM djtasks_taskrecord"
        )
        _empty()
        for number in range(_IDLE_CHAINS * LENGTH):
            echo.enqueue(str(number)).wait(60)
        picked = _milliseconds(
            "SELECT extract(epoch FROM started_at - enqueued_at) * 1000 FROM djtasks_taskrecord"
        )
    p50, p99 = harness.quantile(gaps, 0.5), harness.quantile(gaps, 0.99)
    pick_up = harness.quantile(picked, 0.5)
    harness.emit("workflow_step", samples=len(gaps), p50_ms=p50, p99_ms=p99,
                 pick_up_p50_ms=pick_up, p50_of_pick_up=p50 / pick_up)  # fmt: skip


def _graph() -> None:
    """Measure a graph of many nodes, each after some of the layer before it."""
    from benchmarks.tasks import echo
    from djtasks import Workflow

    chosen = random.Random(7)

    def insert() -> None:
        with Workflow("graph") as flow:
            before: list[Any] = []
            for layer in range(NODES // LAYER):
                nodes = [
                    flow.add(
                        echo, f"{layer}", name=f"{layer}-{place}",
                        after=chosen.sample(before, min(3, len(before))),
                    )
                    for place in range(LAYER)
                ]  # fmt: skip
                before = nodes

    rate = _rate(NODES, insert)
    harness.emit("workflow_graph", nodes=NODES, layers=NODES // LAYER, seconds=NODES / rate)


def _rate(count: int, insert: Callable[[], None]) -> float:
    """Return the tasks a second of a running worker, from before the insert to the last result."""
    from djtasks.models import TaskRecord

    _empty()
    with harness.worker("--processes", _PROCESSES):
        started = time.time()
        insert()
        # Cheap, since it runs beside what is measured: is anything READY, WAITING or RUNNING?
        unfinished = TaskRecord.objects.filter(finished_at=None)
        harness.wait_until(lambda: not unfinished.exists(), pause=0.2)
        ended = _milliseconds("SELECT extract(epoch FROM max(finished_at)) FROM djtasks_taskrecord")
    done = TaskRecord.objects.filter(state=2).count()
    assert done == count, f"{done} of {count} tasks succeeded"
    return count / (ended[0] - started)


def _empty() -> None:
    from django.db import connection

    drain.empty()
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE djtasks_workflowrecord, djtasks_workflownode, djtasks_workflowedge"
        )


def _milliseconds(statement: str) -> list[float]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [float(value) for (value,) in cursor.fetchall() if value is not None]


@contextmanager
def _open_transaction() -> Iterator[None]:
    """Hold a transaction with a snapshot open, as a forgotten session does."""
    from django.db import connections

    other = connections["default"].copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM djtasks_workerrecord")
    try:
        yield
    finally:
        other.rollback()
        other.close()
