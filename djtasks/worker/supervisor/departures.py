"""Exited children whose records the supervisor has yet to release."""

import logging
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.protocol.records import Released, Settlement
from djtasks.protocol.recovery import Departure
from djtasks.protocol.states import State
from djtasks.store import workers
from djtasks.worker.child.statistics import count_failures
from djtasks.worker.loops import close_quietly

logger = logging.getLogger("djtasks.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitedChild:
    """A child whose process has exited, and what it left unsettled."""

    worker: UUID
    departure: Departure
    hung: list[Settlement] = field(default_factory=list)


class Departures:
    """Releases the records of exited children; retries while the database does not answer.

    Losing this list loses no task: a reaper takes the remaining records.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pending: list[ExitedChild] = []

    def add(self, exited: ExitedChild) -> None:
        self._pending.append(exited)

    @property
    def are_pending(self) -> bool:
        return bool(self._pending)

    def settle(self) -> None:
        """Release the records of all listed children, oldest first; stop at a database error.

        Records that somebody has locked are released later. This never waits for them: it runs in
        the supervisor's main thread.
        """
        for exited in list(self._pending):
            try:
                if self._move(exited):
                    self._pending.remove(exited)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("Rows of an ended child not moved yet error=%s", error)
                close_quietly(self._engine.database)
                return
            except BaseException:
                self._pending.remove(exited)
                logger.exception("Rows of an ended child are left to a reaper id=%s", exited.worker)

    def _move(self, exited: ExitedChild) -> bool:
        if exited.hung:
            if workers.are_locked(self._engine.database, [one.id for one in exited.hung]):
                return False
            self._engine.store.settle(exited.hung, worker=exited.worker)
            count_failures(self._engine, exited.hung)
        released = workers.leave(self._engine.database, exited.worker, exited.departure)
        if released is None:
            return False
        if released:
            logger.warning(
                "Moved records of an ended child worker=%s crashed=%s count=%s",
                exited.worker,
                exited.departure.crashed,
                len(released),
            )
        publish(self._engine, released)
        return True


def publish(engine: Engine, released: list[Released]) -> None:
    """Announce released records: push hints for ready ones, log lost ones."""
    for one in released:
        if one.state is State.FAILED:
            logger.error("Task lost with its worker path=%s id=%s", one.task_path, one.id)
    count_failures(engine, [r.lost for r in released if r.lost and r.backend == engine.alias])
    hints = [r.hint for r in released if r.hint is not None and r.backend == engine.alias]
    if engine.broker is None or not hints:
        return
    try:
        engine.broker.push(hints)
    except BrokerUnavailable as error:
        logger.warning("Hints not pushed, the indexer brings them error=%s", error)
    except BaseException:
        # The records are released: what a broker raises must not hold up the next worker's.
        logger.exception("Hints not pushed, the indexer brings them count=%s", len(hints))
