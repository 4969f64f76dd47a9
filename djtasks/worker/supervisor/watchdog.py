"""Ends children and supervisors that are alive but stuck."""

import logging
import time
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError

from djtasks.engine import Engine
from djtasks.worker.config import WATCHDOG, WorkerConfig
from djtasks.worker.exits import EXIT_STUCK, leave
from djtasks.worker.loops import close_quietly
from djtasks.worker.supervisor.children import ChildHandle, KillReason
from djtasks.worker.supervisor.heartbeat import Heartbeat

logger = logging.getLogger("djtasks.worker")

_CHECK_SECONDS = 1.0
_OWN_STANDSTILL = 10.0


class Watchdog:
    """Checks a supervisor's children once a second."""

    def __init__(self, engine: Engine, config: WorkerConfig, heartbeat: Heartbeat) -> None:
        self._engine = engine
        self._config = config
        self._heartbeat = heartbeat
        self._checked_at = time.monotonic()

    def check(self, children: Sequence[ChildHandle]) -> None:
        """Kill children that are stuck for a minute or past their grace; mark too large ones.

        What a child was running answers for its end if it was stuck or too large.
        """
        now = time.monotonic()
        for child in list(children):
            if child.kill_at is not None and now >= child.kill_at:
                child.kill_at = None
                logger.warning("Grace is over, ending child pid=%s", child.process.pid)
                child.kill(why=KillReason.FAULT if child.outgrown else KillReason.STOP)
        if now - self._checked_at < _CHECK_SECONDS:
            return
        stood_still = now - self._checked_at > _OWN_STANDSTILL
        self._checked_at = now
        self._check_heartbeat(now)
        for child in list(children):
            if child.killed_as is not None:
                continue
            if stood_still or self._is_database_away(now):
                child.forgive()
            else:
                self._check_child(child, now)

    def _is_database_away(self, now: float) -> bool:
        """Return whether heartbeats fail: a child that waits for the database is not stuck."""
        return (
            now - self._heartbeat.heartbeat_at > 3 * self._engine.options.heartbeat.total_seconds()
        )

    def _check_child(self, child: ChildHandle, now: float) -> None:
        if child.stalled_for(now) >= WATCHDOG.total_seconds():
            logger.error(
                "Child stands still and is ended pid=%s stacks:\n%s",
                child.process.pid,
                child.dump(),
            )
            child.kill(why=KillReason.FAULT)
        limit, rss = self._config.max_memory, child.rss()
        if limit and rss and rss > limit and not child.draining:
            logger.warning("Child uses %s bytes and is replaced pid=%s", rss, child.process.pid)
            child.outgrown = True

    def _check_heartbeat(self, now: float) -> None:
        """End this process if no heartbeat succeeded for a minute although the database answers."""
        if now - self._heartbeat.heartbeat_at < WATCHDOG.total_seconds():
            return
        try:
            self._engine.store.now()
        except (DatabaseError, InterfaceError):
            close_quietly(self._engine.database)
            return
        leave(EXIT_STUCK, why="No heartbeat for a minute of a reachable database, leaving")
