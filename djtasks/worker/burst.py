"""Decide when a `--burst` worker may exit, by asking the database a few times a second."""

import time

from django.db import DatabaseError, InterfaceError

from djtasks import inspection
from djtasks.engine import Engine
from djtasks.worker.config import WorkerConfig
from djtasks.worker.loops import close_quietly

_PAUSE_SECONDS = 0.25


class Burst:
    """Checks whether nothing is left to do in the queues of a worker."""

    def __init__(self, engine: Engine, config: WorkerConfig) -> None:
        self._engine = engine
        self._queues = config.queues
        self._checked_at = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask the database again."""
        return time.monotonic() - self._checked_at >= _PAUSE_SECONDS

    def is_over(self) -> bool:
        """Return whether nothing is due or running.

        False between two checks, and while the database does not answer.
        """
        if not self.is_due:
            return False
        self._checked_at = time.monotonic()
        try:
            return inspection.is_idle(self._engine, self._queues)
        except (DatabaseError, InterfaceError):
            close_quietly(self._engine.database)
            return False
