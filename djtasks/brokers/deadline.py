"""A time limit on all that one operation does with its sockets.

A client's own timeout is for a single read: a server that sends a byte now and then, or answers
each of twenty commands just in time, keeps its caller for as long as it likes.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Deadline(threading.local):
    """When this thread's operation must be over, in monotonic seconds."""

    ends_at = math.inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let every socket in haste raise TimeoutError after `seconds`, till the block ends."""
        self.ends_at = time.monotonic() + seconds
        try:
            yield
        finally:
            self.ends_at = math.inf

    def left(self) -> float:
        """Return the seconds that are left; raise TimeoutError when there are none."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("its time is over")
        return left


class DeadlineSocket:
    """A connected socket that looks at the time before it reads or writes."""

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
        # 0 is a look at what has come already, and waits for nothing.
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
    """Return a subclass of a redis-py connection class, with a HastySocket in it."""

    def connect(self: Any) -> DeadlineSocket:
        return DeadlineSocket(connection_class._connect(self), deadline)  # noqa: SLF001 - the only way in

    return type(f"Deadline{connection_class.__name__}", (connection_class,), {"_connect": connect})
