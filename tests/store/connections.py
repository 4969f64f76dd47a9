"""Several connections at once: work in threads of its own, and who waits for whom."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connections, transaction

from tests.waiting import eventually

T = TypeVar("T")

_WAITING = {
    "postgresql": """SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()""",
    "mysql": """SELECT count(*) FROM information_schema.innodb_trx
        JOIN information_schema.processlist ON id = trx_mysql_thread_id
        WHERE trx_state = 'LOCK WAIT' AND db = database()""",
}
# PostgreSQL shows a transaction the same picture again, InnoDB whoever looks within 0.1 s.
_FIRST = {"postgresql": "SELECT pg_stat_clear_snapshot()", "mysql": "DO sleep(0.15)"}


def elsewhere(work: Callable[..., T], *args: Any, **kwargs: Any) -> "Future[T]":
    """Start `work` in a thread with connections of its own."""

    def run() -> T:
        try:
            return work(*args, **kwargs)
        finally:
            connections.close_all()

    executor = ThreadPoolExecutor(1)
    future = executor.submit(run)
    executor.shutdown(wait=False)
    return future


@contextmanager
def in_another_transaction(
    database: str, work: Callable[[], object], *, commits: bool = False
) -> Iterator[Callable[[], None]]:
    """Do `work` on another connection, and leave its transaction open for the block.

    Gives a function that ends it early. `commits` says how it ends.
    """
    done, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(using=database):
            work()
            done.set()
            assert may_end.wait(60)
            transaction.set_rollback(not commits, using=database)

    def end() -> None:
        may_end.set()
        holding.result(60)

    holding = elsewhere(hold)
    eventually(lambda: done.is_set() or holding.done())
    try:
        yield end
    finally:
        end()


def blocked(database: str) -> int:
    """Return how many sessions of `database` wait for a lock; 0 where none ever waits for a row."""
    connection = connections[database]
    if connection.vendor not in _WAITING:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_FIRST[connection.vendor])
        cursor.execute(_WAITING[connection.vendor])
        count: int = cursor.fetchone()[0]
    return count


def wait_until_blocked(database: str, sessions: int) -> None:
    """Wait until so many sessions of `database` wait for a lock."""
    eventually(lambda: blocked(database) >= sessions)
