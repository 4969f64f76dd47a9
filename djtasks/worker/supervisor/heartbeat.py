"""The heartbeat of a supervisor's children: written beside all work, so that a task that keeps
the GIL, or a slow chore, never looks like a dead worker."""

import logging
import time
from collections.abc import Callable
from uuid import UUID

from djtasks.engine import Engine
from djtasks.store.workers import ChildStatus, HeartbeatReply, heartbeat

logger = logging.getLogger("djtasks.worker")


class Heartbeat:
    """Beats for all living children; what the database answers goes to `on_reply`."""

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
        """Beat once; raises the database's errors, which the loop repeats until it answers."""
        reply = heartbeat(self._engine.database, self._statuses())
        self.heartbeat_at = time.monotonic()
        self._on_reply(reply)
        return self._engine.options.heartbeat.total_seconds()
