"""The heartbeat of a supervisor's children: written beside all work, so that a task that keeps
the GIL, or a slow chore, never looks like a dead worker."""

import logging
import time
from collections.abc import Callable
from uuid import UUID

from djtasks.engine import Engine
from djtasks.store.workers import Pulse, Vital, beat

logger = logging.getLogger("djtasks.worker")


class Heart:
    """Beats for all living children; what the database answers goes to `on_pulse`."""

    def __init__(
        self,
        engine: Engine,
        *,
        vitals: Callable[[], dict[UUID, Vital]],
        on_pulse: Callable[[Pulse], None],
    ) -> None:
        self._engine = engine
        self._vitals = vitals
        self._on_pulse = on_pulse
        self.beat_at = time.monotonic()

    def tick(self) -> float:
        """Beat once; raises the database's errors, which the loop repeats until it answers."""
        pulse = beat(self._engine.database, self._vitals())
        self.beat_at = time.monotonic()
        self._on_pulse(pulse)
        return self._engine.options.heartbeat.total_seconds()
