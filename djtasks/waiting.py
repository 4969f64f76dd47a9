"""Waiting for a result: how often to look, and when looking could never end."""

import math
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakSet

from django.db import connections

from djtasks.compat import TaskResultDoesNotExist
from djtasks.errors import ResultTimeout, WouldWaitForever

_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.25
# In these, each statement sees what others have committed. PostgreSQL's are numbers.
_SEES_COMMITS = {1, 2, "read uncommitted", "read committed"}


class Attempts(Protocol):
    """Something in which a plain task may be running in the thread that made it."""

    @property
    def is_open(self) -> bool: ...


class _Here(threading.local):
    def __init__(self) -> None:
        self.attempts: WeakSet[Any] = WeakSet()


_here = _Here()


def watch(attempts: Attempts) -> None:
    """Remember that this thread runs plain tasks; once a thread, not once a task."""
    _here.attempts.add(attempts)


def pauses(timeout: timedelta | float | None, what: str) -> Iterator[float]:
    """Yield the pause after each check; the last check is at the deadline.

    Then raises ResultTimeout. `what` is waited for: "Task 0193…".
    """
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while (left := deadline - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    yield 0.0
    raise ResultTimeout(f"{what} was not final after {seconds:g} seconds.")


def is_enqueued_here(id_: UUID | str, database: str) -> bool:
    """Return whether this task or workflow was enqueued in the transaction that is still open."""
    return any(
        getattr(callback, "holds", _never)(UUID(str(id_)))
        for _savepoints, callback, *_ in connections[database].run_on_commit
    )


def refuse_transaction(id_: UUID | str, database: str, what: str) -> None:
    """Raise WouldWaitForever in a transaction that would never see it become final."""
    connection = connections[database]
    if is_enqueued_here(id_, database):
        raise WouldWaitForever(
            f"{what} was enqueued in the transaction that is still open on {database!r}: no "
            f"worker sees it before the commit, so wait() would never return. Wait after the "
            f"transaction, or call djtasks.testing.run_due() in tests."
        )
    if connection.in_atomic_block and not _sees_commits(connection):
        raise WouldWaitForever(
            f"{what} cannot be waited for in the transaction that is open on {database!r}: "
            f"this transaction only sees what was committed before it began, so wait() would never "
            f"return. Wait after the transaction."
        )


def refuse_slot(what: str) -> None:
    """Raise WouldWaitForever inside a plain task, whose slot the other task may need."""
    if any(attempts.is_open for attempts in _here.attempts):
        raise WouldWaitForever(
            f"{what} cannot be waited for without a timeout inside another task: it may need "
            f"the slot that waits for it, and then both wait for ever. Pass wait(timeout=...), "
            f"use wait_async() in a coroutine task, or let it enqueue what comes after it."
        )


def unknown_end(id_: str, store: str) -> TaskResultDoesNotExist:
    """Return the error for a task whose record is gone, or will be, whatever became of it."""
    kept = {"none": "nothing", "errors": "failures only"}.get(store, "every result")
    return TaskResultDoesNotExist(
        f"It cannot be known what became of task {id_}: store={store!r} keeps {kept}, and its "
        f"record was deleted, pruned, rolled back, or is not kept. To wait for a task, use "
        f"store='all'."
    )


def _sees_commits(connection: Any) -> bool:
    if connection.vendor == "sqlite":
        return False
    # Django's own settings; None is the default of a MySQL server, REPEATABLE READ.
    level = getattr(connection, "isolation_level", None)
    return (level.lower() if isinstance(level, str) else level) in _SEES_COMMITS


def _never(_id: UUID) -> bool:
    return False
