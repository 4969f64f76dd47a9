"""Send single commands to Redis at a third of what redis-py's client costs."""

import math
import os
import time
from typing import Any

import redis.client
from redis.exceptions import ResponseError

from djtasks.formats.originals import is_original

KEPT_SECONDS = 1.0


class KeptConnections:
    """Sends one command at a time, on connections that stay out of their pool for a second.

    For each command, redis-py takes a connection out of the pool and looks whether the server has
    closed it, which costs more CPU than the command itself. Here this happens once a second per
    connection, and so does what a pool does with one that comes back, such as to renew its
    credentials. Thread-safe.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self._pool = client.connection_pool
        # (connection, when it goes back, its process); append and pop are atomic.
        self._kept: list[tuple[Any, float, int]] = []

    def ask(self, *command: Any) -> Any:
        """Return the answer to a command. Raises what redis-py's client raises.

        Where a tool has put its own function around the client's, as for traces, it is called.
        """
        if not is_original(type(self.client).execute_command, redis.client):
            return self.client.execute_command(*command)
        connection, until = self._take()
        is_clean = False
        try:
            connection.send_command(*command)
            answer = connection.read_response()
            is_clean = True
        except ResponseError:
            is_clean = True
            raise
        finally:
            if is_clean:
                self._kept.append((connection, until, os.getpid()))
            else:
                connection.disconnect()
                self._pool.release(connection)
        return answer

    def pipeline(self) -> Any:
        """Return a pipeline for several commands, whose pool has all connections not in use."""
        while self._kept:
            self._take_kept(now=math.inf)
        return self.client.pipeline(transaction=False)

    def _take(self) -> tuple[Any, float]:
        now = time.monotonic()
        while self._kept:
            kept = self._take_kept(now)
            if kept is not None:
                return kept
        return self._pool.get_connection(), now + KEPT_SECONDS

    def _take_kept(self, now: float) -> tuple[Any, float] | None:
        """Take the newest connection; return it, or None if it went back to the pool."""
        try:
            connection, until, process = self._kept.pop()
        except IndexError:
            return None  # another thread was quicker
        if process != os.getpid():
            return None  # its socket is that of the process that forked this one
        if now < until:
            return connection, until
        self._pool.release(connection)
        return None
