"""The auditor: repairs rows that a wrong clock or a manual edit has damaged."""

import logging
from collections.abc import Iterable
from datetime import datetime

from djtasks.engine import Engine
from djtasks.errors import is_ctrl_c
from djtasks.scheduler.planning import healed, reason_of, ticked_until, timetable_of
from djtasks.scheduler.templates import record_of
from djtasks.scheduler.ticker import report_broken
from djtasks.store import schedules as ticks
from djtasks.store.schedules import DueSchedule, Move

logger = logging.getLogger("djtasks.beat")

PAGE = 500


class Auditor:
    """Checks the schedules of one TASKS alias in rounds, one page per scan.

    Every repair is a compare-and-set, so several auditors and tickers at once do no harm.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database
        self._healthy_after = 0
        self._broken_after = 0

    def scan(self, now: datetime) -> bool:
        """Check the next page of rows, healthy and broken; return whether the round is complete."""
        healthy = self._page(self._healthy_after, is_broken=False)
        broken = self._page(self._broken_after, is_broken=True)
        healed_names = [row.name for row in healthy if self._check(row, now)]
        if healed_names:
            logger.warning(
                "Schedules healed whose next run was not their rule's count=%s such as name=%s",
                len(healed_names),
                healed_names[0],
            )
        for row in broken:
            self._mend(row, now)
        self._healthy_after = _behind(healthy)
        self._broken_after = _behind(broken)
        return not self._healthy_after and not self._broken_after

    def check_all(self, now: datetime) -> None:
        """Check all schedules from the beginning, because the clock has jumped."""
        self._healthy_after = self._broken_after = 0
        while not self.scan(now):
            pass

    def _page(self, after: int, *, is_broken: bool) -> list[DueSchedule]:
        return ticks.page(
            self._database, self._engine.alias, after=after, limit=PAGE, is_broken=is_broken
        )

    def _check(self, row: DueSchedule, now: datetime) -> bool:
        """Correct the row's next run if it is wrong; return whether it was."""
        try:
            next_run_at = healed(
                timetable_of(row), stored=row.next_run_at, last_due_at=row.last_due_at, now=now
            )
        except Exception as error:  # noqa: BLE001 - whatever somebody put into the row
            reason = reason_of(error)
            if ticks.note_broken(self._database, row, reason):
                report_broken(row, reason)
            return False
        return next_run_at != row.next_run_at and self._heal(row, next_run_at, now)

    def _heal(self, row: DueSchedule, next_run_at: datetime | None, now: datetime) -> bool:
        last_due_at = row.last_due_at
        if last_due_at is not None:
            last_due_at = min(last_due_at, ticked_until(last_due_at, now))
        move = Move(
            id=row.id, seen=row.next_run_at, next_run_at=next_run_at, last_due_at=last_due_at
        )
        return bool(ticks.advance(self._database, [move]))

    def _mend(self, row: DueSchedule, now: datetime) -> None:
        """Let a broken row fire again if it is valid now; its policy decides on missed runs."""
        try:
            timetable_of(row)
            record_of(self._engine, row)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            reason = reason_of(error)
            if reason != row.broken:
                ticks.note_broken(self._database, row, reason)
            return
        if ticks.note_broken(self._database, row, ""):
            logger.info("Schedule is mended name=%s", row.name)
            self._check(row, now)


def _behind(rows: Iterable[DueSchedule]) -> int:
    """Return the id after which the next page starts; 0 to start from the beginning."""
    ids = [row.id for row in rows]
    return ids[-1] if len(ids) == PAGE else 0
