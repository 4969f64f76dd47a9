"""The coordinator: the holder of its lease runs the background duties of the alias."""

import logging
import time
from typing import Protocol
from uuid import UUID

from django.db import InterfaceError, OperationalError

from djtasks.engine import Engine
from djtasks.store import workers
from djtasks.store.errors import DatabaseFailure, classify
from djtasks.worker.duties.indexer import Indexer
from djtasks.worker.duties.pruner import Pruner
from djtasks.worker.duties.reaper import Reaper
from djtasks.worker.duties.statistician import Statistician

logger = logging.getLogger("djtasks.worker")

_LEASE_SECONDS = 1.0
_SHORTEST_PAUSE = 0.02


class Duty(Protocol):
    """A duty: `tick` does what is due and returns the pause in seconds until the next tick."""

    def tick(self) -> float: ...


class LeaseKeeper:
    """Holds a lease, or watches the counter that its holder increments every second.

    If the counter stands still for a heartbeat, by the watcher's clock, it takes the lease over.
    """

    def __init__(self, engine: Engine, name: str, holder: UUID) -> None:
        self._database = engine.database
        self._name = name
        self._holder = holder
        self._patience = max(engine.options.heartbeat.total_seconds(), 2 * _LEASE_SECONDS)
        self._seen: tuple[UUID, int] | None = None
        self._seen_since = time.monotonic()
        self.is_held = False

    def keep(self) -> bool:
        """Increment the counter, or take a lease that stands still; return whether it is ours."""
        self.is_held = workers.renew_lease(self._database, self._name, self._holder)
        if not self.is_held:
            self._watch()
        return self.is_held

    def _watch(self) -> None:
        now = time.monotonic()
        seen = workers.read_lease(self._database, self._name)
        if seen is not None and seen != self._seen:
            self._seen, self._seen_since = seen, now
            return
        if seen is None or now - self._seen_since >= self._patience:
            self.is_held = workers.take_lease(self._database, self._name, self._holder, seen=seen)

    def drop(self) -> None:
        """Give the lease up, so that the next holder need not wait for it to stand still."""
        workers.drop_lease(self._database, self._name, self._holder)
        self.is_held = False


class Coordinator:
    """Keeps the lease and runs the duties in one thread, so that a stuck duty loses the lease."""

    def __init__(self, engine: Engine, supervisor: UUID) -> None:
        self._lease = LeaseKeeper(engine, f"coordinator:{engine.alias}", supervisor)
        self._lease_at = float("-inf")
        self._reaper = Reaper(engine, write=self._lease.keep)
        self._duties: list[Duty] = [self._reaper, Pruner(engine), Statistician(engine)]
        if engine.broker is not None:
            self._duties.insert(0, Indexer(engine, engine.broker))

    @property
    def is_leading(self) -> bool:
        """Whether this process holds the lease."""
        return self._lease.is_held

    def tick(self) -> float:
        """Keep the lease, then run the duties; return the pause in seconds until the next tick."""
        now = time.monotonic()
        if now - self._lease_at >= _LEASE_SECONDS:
            had = self._lease.is_held
            self._lease_at = now
            if self._lease.keep() and not had:
                logger.info("Coordinating")
                self._reaper.restart()
        if not self._lease.is_held:
            return _LEASE_SECONDS
        pauses = self._run_duties()
        until_lease = self._lease_at + _LEASE_SECONDS - time.monotonic()
        return max(min(*pauses, until_lease), _SHORTEST_PAUSE)

    def _run_duties(self) -> list[float]:
        """Run every duty, so that one that fails holds up no other; then raise the first error."""
        pauses: list[float] = []
        errors: list[BaseException] = []
        for duty in self._duties:
            try:
                pauses.append(duty.tick())
            except BaseException as error:
                if _is_outage(error):
                    raise
                errors.append(error)
        if errors:
            raise errors[0]
        return pauses

    def drop_lease(self) -> None:
        """Give the lease up."""
        if self._lease.is_held:
            self._lease.drop()


def _is_outage(error: BaseException) -> bool:
    """Return whether the database is away, so that no other duty could do anything either."""
    return isinstance(error, InterfaceError) or (
        isinstance(error, OperationalError) and classify(error) is DatabaseFailure.AWAY
    )
