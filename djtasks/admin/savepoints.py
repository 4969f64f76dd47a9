"""Keeping what a project's code does to a transaction from the rest of a page."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from django.db import connections, transaction


@contextmanager
def savepoints() -> Iterator[Callable[[], None]]:
    """Set savepoints where transactions are open; what it yields undoes all back to them.

    A failed statement spoils a transaction, such as that of ATOMIC_REQUESTS, for all that follow.
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
