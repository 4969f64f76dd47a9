"""When a `--burst` worker may go: the question to the database, asked a few times a second."""

import time

from django.db import DatabaseError, InterfaceError

from djtasks import inspection
from djtasks.engine import Engine
from djtasks.worker.config import WorkerConfig
from djtasks.worker.loops import close_quietly

_PAUSE_SECONDS = 0.25


class Burst:
    """Whether nothing is left to do in the queues of a worker."""

    def __init__(self, engine: Engine, config: WorkerConfig) -> None:
        self._engine = engine
        self._queues = config.queues
        self._checked_at = float("-inf")

    def is_over(self) -> bool:
        """Return whether nothing is due or running; False also between looks, and while the
        database is away."""
        if time.monotonic() - self._checked_at < _PAUSE_SECONDS:
            return False
        self._checked_at = time.monotonic()
        try:
            return inspection.is_idle(self._engine, self._queues)
        except (DatabaseError, InterfaceError):
            close_quietly(self._engine.database)
            return False
