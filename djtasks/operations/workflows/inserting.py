"""Insert a workflow in the caller's transaction."""

from django.db import IntegrityError, transaction

from djtasks.context import current_task
from djtasks.engine import Engine
from djtasks.models import WorkflowRecord
from djtasks.operations.workflows.rows import (
    insert_members,
    insert_nodes,
    row_of,
    workflows,
)
from djtasks.store.base import INSERT_ROUNDS
from djtasks.workflows.graph import check_graph
from djtasks.workflows.home import WorkflowDraft, WorkflowHome


def insert(engine: Engine, home: WorkflowHome, draft: WorkflowDraft) -> tuple[WorkflowRecord, bool]:
    """Insert a workflow, its nodes and their members, or nothing; workers learn of it on commit.

    Returns its row, and whether it is new: while a workflow with its key runs, that one is
    returned. Raises InvalidWorkflow or InvalidArguments.
    """
    check_graph(draft.name, draft.nodes)
    with transaction.atomic(using=engine.database):
        now = engine.now()
        row = row_of(draft, current_task.get(), now)
        holder = _save(engine, row)
        if holder is not None:
            return holder, False
        ids = insert_nodes(engine, draft.nodes, now)
        hint = insert_members(engine, home, draft.nodes, ids)
    # Behind the block, so that in a transaction of the caller it joins the other hints.
    engine.outbox.publish([hint] if hint else [], awaited=(draft.id,))
    return row, True


def _save(engine: Engine, row: WorkflowRecord) -> WorkflowRecord | None:
    """Insert the row, or return the running workflow that holds its key."""
    if row.unique_key is None:
        row.save(using=engine.database, force_insert=True)
        return None
    for _ in range(INSERT_ROUNDS - 1):
        try:
            _insert_keyed(engine, row)
        except IntegrityError:
            # It waited for another transaction with this key. If its workflow is over by now, the
            # key is free again.
            holder = _holder(engine, row.unique_key)
            if holder is not None:
                return holder
        else:
            return None
    _insert_keyed(engine, row)
    return None


def _insert_keyed(engine: Engine, row: WorkflowRecord) -> None:
    with transaction.atomic(using=engine.database):
        row.save(using=engine.database, force_insert=True)


def _holder(engine: Engine, key: str) -> WorkflowRecord | None:
    """Return the workflow that holds a key, even if our snapshot does not show it."""
    held = workflows(engine).filter(unique_key=key)
    with transaction.atomic(using=engine.database):
        found: WorkflowRecord | None = held.first() or held.select_for_update().first()
    return found
