"""Keep connections out of forked processes: no two processes may use one socket."""

import ctypes
import os
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from weakref import WeakValueDictionary

from django.core.cache import caches
from django.db import connections
from django.db.backends.signals import connection_created


def close_before_fork() -> None:
    """Close everything that a forked process must not share with this one.

    These are this thread's connections, the pools of psycopg, and the clients of caches. Some
    clients have nothing to close them by: they are dropped.
    """
    opened: Iterable[Any] = connections.all()
    for connection in opened:
        connection.close()
        if connection.alias in _pools(connection):
            connection.close_pool()
    for alias in _caches_in_use():
        caches[alias].close()
        del caches[alias]


def disconnect_copies(then: Callable[[], None]) -> None:
    """Let each process that is forked from this one start without a connection.

    A copy opens its own when it needs one. `then` is called in each copy. The connections of this
    process stay as they are: the copies do not even close theirs, which some servers would take
    for the end of the session.
    """
    _register_hooks()
    _then.append(then)


def leave_copies_alone(then: Callable[[], None]) -> None:
    """Take back one call of disconnect_copies()."""
    _then.remove(then)


@cache
def _register_hooks() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_disconnect)


_then: list[Callable[[], None]] = []
_open: "WeakValueDictionary[int, Any]" = WeakValueDictionary()


def _remember(connection: Any, **_signal: Any) -> None:
    _open[id(connection)] = connection


connection_created.connect(_remember, dispatch_uid="djtasks.store.forks")


class _Held(threading.local):
    """The connections of all threads, while this thread forks.

    Python frees the data of the other threads within the fork, and with it their connections.
    """

    def __init__(self) -> None:
        self.connections: list[Any] = []


_held = _Held()


def _hold() -> None:
    if not _then:
        return
    found = (reference() for reference in _open.valuerefs())
    _held.connections.extend(connection for connection in found if connection is not None)


def _release() -> None:
    _held.connections.clear()


def _disconnect() -> None:
    if not _then:
        return
    for connection in _held.connections:
        _keep_for_ever(connection.connection)
        connection.connection = None
    _release()
    for connection in connections.all(initialized_only=True):
        pool = _pools(connection).pop(connection.alias, None)
        _keep_for_ever(pool)
        del connections[connection.alias]
    for alias in _caches_in_use():
        _keep_for_ever(caches[alias])
        del caches[alias]
    for then in _then:
        then()


def _pools(connection: Any) -> dict[str, Any]:
    pools: dict[str, Any] = getattr(connection, "_connection_pools", {})
    return pools


def _caches_in_use() -> list[str]:
    handler: Any = caches
    clients = handler._connections  # noqa: SLF001 - the public methods do not tell the aliases
    return [alias for alias in caches if hasattr(clients, alias)]


def _keep_for_ever(thing: Any) -> None:
    """Never free an object, not even at exit: some drivers then end the session at the server."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
