"""The scheduler: when to sync, fire and repair. Its process repeats `tick()` until it stops."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from django.db import DatabaseError

from djtasks.engine import Engine
from djtasks.errors import is_ctrl_c
from djtasks.scheduler.repair import Auditor
from djtasks.scheduler.sync import KEEP_SECONDS, keep_declared, sync
from djtasks.scheduler.ticker import PAGE, Ticker
from djtasks.store.errors import DatabaseFailure, classify
from djtasks.store.schedules import NextDue

logger = logging.getLogger("djtasks.beat")

# The first scheduler checks for changes this often. The others only take over when it dies:
# half a second after a due time they check whether the schedule still is due.
CHANGES_SECONDS = 1.5
BACKUP_SECONDS = 15.0
BACKUP_DELAY_SECONDS = 0.5
# Schedules that fall due within this time of each other share a transaction.
BUSY_SECONDS = 0.1
_LEASE_SECONDS = 5.0
_AUDIT_SECONDS = 15.0
_SHORTEST_PAUSE = 0.005
_MOST_PAGES = 20
_JUMP = timedelta(seconds=60)


class Turn(Protocol):
    """Decides which scheduler is first. For efficiency only: several or none do no harm."""

    is_held: bool

    def keep(self) -> bool: ...
    def drop(self) -> None: ...


class Scheduler:
    """The scheduler of one TASKS alias. `clock` replaces the database's clock.

    `first_scan_done`: declared schedules are stored, and what was due at the start is enqueued.
    """

    def __init__(
        self, engine: Engine, turn: Turn, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._ticker = Ticker(engine, clock=clock)
        self._sync = partial(sync, engine, clock)
        self._keep_declared = partial(keep_declared, engine, clock)
        self._turn = turn
        self._auditor = Auditor(engine)
        self._turn_at = -BACKUP_SECONDS
        self._audit_at = -_AUDIT_SECONDS
        self._kept_at = -KEEP_SECONDS
        self._seen: tuple[datetime, float] | None = None
        self._is_synced = False
        self.first_scan_done = False

    def tick(self) -> float:
        """Do what is due; return the pause in seconds until the next tick."""
        if not self._is_synced:
            self._sync_once()
        self._keep_what_is_declared()
        self._keep_turn()
        next_due = self._ticker.scan()
        if self._has_jumped_back(next_due):
            logger.warning("The database's clock went back, looking at all schedules")
            self._auditor.check_all(next_due.now)
            next_due = self._ticker.scan()
        self._seen = (next_due.now, time.monotonic())
        is_due = next_due.next_run_at is not None and next_due.next_run_at <= next_due.now
        if is_due:
            self._fire(next_due.now)
        self.first_scan_done = True
        self._audit(next_due.now)
        return BUSY_SECONDS if is_due else self._pause(next_due)

    def stop(self) -> None:
        """Give the lease up, so that another scheduler can be first at once."""
        if self._turn.is_held:
            self._turn.drop()

    def _sync_once(self) -> None:
        self._guarded(self._sync)
        self._is_synced = True

    def _keep_what_is_declared(self) -> None:
        now = time.monotonic()
        if now - self._kept_at >= KEEP_SECONDS:
            self._guarded(self._keep_declared)
            self._kept_at = now

    def _guarded(self, store: Callable[[], None]) -> None:
        try:
            store()
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            if isinstance(error, DatabaseError) and classify(error) is not DatabaseFailure.REFUSED:
                raise
            logger.exception("Declared schedules are not all stored; what is stored fires")

    def _keep_turn(self) -> None:
        now = time.monotonic()
        every = _LEASE_SECONDS if self._turn.is_held else BACKUP_SECONDS
        if now - self._turn_at >= every:
            self._turn_at = now
            had = self._turn.is_held
            if self._turn.keep() and not had:
                logger.info("First scheduler")

    def _fire(self, now: datetime) -> None:
        """Fire due schedules page by page, until a page is not full."""
        for _page in range(_MOST_PAGES):
            if self._ticker.tick(now) < PAGE:
                return

    def _audit(self, now: datetime) -> None:
        if self._turn.is_held and time.monotonic() - self._audit_at >= _AUDIT_SECONDS:
            self._auditor.scan(now)
            self._audit_at = time.monotonic()

    def _has_jumped_back(self, next_due: NextDue) -> bool:
        if self._seen is None:
            return False
        before, at = self._seen
        return next_due.now - before < timedelta(seconds=time.monotonic() - at) - _JUMP

    def _pause(self, next_due: NextDue) -> float:
        longest = CHANGES_SECONDS if self._turn.is_held else BACKUP_SECONDS
        if next_due.next_run_at is None:
            return longest
        delay = 0.0 if self._turn.is_held else BACKUP_DELAY_SECONDS
        left = (next_due.next_run_at - next_due.now).total_seconds() + delay
        return min(max(left, _SHORTEST_PAUSE), longest)
