"""A time limit for everything that one operation does with its sockets.

A client's own timeout covers a single read: a server that sends a byte now and then, or answers
each of twenty commands just in time, can block its caller without end.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Deadline(threading.local):
    """The moment when this thread's operation must be over, in monotonic seconds."""

    ends_at = math.inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Make every DeadlineSocket used in this block raise TimeoutError after `seconds`."""
        self.ends_at = time.monotonic() + seconds
        try:
            yield
        finally:
            self.ends_at = math.inf

    def left(self) -> float:
        """Return the seconds that are left; raise TimeoutError if none are."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time limit is over")
        return left


class DeadlineSocket:
    """A connected socket that applies the deadline to each read and write."""

    def __init__(self, socket: Any, deadline: Deadline) -> None:
        self._socket = socket
        self._deadline = deadline
        self._allowed: float | None = socket.gettimeout()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def gettimeout(self) -> float | None:
        return self._allowed

    def settimeout(self, seconds: float | None) -> None:
        self._allowed = seconds
        self._socket.settimeout(seconds)

    def _apply_deadline(self) -> None:
        left = self._deadline.left()
        # A timeout of 0 reads only what has arrived, and never waits.
        if self._allowed != 0 and left < math.inf:
            self._socket.settimeout(min(self._allowed or left, left))

    def recv(self, *args: Any) -> Any:
        self._apply_deadline()
        return self._socket.recv(*args)

    def recv_into(self, *args: Any) -> Any:
        self._apply_deadline()
        return self._socket.recv_into(*args)

    def sendall(self, *args: Any) -> Any:
        self._apply_deadline()
        return self._socket.sendall(*args)


def with_deadline(connection_class: Any, deadline: Deadline) -> Any:
    """Return a subclass of a redis-py connection class that uses a DeadlineSocket."""

    def connect(self: Any) -> DeadlineSocket:
        return DeadlineSocket(connection_class._connect(self), deadline)  # noqa: SLF001 - the only way in

    return type(f"Deadline{connection_class.__name__}", (connection_class,), {"_connect": connect})
