"""Start, run and stop bulk actions: a task carries out each one in chunks.

Each chunk is one transaction: the records, each with its condition on the row, and the
action's cursor. So a worker that dies leaves whole chunks, and the next worker continues after
them.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from djtasks.compat import DEFAULT_TASK_QUEUE_NAME
from djtasks.context import Context
from djtasks.definitions.task import Task
from djtasks.engine import Engine, engine_of
from djtasks.errors import BulkActionMoved
from djtasks.formats.ids import new_id
from djtasks.models import BulkAction, WorkerRecord
from djtasks.operations.bulk import chunks
from djtasks.operations.bulk.options import BulkOptions, parse_bulk_options
from djtasks.operations.bulk.selection import Selection, as_json, selected
from djtasks.protocol.hints import MAX_PRIORITY
from djtasks.protocol.retry import Backoff
from djtasks.store import queue_database, workers

ROWS_A_CHUNK = 1_000
_IDS_PER_SCAN = 20_000
PLANNED_LIMIT = 100_000
_ATTEMPTS = 10
_BACKOFF = Backoff(first_delay=timedelta(seconds=1), longest_delay=timedelta(seconds=30))


def start_bulk(
    engine: Engine,
    action: str,
    selection: Selection,
    *,
    by: str,
    options: Mapping[str, Any] | None = None,
) -> BulkAction:
    """Start an action on the records that match now, and return the row with its progress.

    `action` is retry (options queue, priority, run_after, spread), cancel, discard (deletes
    records that are not running), delete (deletes final records) or reschedule (run_after,
    spread); see `selected` for the selection. Records enqueued after this call are not touched.
    Each record is visited once, even if it matches again. Raises InvalidBulkAction and
    InvalidSelection.
    """
    bulk_options = parse_bulk_options(action, options or {})
    matching = selected(engine, selection)
    bulk = BulkAction(
        backend=engine.alias,
        action=action,
        selection=as_json(selection),
        options=as_json(_given(bulk_options)),
        by=by[:150],
        upper=new_id(),
        planned=matching[:PLANNED_LIMIT].count(),
        created_at=engine.now(),
    )
    with transaction.atomic(using=engine.database):
        task = bulk_task(engine.alias, queue=_queue_for(engine))
        bulk.task = UUID(task.enqueue(str(bulk.pk)).id)
        bulk.save(using=engine.database, force_insert=True)
    bulk.refresh_from_db(using=engine.database)
    return bulk


def stop_bulk(engine: Engine, action_id: UUID) -> bool:
    """Ask a bulk action to stop after its current chunk; return False if it is over or unknown."""
    rows = _rows(engine.alias).filter(pk=action_id, finished_at__isnull=True)
    return bool(rows.update(stop_requested=True))


def bulk_task(alias: str, *, queue: str = "") -> Task[..., Any]:
    """Return the task that runs bulk actions of a TASKS alias; creating it registers it."""
    engine = engine_of(alias)
    return Task(
        func=run_bulk_action,
        backend=alias,
        queue_name=queue or _queues(engine)[0],
        takes_context=True,
        priority=MAX_PRIORITY,
        max_attempts=_ATTEMPTS,
        backoff=_BACKOFF,
    )


def run_bulk_action(context: Context, action_id: str) -> dict[str, int]:
    """Do the rest of a bulk action; this runs in a worker."""
    bulk = _any_backend().get(pk=action_id)
    engine = engine_of(bulk.backend)
    if bulk.finished_at is None:
        for ids in _pages(engine, bulk):
            if not _go_on(bulk, context):
                break
            _do_chunk(engine, bulk, ids)
            done = bulk.changed + bulk.refused
            context.set_progress(done, max(bulk.planned, done), bulk.action)
        _any_backend().filter(pk=bulk.pk).update(finished_at=engine.now())
    return {"changed": bulk.changed, "refused": bulk.refused}


def _go_on(bulk: BulkAction, context: Context) -> bool:
    asked = _any_backend().filter(pk=bulk.pk).values_list("stop_requested", flat=True).first()
    if context.cancelled and not asked:
        _any_backend().filter(pk=bulk.pk).update(stop_requested=True)
    return asked is False and not context.cancelled


def _pages(engine: Engine, bulk: BulkAction) -> Iterator[list[UUID]]:
    """Yield the ids that match after the cursor, in chunks; one query reads many chunks."""
    matching = selected(engine, bulk.selection).filter(pk__lte=bulk.upper).order_by("pk")
    if bulk.task is not None:
        matching = matching.exclude(pk=bulk.task)
    while True:
        behind = matching if bulk.cursor is None else matching.filter(pk__gt=bulk.cursor)
        ids = list(behind.values_list("pk", flat=True)[:_IDS_PER_SCAN])
        for at in range(0, len(ids), ROWS_A_CHUNK):
            yield ids[at : at + ROWS_A_CHUNK]
        if len(ids) < _IDS_PER_SCAN:
            return


def _do_chunk(engine: Engine, bulk: BulkAction, ids: list[UUID]) -> None:
    bulk_options = parse_bulk_options(bulk.action, bulk.options)
    if bulk_options.spread and bulk_options.run_after is None:
        bulk_options = BulkOptions(**_given(bulk_options) | {"run_after": bulk.created_at})
    with transaction.atomic(using=engine.database):
        tally = chunks.apply(engine, bulk.action, ids, bulk_options, window=_window(bulk, len(ids)))
        refusals = dict(bulk.refusals)
        for reason, count in tally.refused.items():
            if count:
                refusals[reason] = refusals.get(reason, 0) + count
        refused = tally.refused.total()
        same = _at_cursor(bulk)
        moved = same.update(
            cursor=ids[-1],
            changed=F("changed") + tally.changed,
            refused=F("refused") + refused,
            refusals=refusals,
        )
        if not moved:
            raise BulkActionMoved(
                f"Another execution is running bulk action {bulk.pk}, so this one leaves the "
                f"chunk to it."
            )
    bulk.cursor, bulk.refusals = ids[-1], refusals
    bulk.changed += tally.changed
    bulk.refused += refused


def _at_cursor(bulk: BulkAction) -> Any:
    rows = _any_backend().filter(pk=bulk.pk)
    if bulk.cursor is None:
        return rows.filter(cursor__isnull=True)
    return rows.filter(cursor=bulk.cursor)


def _window(bulk: BulkAction, count: int) -> chunks.Window:
    done = bulk.changed + bulk.refused
    whole = max(bulk.planned, done + count)
    return done / whole, (done + count) / whole


def _given(bulk_options: BulkOptions) -> dict[str, Any]:
    names = ("queue", "priority", "run_after", "spread")
    values = {name: getattr(bulk_options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _queue_for(engine: Engine) -> str:
    """Return the queue where a worker is most likely to take the task at once."""
    paused = workers.paused_queues(engine.database, engine.alias)
    rows = WorkerRecord.objects.using(engine.database).filter(
        backend=engine.alias, alone=False, draining=False
    )
    served = [set(row) for row in rows.values_list("queues", flat=True)]
    names = [name for name in _queues(engine) if name not in paused]
    live = [name for name in names if any(not queues or name in queues for queues in served)]
    return (live or names or _queues(engine))[0]


def _queues(engine: Engine) -> list[str]:
    return list(engine.queues) or [DEFAULT_TASK_QUEUE_NAME]


def _any_backend() -> Any:
    return BulkAction.objects.using(queue_database())


def _rows(alias: str) -> Any:
    return _any_backend().filter(backend=alias)
