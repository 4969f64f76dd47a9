"""The reaper: takes the tasks of workers whose heartbeat has stopped.

It judges liveness by counting scans without a heartbeat, never by comparing clocks. So no living
worker loses its tasks through an outage, a full disk, a read-only database, one long writer on
SQLite or a frozen coordinator.
"""

import logging
import time
from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import OperationalError

from djtasks.engine import Engine
from djtasks.store import workers
from djtasks.worker.config import SCANS_BEFORE_DEAD
from djtasks.worker.loops import close_quietly
from djtasks.worker.supervisor.departures import publish

logger = logging.getLogger("djtasks.worker")


class Observations:
    """Counts for how many scans in a row each worker's counter has not moved. No I/O."""

    def __init__(self, *, longest_gap: float) -> None:
        self._longest_gap = longest_gap
        self._seen: dict[UUID, tuple[int | None, int]] = {}
        self._scanned_at: float | None = None

    def restart(self) -> None:
        """Forget everything: a scan failed, so no worker may have been able to send a heartbeat."""
        self._seen.clear()
        self._scanned_at = None

    def add(self, counters: Mapping[UUID, int | None], now: float) -> dict[UUID, int | None]:
        """Record a scan at monotonic time `now`; return the counters of dead workers.

        If the last scan was too long ago, all counts start again.
        """
        if self._scanned_at is not None and now - self._scanned_at > self._longest_gap:
            self._seen.clear()
        self._scanned_at = now
        self._seen = {
            worker: (counter, self._scans_of(worker, counter))
            for worker, counter in counters.items()
        }
        return {
            w: counter for w, (counter, scans) in self._seen.items() if scans >= SCANS_BEFORE_DEAD
        }

    def _scans_of(self, worker: UUID, counter: int | None) -> int:
        before = self._seen.get(worker)
        if before is None or before[0] != counter:
            return 0
        return before[1] + 1


class Reaper:
    """Scans once per heartbeat; `write` first proves that the database accepts writes."""

    def __init__(self, engine: Engine, *, write: Callable[[], bool]) -> None:
        self._engine = engine
        self._write = write
        self._every = engine.options.heartbeat.total_seconds()
        self._observations = Observations(longest_gap=2 * self._every)
        self._next_scan = 0.0

    def restart(self) -> None:
        """Restart all observations."""
        self._observations.restart()

    def tick(self) -> float:
        """Scan if it is time; return the pause in seconds until the next scan."""
        now = time.monotonic()
        if now < self._next_scan:
            return self._next_scan - now
        self._next_scan = now + self._every
        self.scan()
        return self._every

    def scan(self) -> None:
        """Observe every worker, and take the tasks of dead ones."""
        try:
            if not self._write():
                self.restart()
                return
            census = workers.census(self._engine.database)
        except BaseException:
            self.restart()
            raise
        for worker, counter in self._observations.add(census, time.monotonic()).items():
            self._take(worker, counter)

    def _take(self, worker: UUID, counter: int | None) -> None:
        try:
            released = workers.take(self._engine.database, worker, counter=counter)
        except OperationalError as error:
            # Its row is locked; the other workers must not wait for it.
            logger.warning("Dead worker not taken yet id=%s error=%s", worker, error)
            close_quietly(self._engine.database)
            return
        if released is None:
            return
        logger.error("Worker is dead id=%s: took its tasks count=%s", worker, len(released))
        publish(self._engine, released)
