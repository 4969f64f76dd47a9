"""Store the schedules that the code declares as rows.

An override made in the admin survives a deploy: a sync updates only columns without one.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from djtasks.engine import Engine
from djtasks.formats.json_values import decode, encode
from djtasks.models import Schedule
from djtasks.scheduler.overrides import WHEN, columns_of, restarted, said_before
from djtasks.scheduler.planning import timetable_of
from djtasks.schedules import periodic as declarations

logger = logging.getLogger("djtasks.beat")


def sync(engine: Engine, now: Callable[[], datetime] | None = None) -> None:
    """Insert, update or stop rows to match the code; write nothing if they already match.

    Any number of processes may sync at once. A schedule that is no longer declared stops; its
    row stays, marked as removed. Once declared again, it continues from now.
    """
    said = {
        one.name: decode(encode(one.as_dict(), one.name))
        for one in declarations.declared(engine.alias)
    }
    if _is_in_step(engine, said):
        return
    with transaction.atomic(using=engine.database):
        moment = (now or engine.store.now)()
        rows = {row.name: row for row in _rows(engine).select_for_update().order_by("pk")}
        _insert(engine, {name: one for name, one in said.items() if name not in rows}, moment)
        for name, row in rows.items():
            if name in said:
                _update(engine, row, said[name], moment)
            elif row.declared is not None and not row.removed:
                _remove(engine, row)
    _report_missing(engine, set(said))


def _rows(engine: Engine) -> Any:
    return Schedule.objects.using(engine.database).filter(backend=engine.alias)


def _is_in_step(engine: Engine, said: Mapping[str, Any]) -> bool:
    known = _rows(engine).filter(declared__isnull=False, removed=False)
    return dict(known.values_list("name", "declared")) == said


def _insert(engine: Engine, said: Mapping[str, Any], now: datetime) -> None:
    made = [
        Schedule(backend=engine.alias, name=name, declared=one, **columns_of(one))
        for name, one in said.items()
    ]
    for row in made:
        row.next_run_at = timetable_of(row).next_after(now)
        row.created_at = row.changed_at = now
    # Another process may be inserting the same rows.
    Schedule.objects.using(engine.database).bulk_create(made, ignore_conflicts=True)
    for row in made:
        logger.info("Schedule declared name=%s next_run_at=%s", row.name, row.next_run_at)


def _update(engine: Engine, row: Schedule, said: dict[str, Any], now: datetime) -> None:
    """Update a locked row to match the code, except for its overrides."""
    if row.declared == said and not row.removed:
        return
    before = said_before(row)
    changes = {
        column: value
        for column, value in columns_of(said).items()
        if column in before and getattr(row, column) == before[column] != value
    }
    for column, value in changes.items():
        setattr(row, column, value)
    if row.removed or WHEN & set(changes):
        changes |= restarted(row, now)
    changes |= {"declared": said, "removed": False, "changed_at": now}
    if _rows(engine).filter(pk=row.pk, removed=row.removed).update(**changes):
        logger.info("Schedule changed with the code name=%s", row.name)


def _remove(engine: Engine, row: Schedule) -> None:
    declared = _rows(engine).filter(pk=row.pk, removed=False)
    if declared.update(removed=True, next_run_at=None, changed_at=engine.now()):
        logger.warning("Schedule is no longer in the code and stops name=%s", row.name)


def _report_missing(engine: Engine, said: set[str]) -> None:
    """Log names that the database considers equal to another one: MariaDB ignores case."""
    for name in said - set(_rows(engine).values_list("name", flat=True)):
        logger.error("Schedule has the name of another one for this database name=%s", name)
