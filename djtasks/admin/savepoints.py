"""Savepoints that keep errors in a project's code from breaking a page's transaction."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from django.contrib.admin.models import LogEntry
from django.db import connections, router, transaction

from djtasks.models import TaskRecord


@contextmanager
def savepoints() -> Iterator[Callable[[], None]]:
    """Set a savepoint in each open transaction, and yield a function that marks them for rollback.

    After a failed statement, a transaction such as that of ATOMIC_REQUESTS runs no others.
    """
    with ExitStack() as stack:
        known = connections.all(initialized_only=True)
        aliases = [connection.alias for connection in known if connection.in_atomic_block]
        for alias in aliases:
            stack.enter_context(transaction.atomic(using=alias))

        def undo() -> None:
            for alias in aliases:
                transaction.set_rollback(True, using=alias)

        yield undo


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Do what a page does to tasks in one transaction with its entry in the log.

    Not on SQLite, where a transaction that reads before it writes fails beside another writer. It
    takes any text, so nothing is refused halfway.
    """
    with ExitStack() as stack:
        for alias in {router.db_for_write(model) for model in (TaskRecord, LogEntry)}:
            if connections[alias].vendor != "sqlite":
                stack.enter_context(transaction.atomic(using=alias))
        yield
