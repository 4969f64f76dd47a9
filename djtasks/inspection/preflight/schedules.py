"""Compare the schedules in the database with those that the code of this process declares."""

from collections.abc import Mapping
from typing import Any

from djtasks.definitions import registry
from djtasks.definitions.fitting import misfit
from djtasks.engine import Engine
from djtasks.inspection.preflight.troubles import Troubles
from djtasks.models import Schedule
from djtasks.scheduler.overrides import changes_to, columns_of
from djtasks.scheduler.planning import problem_of, timetable_of
from djtasks.scheduler.secrets import as_stored
from djtasks.scheduler.sync import declared_by


def check_schedules(engine: Engine, troubles: Troubles) -> int:
    """Check every schedule of an alias, and return how many there are, with those to be added."""
    said = declared_by(engine)
    rows = {
        row.name: row
        for row in Schedule.objects.using(engine.database).filter(backend=engine.alias)
    }
    for name, declared in said.items():
        row = rows.get(name)
        if row is None or row.removed:
            again = " again" if row is not None else ""
            reason = f"This code declares it{again}: {_words(engine, name, declared)}."
            troubles.add("schedule-added", engine.alias, name, reason)
    for name, row in rows.items():
        if row.removed and name not in said:
            continue
        if name in said:
            _check_changes(engine, row, said[name], troubles)
        elif row.declared is not None:
            reason = "This code does not declare it. If no other service does, it stops."
            troubles.add("schedule-removed", engine.alias, name, reason)
            continue
        _check_call(engine, row, troubles)
    return len(rows.keys() | said.keys())


def _check_changes(
    engine: Engine, row: Schedule, declared: Mapping[str, Any], troubles: Troubles
) -> None:
    """Say what a sync would change in a row, and change it, in memory."""
    before = _rule(row)
    changes = changes_to(row, as_stored(engine, declared, row.declared))
    for column, value in changes.items():
        setattr(row, column, value)
    if changes and not row.removed:
        words = [name for name in changes if name != "rule"]
        if "rule" in changes:
            words.insert(0, f"rule from {before!r} to {_rule(row)!r}")
        reason = f"This code changes its {', '.join(words)}."
        troubles.add("schedule-changed", engine.alias, row.name, reason)


def _check_call(engine: Engine, row: Schedule, troubles: Troubles) -> None:
    task = engine.find(row.task_path)
    if task is None:
        reason = str(registry.unknown(row.task_path))
    elif misfitting := misfit(row.task_path, task, row.args, row.kwargs):
        reason = str(misfitting)
    else:
        reason = problem_of(row)
    if reason:
        troubles.add("schedule-broken", engine.alias, row.name, reason)


def _rule(row: Schedule) -> str:
    try:
        return str(timetable_of(row).rule)
    except Exception:  # noqa: BLE001 - whatever somebody put into the row
        return str(row.rule)


def _words(engine: Engine, name: str, declared: Mapping[str, Any]) -> str:
    row = Schedule(backend=engine.alias, name=name, **columns_of(declared))
    return f"{row.task_path}, {_rule(row)}"
