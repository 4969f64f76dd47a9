"""The heartbeat of a supervisor's children.

It has a thread of its own in the supervisor, so that no task that holds the GIL and no slow duty
makes a worker look dead."""

import logging
import time
from collections.abc import Callable
from uuid import UUID

from djtasks.engine import Engine
from djtasks.store.workers import ChildStatus, HeartbeatReply, heartbeat

logger = logging.getLogger("djtasks.worker")


class Heartbeat:
    """Writes the heartbeat of all living children; passes the database's reply to `on_reply`."""

    def __init__(
        self,
        engine: Engine,
        *,
        statuses: Callable[[], dict[UUID, ChildStatus]],
        on_reply: Callable[[HeartbeatReply], None],
    ) -> None:
        self._engine = engine
        self._statuses = statuses
        self._on_reply = on_reply
        self.heartbeat_at = time.monotonic()

    def tick(self) -> float:
        """Write one heartbeat. Raises database errors; the loop retries until one succeeds."""
        reply = heartbeat(self._engine.database, self._statuses())
        self.heartbeat_at = time.monotonic()
        self._on_reply(reply)
        return self._engine.options.heartbeat.total_seconds()
