"""Delete records whose retention is over."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Exists, OuterRef, Q

from djtasks.engine import Engine
from djtasks.models import WorkflowRecord
from djtasks.operations.tasks import records
from djtasks.operations.workflow_pruning import prune_workflows
from djtasks.protocol.states import FINAL
from djtasks.protocol.workflows import WorkflowState

_IS_ALONE = Q(workflow=None) | ~Exists(WorkflowRecord.objects.filter(pk=OuterRef("workflow")))


def prune(
    engine: Engine, *, page: int = 5_000, older_than: timedelta | None = None
) -> Iterable[int]:
    """Delete final records beyond their retention, a page at a time; yield each page's count.

    `older_than` replaces the retention of every state. Each page deletes by id, state *and*
    age: a record that was retried in between stays, even if it is final again. So does a record
    that another transaction has locked, until the next time. A workflow that is over is deleted
    with its members as a whole, by its own state and age.
    """
    now = engine.now()
    for state in sorted(FINAL):
        kept = engine.options.retention[state] if older_than is None else older_than
        if kept is None:
            continue
        old = records(engine).filter(
            _IS_ALONE, state=state, backend=engine.alias, finished_at__lt=now - kept
        )
        while (count := _delete_page(engine, old, page)) is not None:
            yield count
        if state.name in WorkflowState.__members__:
            yield from prune_workflows(engine, WorkflowState[state.name], now - kept, page=page)


def _delete_page(engine: Engine, old: Any, page: int) -> int | None:
    """Delete the oldest records that no one has locked; None if there are none."""
    oldest = old.order_by("finished_at").values_list("pk", flat=True)
    if not connections[engine.database].features.has_select_for_update_skip_locked:
        # No transaction: on SQLite, one that reads before it writes may fail.
        return _delete(engine, old, oldest[:page])
    with transaction.atomic(using=engine.database):
        return _delete(engine, old, oldest.select_for_update(skip_locked=True)[:page])


def _delete(engine: Engine, old: Any, found: Iterable[UUID]) -> int | None:
    ids = list(found)
    if not ids:
        return None
    count: int = old.filter(pk__in=ids)._raw_delete(engine.database) or 0  # noqa: SLF001
    return count
