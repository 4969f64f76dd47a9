"""The sweeper: finds, each second, the workflows whose look was lost, and looks at them.

It has a loop of its own beside the coordinator's, where a slow look would cost the lease.
"""

import time
from collections.abc import Callable

from djtasks.backend import DjtasksBackend
from djtasks.engine import Engine
from djtasks.store.promotion import Sweep
from djtasks.worker.ends import announce_ends
from djtasks.worker.promoter import Promoter

SWEEP_SECONDS = 1.0
_ORPHANS_SECONDS = 10.0
_PATIENCE = 20


class Sweeper:
    """Reads one page of nodes and of workflows a second, while `is_leading` says so."""

    def __init__(self, engine: Engine, is_leading: Callable[[], bool]) -> None:
        self._sweep: Sweep | None = None
        self._engine = engine
        self._is_leading = is_leading
        self._promoter = Promoter(
            engine, lambda ends: announce_ends(DjtasksBackend, engine.alias, ends)
        )
        self._sweep_at = self._orphans_at = 0.0

    def tick(self) -> float:
        """Read the next page, and look at what it finds; return the pause in seconds."""
        started = time.monotonic()
        if started >= self._sweep_at and self._is_leading():
            self.sweep()
            cost = time.monotonic() - started
            self._sweep_at = started + max(SWEEP_SECONDS, _PATIENCE * cost)
        self._promoter.turn()
        return min(self._promoter.pause(), SWEEP_SECONDS)

    def sweep(self) -> None:
        """Read the next page now."""
        if self._sweep is None:
            self._sweep = Sweep(self._engine.store)
        self._promoter.put(self._sweep.page(), every=True)
        if time.monotonic() >= self._orphans_at:
            self._sweep.cancel_orphans()
            self._orphans_at = time.monotonic() + _ORPHANS_SECONDS
