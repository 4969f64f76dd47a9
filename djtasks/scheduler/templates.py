"""Build the records of a schedule from a template that is cached while its row is unchanged.

Parsing a rule and checking arguments takes two thirds of a tick (measured).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from djtasks.definitions import registry
from djtasks.engine import Engine
from djtasks.enqueueing.building import build_record
from djtasks.enqueueing.encrypting import opened_call
from djtasks.errors import InvalidSchedule
from djtasks.formats.ids import new_id
from djtasks.models import Schedule
from djtasks.protocol.records import NewRecord
from djtasks.scheduler.planning import Timetable, timetable_of
from djtasks.store.schedules import DueSchedule

MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """A schedule's timetable, and a function that builds a new record of its call."""

    table: Timetable
    record: Callable[[], NewRecord]


class Recipes:
    """The cached recipes of one TASKS alias, by schedule."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[int, tuple[tuple[Any, ...], Recipe]] = {}

    def of(self, row: DueSchedule) -> Recipe:
        """Return the recipe of a row; raise UnknownTask, InvalidArguments or InvalidSchedule."""
        says = (
            *(row.task_path, row.args, row.kwargs),
            *(row.rule, row.missed, row.overlap, row.jitter, row.starts_at, row.ends_at),
        )
        known = self._known.get(row.id)
        if known is not None and known[0] == says:
            return known[1]
        recipe = Recipe(timetable_of(row), _maker(self._engine, row))
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[row.id] = says, recipe
        return recipe


def _maker(engine: Engine, row: DueSchedule) -> Callable[[], NewRecord]:
    """Return a function that builds a record; it computes a unique key anew each time."""
    first = record_of(engine, row)
    task = engine.find(row.task_path)
    if first.unique_key is not None or (task is not None and task.unique is not None):
        return lambda: record_of(engine, row)
    return lambda: replace(first, id=new_id())


def record_of(engine: Engine, row: DueSchedule | Schedule) -> NewRecord:
    """Return a record of the schedule's call with a new id, validated as `enqueue` does.

    Raises UnknownTask, InvalidArguments or InvalidSchedule, or MissingKey if its arguments are
    encrypted and this process lacks the key.
    """
    task = engine.find(row.task_path)
    if task is None:
        raise registry.unknown(row.task_path)
    args, kwargs = opened_call(row.task_path, row.args, row.kwargs, engine.cipher)
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise InvalidSchedule(
            f"The arguments of a schedule must be a JSON list and a JSON object, got "
            f"{type(args).__name__} and {type(kwargs).__name__}."
        )
    limit, cipher = engine.options.max_arguments, engine.cipher
    record = build_record(task, args, kwargs, backend=engine.alias, limit=limit, cipher=cipher)
    assert row.id is not None
    return replace(record, schedule=row.id)
