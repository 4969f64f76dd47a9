"""What a call costs in the web process, beside a bare INSERT on the same Django connection."""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks import drain, harness

COUNT = 2_000
MANY = 50_000

# What the engine inserts, and no more than the row needs.
BARE = (
    "INSERT INTO djtasks_taskrecord (id, backend, task_path, queue, priority, args, kwargs, "
    "max_attempts, max_crashes) VALUES (%s, 'default', 'benchmarks.tasks.add', 'default', 0, "
    "'[1, 2]', '{}', 1, 3)"
)


def bare() -> None:
    """INSERT and COMMIT, one row each time."""
    from django.db import connection

    from djtasks.formats.ids import new_id

    for _ in range(COUNT):
        with connection.cursor() as cursor:
            cursor.execute(BARE, [new_id()])


def autocommit() -> None:
    """enqueue() outside a transaction."""
    from benchmarks.tasks import add

    for number in range(COUNT):
        add.enqueue(number, 1)


def in_one_transaction() -> None:
    """enqueue() as often, then one COMMIT."""
    from django.db import transaction

    with transaction.atomic():
        autocommit()


def coroutine() -> None:
    """aenqueue(), one after the other."""
    from benchmarks.tasks import add

    async def all_of_them() -> None:
        for number in range(COUNT):
            await add.aenqueue(number, 1)

    asyncio.run(all_of_them())


def many() -> None:
    """enqueue_many() of a generator."""
    from benchmarks.tasks import add

    assert add.enqueue_many((number, 1) for number in range(MANY)) == MANY


WAYS: dict[str, tuple[Callable[[], None], int]] = {
    "bare_insert": (bare, COUNT),
    "enqueue": (autocommit, COUNT),
    "enqueue_in_one_transaction": (in_one_transaction, COUNT),
    "aenqueue": (coroutine, COUNT),
    "enqueue_many": (many, MANY),
}


def parent() -> dict[str, float]:
    """Return the medians of enqueue() in a task and outside of one, one call after the other.

    No call waits for the disk, whose time differs more than what the parent costs.
    """
    from django.db import connection

    from benchmarks.tasks import add
    from djtasks.context import current_task
    from djtasks.formats.ids import new_id

    drain.empty()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * COUNT):
        is_child = bool(number % 2)
        current_task.set(new_id() if is_child else None)
        started = time.perf_counter()
        add.enqueue(number, 1)
        times[is_child].append((time.perf_counter() - started) * 1e6)
    current_task.set(None)
    connection.close()
    plain, child = (statistics.median(times[is_child]) for is_child in (False, True))
    return {"microseconds_without_parent": plain, "microseconds_with_parent": child}


def measure(runs: int = 3) -> dict[str, Any]:
    """Print and return the medians of each way, taken in turn; every row is counted."""
    from djtasks.models import TaskRecord

    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(runs):
        for name, (way, count) in WAYS.items():
            drain.empty()
            started = time.perf_counter()
            way()
            rates[name].append(count / (time.perf_counter() - started))
            stored = TaskRecord.objects.filter(state=0).count()
            assert stored == count, f"{name}: {stored} of {count} rows"
    medians = {name: statistics.median(found) for name, found in rates.items()}
    shares = [
        ours / bare for ours, bare in zip(rates["enqueue"], rates["bare_insert"], strict=True)
    ]
    figures = {
        **{f"{name}_per_second": rate for name, rate in medians.items()},
        "enqueue_share_of_bare": statistics.median(shares),
        **parent(),
    }
    drain.empty()
    harness.emit("enqueue", **figures)
    return figures
