"""Savepoints that keep errors in a project's code from breaking a page's transaction."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from django.db import connections, transaction


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
