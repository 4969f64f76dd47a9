"""Store the schedules that the code declares as rows.

An override made in the admin survives a deploy: a sync updates only columns without one.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction

from djtasks.engine import Engine
from djtasks.formats.json_values import decode, encode
from djtasks.models import Schedule
from djtasks.scheduler.overrides import WHEN, changes_to, columns_of, restarted
from djtasks.scheduler.planning import timetable_of
from djtasks.scheduler.secrets import storable, stored_form
from djtasks.schedules import periodic as declarations

# How often each scheduler notes what it declares, so that no other one removes it.
KEEP_SECONDS = 20.0
ABSENCE = timedelta(minutes=1)
# Several schedulers with the same code write once in this time, not each.
_FRESH = timedelta(seconds=15)

logger = logging.getLogger("djtasks.beat")


def sync(engine: Engine, now: Callable[[], datetime] | None = None) -> None:
    """Insert or update rows to match the code; write nothing if they already match.

    Any number of processes may sync at once. A schedule that was removed and is declared again
    continues from now. What the code does not declare is left to `keep_declared`.
    """
    said = storable(engine, declared_by(engine))
    if _is_in_step(engine, said):
        return
    _store(engine, said, (now or engine.store.now)())
    _report_missing(engine, set(said))


def _store(engine: Engine, said: Mapping[str, Any], moment: datetime) -> None:
    with transaction.atomic(using=engine.database):
        rows = {row.name: row for row in _rows(engine).select_for_update().order_by("pk")}
        _insert(engine, {name: one for name, one in said.items() if name not in rows}, moment)
        for name, row in rows.items():
            if name in said:
                _update(engine, row, said[name], moment)


def keep_declared(engine: Engine, now: Callable[[], datetime] | None = None) -> None:
    """Note what the code declares, and stop what no scheduler has declared for a minute.

    Services with different apps may share a TASKS alias, so what this code lacks may live in
    another. Call it every KEEP_SECONDS. A schedule that was stopped although this code declares
    it continues from now. A schedule that stops keeps its row, marked as removed.
    """
    said, moment = declared_by(engine), (now or engine.store.now)()
    columns = ("pk", "name", "removed", "declared_at")
    kept: list[int] = []
    back: dict[str, Any] = {}
    rows = _rows(engine).filter(declared__isnull=False)
    for pk, name, removed, at in rows.values_list(*columns):
        if removed:
            back |= {name: said[name]} if name in said else {}
        elif at is None or (name in said and moment - at > _FRESH):
            kept.append(pk)  # one without a moment gets a minute from now, too
        elif name not in said and moment - at > ABSENCE:
            _remove(engine, pk, name, at)
    _touch(engine, kept, moment)
    # Only these: two versions of the code must not take turns in storing their rules.
    if back:
        _store(engine, back, moment)


def declared_by(engine: Engine) -> dict[str, Any]:
    """Return what the code of this process declares, by name, as rows store it."""
    return {
        one.name: decode(encode(one.as_dict(), one.name))
        for one in declarations.declared(engine.alias)
    }


def _touch(engine: Engine, pks: list[int], moment: datetime) -> None:
    """Note that rows are declared; leave out those that somebody has locked until next time."""
    if not pks:
        return
    skip = connections[engine.database].features.has_select_for_update_skip_locked
    with transaction.atomic(using=engine.database):
        rows = _rows(engine).filter(pk__in=pks).order_by("pk").select_for_update(skip_locked=skip)
        _rows(engine).filter(pk__in=list(rows.values_list("pk", flat=True))).update(
            declared_at=moment
        )


def _rows(engine: Engine) -> Any:
    return Schedule.objects.using(engine.database).filter(backend=engine.alias)


def _is_in_step(engine: Engine, said: Mapping[str, Any]) -> bool:
    known = _rows(engine).filter(declared__isnull=False, removed=False)
    stored = dict(known.values_list("name", "declared"))
    return all(
        stored.get(name) == stored_form(engine, one, stored.get(name)) for name, one in said.items()
    )


def _insert(engine: Engine, said: Mapping[str, Any], now: datetime) -> None:
    stored = {name: stored_form(engine, one) for name, one in said.items()}
    made = [
        Schedule(backend=engine.alias, name=name, declared=one, declared_at=now, **columns_of(one))
        for name, one in stored.items()
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
    said = stored_form(engine, said, row.declared)
    if row.declared == said and not row.removed:
        return
    changes = changes_to(row, said)
    for column, value in changes.items():
        setattr(row, column, value)
    if row.removed or WHEN & set(changes):
        changes |= restarted(row, now)
    changes |= {"declared": said, "declared_at": now, "removed": False, "changed_at": now}
    if _rows(engine).filter(pk=row.pk, removed=row.removed).update(**changes):
        logger.info("Schedule changed with the code name=%s", row.name)


def _remove(engine: Engine, pk: int, name: str, declared_at: datetime) -> None:
    declared = _rows(engine).filter(pk=pk, removed=False, declared_at=declared_at)
    if declared.update(removed=True, next_run_at=None, changed_at=engine.now()):
        logger.warning("Schedule is no longer in any code and stops name=%s", name)


def _report_missing(engine: Engine, said: set[str]) -> None:
    """Log names that the database considers equal to another one: MariaDB ignores case."""
    for name in said - set(_rows(engine).values_list("name", flat=True)):
        logger.error("Schedule has the name of another one for this database name=%s", name)
