"""Delete workflows whose retention is over: members in pages, then nodes, the row last.

The row is marked first, under its lock, so that nobody retries what is half deleted. If a process
dies in between, the next round goes on: the row is still there.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from djtasks.engine import Engine
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.protocol.workflows import WorkflowState

_WORKFLOWS_A_PAGE = 100


def prune_workflows(
    engine: Engine, state: WorkflowState, before: datetime, *, page: int
) -> Iterator[int]:
    """Delete the workflows in this state that ended before a moment; yield each page's count."""
    while ids := _marked(engine, state, before):
        for workflow in ids:
            yield from _members(engine, workflow, page)
        _forget(engine, ids)


def _marked(engine: Engine, state: WorkflowState, before: datetime) -> list[UUID]:
    """Mark the next workflows as being deleted, and return them; those that are locked are left."""
    rows: Any = WorkflowRecord.objects.using(engine.database)
    old = rows.filter(backend=engine.alias, state=state, finished_at__lt=before)
    features = connections[engine.database].features
    with transaction.atomic(using=engine.database):
        skip = features.has_select_for_update_skip_locked
        free = old.select_for_update(skip_locked=skip).order_by("finished_at", "pk")
        ids = list(free.values_list("pk", flat=True)[:_WORKFLOWS_A_PAGE])
        rows.filter(pk__in=ids).update(is_pruned=True)
    return ids


def _members(engine: Engine, workflow: UUID, page: int) -> Iterator[int]:
    """Delete the members of a workflow, a page at a time; yield each page's count."""
    nodes = WorkflowNode.objects.using(engine.database).filter(workflow=workflow)
    records: Any = TaskRecord.objects.using(engine.database)
    for node in nodes.values_list("pk", flat=True):
        while ids := list(records.filter(node=node).values_list("pk", flat=True)[:page]):
            yield records.filter(pk__in=ids)._raw_delete(engine.database) or 0  # noqa: SLF001


def _forget(engine: Engine, ids: list[UUID]) -> None:
    for model, column in ((WorkflowEdge, "workflow"), (WorkflowNode, "workflow")):
        rows: Any = model._base_manager.using(engine.database)  # noqa: SLF001
        rows.filter(**{f"{column}__in": ids})._raw_delete(engine.database)  # noqa: SLF001
    gone: Any = WorkflowRecord.objects.using(engine.database).filter(pk__in=ids)
    gone._raw_delete(engine.database)  # noqa: SLF001 - nothing points to it
