"""Apply a bulk action to one chunk of ids, in statements with a condition on the rows."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.module_loading import import_string

from djtasks.engine import Engine
from djtasks.operations import tasks
from djtasks.operations.actions import ACTIONS, KEY_TAKEN, Action
from djtasks.operations.bulk.options import BulkOptions
from djtasks.operations.hints import update_hints

# A spread takes one statement for each due time: a hundred records share one.
_A_MOMENT = 100
Window = tuple[float, float]


@dataclass(slots=True)
class Tally:
    """The outcome of a chunk; `refused` counts records by reason."""

    changed: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The records of one transaction; `window` is their place among all, from 0 to 1."""

    engine: Engine
    action: Action
    ids: Sequence[UUID]
    bulk_options: BulkOptions
    window: Window

    def spread(self) -> list[tuple[Sequence[UUID], datetime]]:
        """Return the ids in parts, each with its due time."""
        ids, bulk_options = self.ids, self.bulk_options
        start = bulk_options.run_after or self.engine.now()
        if not bulk_options.spread:
            return [(ids, start)]
        begin, end = self.window
        return [
            (
                ids[at : at + _A_MOMENT],
                start + bulk_options.spread * (begin + (end - begin) * at / len(ids)),
            )
            for at in range(0, len(ids), _A_MOMENT)
        ]


def apply(
    engine: Engine, action: str, ids: Sequence[UUID], bulk_options: BulkOptions, *, window: Window
) -> Tally:
    """Apply an action to these records; `window` is their place among all, from 0 to 1."""
    meant = ACTIONS[action]
    do: Callable[[Chunk], Tally] = import_string(meant.code)
    tally = do(
        Chunk(engine=engine, action=meant, ids=ids, bulk_options=bulk_options, window=window)
    )
    tally.refused[meant.refusal] += len(ids) - tally.changed - tally.refused.total()
    if meant.makes_due:
        update_hints(engine, ids)
    return tally


def retry(chunk: Chunk) -> Tally:
    """Make records READY again, except those whose unique key is taken."""
    tally = Tally()
    given: dict[str, Any] = {
        "queue": chunk.bulk_options.queue,
        "priority": chunk.bulk_options.priority,
    }
    changes = {column: value for column, value in given.items() if value is not None}
    for part, run_after in chunk.spread():
        count, taken = tasks.revive(chunk.engine, part, {**changes, "run_after": run_after})
        tally.changed += count
        tally.refused[KEY_TAKEN] += len(taken)
    return tally


def reschedule(chunk: Chunk) -> Tally:
    """Move the due times of records."""
    changed = 0
    for part, run_after in chunk.spread():
        ready = tasks.records(chunk.engine).filter(pk__in=part, state__in=chunk.action.states)
        changed += ready.update(run_after=run_after)
    return Tally(changed)


def cancel(chunk: Chunk) -> Tally:
    """Cancel records, at once or when they end."""
    return Tally(tasks.cancel(chunk.engine, chunk.ids))


def delete(chunk: Chunk) -> Tally:
    """Delete records for good."""
    return Tally(tasks.delete(chunk.engine, chunk.ids, chunk.action.states))
