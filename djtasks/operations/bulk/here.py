"""Apply a project's own action to all tasks that match, in this process and up to a limit."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from django.utils.translation import gettext_noop

from djtasks.engine import Engine
from djtasks.errors import InvalidBulkAction
from djtasks.formats.ids import new_id
from djtasks.models import BulkAction
from djtasks.operations.bulk.run import PLANNED_LIMIT, ROWS_A_CHUNK
from djtasks.operations.bulk.selection import Selection, as_json, selected
from djtasks.protocol.states import State

MOST_HERE = 10_000
OTHER_STATE = gettext_noop("The action is not possible in its state.")
LEFT_ALONE = gettext_noop("The action did not change it.")
RAISED = gettext_noop("The action raised an error. See the log.")

logger = logging.getLogger("djtasks.operations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change to records in one of `states`; `run` takes ids and returns how many it changed."""

    name: str
    states: Collection[State]
    run: Callable[[Sequence[UUID]], int]


def run_bulk_here(engine: Engine, change: Change, selection: Selection, *, by: str) -> BulkAction:
    """Apply a change to the records that match now, and return the row with the outcome.

    Each chunk is one transaction. A chunk that raises is rolled back and logged, and ends the
    action. If the process dies, the row tells what it had changed, and that it was stopped.
    Raises InvalidBulkAction, before any change, if more than 10,000 would be changed.
    """
    matching = selected(engine, selection)
    ids = _possible(matching, change)
    planned = matching[:PLANNED_LIMIT].count()
    row = BulkAction(
        backend=engine.alias,
        action=change.name,
        selection=as_json(selection),
        by=by[:150],
        upper=new_id(),
        planned=max(planned, len(ids)),
        created_at=engine.now(),
        stop_requested=True,
        finished_at=engine.now(),
    )
    _note(row, OTHER_STATE, row.planned - len(ids))
    row.save(using=engine.database, force_insert=True)
    row.stop_requested = not _do_all(engine, change, row, ids)
    _write(engine, row)
    row.refresh_from_db(using=engine.database)
    return row


def _possible(matching: Any, change: Change) -> list[UUID]:
    possible = matching.filter(state__in=change.states).order_by()
    ids: list[UUID] = sorted(possible.values_list("pk", flat=True)[: MOST_HERE + 1])
    if len(ids) > MOST_HERE:
        raise InvalidBulkAction(
            f"The action {change.name!r} takes at most {MOST_HERE:,} tasks at once, and more match."
        )
    return ids


def _do_all(engine: Engine, change: Change, row: BulkAction, ids: Sequence[UUID]) -> bool:
    """Do all chunks, and note each one in the row; return False if one raised."""
    for at in range(0, len(ids), ROWS_A_CHUNK):
        if not _do_chunk(engine, change, row, ids[at : at + ROWS_A_CHUNK]):
            _note(row, RAISED, len(ids) - at)
            return False
        _write(engine, row)
    return True


def _write(engine: Engine, row: BulkAction) -> None:
    names = ("changed", "refused", "refusals", "stop_requested")
    columns = {name: getattr(row, name) for name in names}
    rows = BulkAction.objects.using(engine.database).filter(pk=row.pk)
    rows.update(finished_at=engine.now(), **columns)


def run_here(engine: Engine, change: Change, ids: Sequence[UUID]) -> int | None:
    """Apply a change in a transaction; return how many it changed, or None if it raised."""
    try:
        with transaction.atomic(using=engine.database):
            count = change.run(ids)
            if not isinstance(count, int):
                raise TypeError(
                    f"An action must return how many tasks it changed, got {type(count)}."
                )
            if connections[engine.database].needs_rollback:
                raise TransactionManagementError(
                    "The action's transaction is broken and rolled back: it caught a database "
                    "error, closed the connection or called set_rollback()."
                )
    except Exception:
        logger.exception("Action raised action=%s tasks=%s", change.name, len(ids))
        return None
    return min(max(int(count), 0), len(ids))


def _do_chunk(engine: Engine, change: Change, row: BulkAction, ids: Sequence[UUID]) -> bool:
    still = selected(engine, {"pk": list(ids), "state": [int(state) for state in change.states]})
    now = sorted(still.values_list("pk", flat=True))
    count = run_here(engine, change, now) if now else 0
    if count is None:
        return False
    row.changed += count
    _note(row, OTHER_STATE, len(ids) - len(now))
    _note(row, LEFT_ALONE, len(now) - count)
    return True


def _note(row: BulkAction, reason: str, count: int) -> None:
    if count:
        row.refused += count
        row.refusals[reason] = row.refusals.get(reason, 0) + count
