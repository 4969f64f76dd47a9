"""Keep connections out of forked processes: no two processes may use one socket."""

from typing import Any

from django.core.cache import caches
from django.db import connections


def close_before_fork() -> None:
    """Close everything that a forked process must not share with this one.

    These are this thread's connections, the pools of psycopg, and the clients of caches. Some
    clients have nothing to close them by: they are dropped.
    """
    for connection in connections.all():
        connection.close()
        if connection.alias in _pools(connection):
            connection.close_pool()
    for alias in _caches_in_use():
        caches[alias].close()
        del caches[alias]


def _pools(connection: Any) -> dict[str, Any]:
    pools: dict[str, Any] = getattr(connection, "_connection_pools", {})
    return pools


def _caches_in_use() -> list[str]:
    clients = caches._connections  # noqa: SLF001 - the public methods do not tell the aliases
    return [alias for alias in caches if hasattr(clients, alias)]
