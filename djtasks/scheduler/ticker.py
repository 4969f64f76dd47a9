"""The ticker: enqueues a record per due time, once, however many tickers run.

scan -> lock -> decide -> advance -> insert what was won -> commit -> publish
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, transaction
from msgspec import structs

from djtasks.engine import Engine
from djtasks.errors import UnknownTask, is_ctrl_c
from djtasks.protocol.hints import Hint
from djtasks.protocol.records import NewRecord
from djtasks.scheduler.planning import Decision, decide, reason_of, start_of
from djtasks.scheduler.templates import Recipes
from djtasks.schedules import Overlap
from djtasks.store import schedules as ticks
from djtasks.store.errors import DatabaseFailure, classify
from djtasks.store.schedules import DueSchedule, Move, NextDue

logger = logging.getLogger("djtasks.beat")

PAGE = 500
ASIDE_SECONDS = 15.0
# During a deploy, a newer scheduler may know a task that this one does not. And a schedule that
# nobody declares any more is removed within this time, which is no reason to call it broken.
UNKNOWN_PATIENCE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """The outcome for one due row: its records and its move, or the reason why it is broken."""

    row: DueSchedule
    records: Sequence[NewRecord] = ()
    move: Move | None = None
    broken: str = ""


class Ticker:
    """Fires the schedules of one TASKS alias. `clock` replaces the database's clock."""

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._database = engine.database
        self._recipes = Recipes(engine)
        self._aside: dict[int, float] = {}

    def scan(self) -> NextDue:
        """Return the current time and the earliest next run."""
        next_due = ticks.scan(self._database, self._engine.alias, aside=self._left_aside())
        return next_due if self._clock is None else replace(next_due, now=self._clock())

    def tick(self, now: datetime) -> int:
        """Fire up to a page of the rows due at `now`; return how many it handled.

        If the page fails, fire each of its rows alone, so that only the faulty one does not fire.
        """
        aside = self._left_aside()
        try:
            return self._fire_page(now, aside=aside)
        except DatabaseError as error:
            if classify(error) is DatabaseFailure.AWAY:
                raise
            logger.warning("Schedules fired one by one after an error error=%s", error)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            logger.exception("Schedules fired one by one after an error")
        due = ticks.due_ids(self._database, self._engine.alias, until=now, limit=PAGE, aside=aside)
        return sum(self._fire_alone(id_, now) for id_ in due)

    def _fire_alone(self, id_: int, now: datetime) -> int:
        try:
            return self._fire_page(now, only=id_)
        except DatabaseError as error:
            match classify(error):
                case DatabaseFailure.AWAY:
                    raise
                case DatabaseFailure.LOCKED:
                    logger.warning("Schedule waits for a lock id=%s error=%s", id_, error)
                    self._put_aside(id_)
                case DatabaseFailure.REFUSED:
                    self._break(id_, error)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            self._break(id_, error)
        return 0

    def _fire_page(
        self, now: datetime, *, aside: Sequence[int] = (), only: int | None = None
    ) -> int:
        with transaction.atomic(using=self._database):
            rows = ticks.lock_due(
                self._database, self._engine.alias,
                until=now, limit=PAGE, aside=aside, only=only,
            )  # fmt: skip
            if not rows:
                return 0
            running = ticks.live_runs(
                self._database,
                [r.last_run for r in rows if r.overlap == Overlap.SKIP and r.last_run],
            )
            made = [tick for row in rows if (tick := self._ticked(row, now, running))]
            won = ticks.advance(self._database, [tick.move for tick in made if tick.move])
            hints = self._insert([tick for tick in made if tick.row.id in won])
            broken = self._mark_broken(made)
        self._publish(hints)
        for tick in broken:
            report_broken(tick.row, tick.broken)
        return len(rows)

    def _ticked(self, row: DueSchedule, now: datetime, running: set[UUID]) -> Fired | None:
        """Return the outcome for a due row; None postpones it to a later scan."""
        try:
            return self._decided(row, now, is_running=row.last_run in running)
        except UnknownTask as error:
            if row.next_run_at is not None and now - row.next_run_at < UNKNOWN_PATIENCE:
                self._put_aside(row.id)
                return None
            return Fired(row=row, broken=str(error))
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            return Fired(row=row, broken=reason_of(error))

    def _decided(self, row: DueSchedule, now: datetime, *, is_running: bool) -> Fired:
        assert row.next_run_at is not None
        recipe = self._recipes.of(row)
        decision = decide(
            recipe.table,
            seen=row.next_run_at,
            last_due_at=row.last_due_at,
            now=now,
            is_running=is_running,
        )
        records = [
            structs.replace(
                recipe.record(),
                due_at=due,
                run_after=start_of(recipe.table, schedule=row.id, due=due, now=now),
            )
            for due in decision.fire
        ]
        return Fired(row=row, records=records, move=_move(row, decision, records))

    def _insert(self, won: Sequence[Fired]) -> list[Hint]:
        """Insert the records of the rows that we won; return the hints of those due now."""
        records = [record for tick in won for record in tick.records]
        plain = [record for record in records if record.unique_key is None]
        hints: list[Hint] = []
        if plain:
            by_id = {record.id: record for record in plain}
            answers = self._engine.store.insert_many(plain)
            pairs = [(by_id[answer.id], answer) for answer in answers]
            hints += [a.hint_for(r) for r, a in pairs if a.run_after <= a.enqueued_at]
        return hints + self._insert_unique([r for r in records if r.unique_key is not None])

    def _insert_unique(self, records: Sequence[NewRecord]) -> list[Hint]:
        """Insert each record unless its key is taken; then its holder becomes the last run."""
        if records:
            ticks.set_lock_timeout(self._database)
        hints = []
        for record in sorted(records, key=lambda record: str(record.unique_key)):
            answer = self._engine.store.insert(record)
            if not answer.is_new:
                assert record.schedule is not None
                ticks.record_last_run(self._database, record.schedule, answer.id)
            elif answer.run_after <= answer.enqueued_at:
                hints.append(answer.hint_for(record))
        return hints

    def _publish(self, hints: Sequence[Hint]) -> None:
        """Push the hints of committed records: whatever the broker raises, they have fired."""
        try:
            self._engine.outbox.publish(hints)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            logger.exception("Hints not pushed count=%s", len(hints))

    def _mark_broken(self, made: Sequence[Fired]) -> list[Fired]:
        """Mark rows that cannot fire as broken; return those that were not marked before."""
        broken = [tick for tick in made if tick.broken]
        return [t for t in broken if ticks.note_broken(self._database, t.row, t.broken)]

    def _break(self, id_: int, error: BaseException) -> None:
        """Mark a row as broken that cannot be read or that the database refuses to fire."""
        reason = reason_of(error)
        logger.error("Schedule is broken and fires no more id=%s error=%s", id_, reason)
        self._put_aside(id_)
        with suppress(DatabaseError):
            ticks.note_unreadable(self._database, id_, reason)

    def _put_aside(self, id_: int) -> None:
        self._aside[id_] = time.monotonic() + ASIDE_SECONDS

    def _left_aside(self) -> list[int]:
        now = time.monotonic()
        self._aside = {id_: until for id_, until in self._aside.items() if until > now}
        return list(self._aside)


def _move(row: DueSchedule, decision: Decision, records: Sequence[NewRecord]) -> Move:
    return Move(
        id=row.id,
        seen=row.next_run_at,
        next_run_at=decision.next_run_at,
        last_due_at=decision.last_due_at,
        last_run=records[-1].id if records else None,
    )


def report_broken(row: DueSchedule, reason: str) -> None:
    """Log once that a schedule has stopped firing."""
    logger.error("Schedule is broken and fires no more name=%s reason=%s", row.name, reason)
