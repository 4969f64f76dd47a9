"""Cancel, retry, pause, resume and discard workflows.

What a change means for the members is decided by the promoter, which finds it within a second.
"""

from uuid import UUID

from django.db import IntegrityError, connections, transaction

from djtasks.engine import Engine
from djtasks.errors import InvalidWorkflow
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.operations.members import revive_workflow
from djtasks.operations.tasks import revival
from djtasks.operations.workflows.rows import workflows
from djtasks.protocol.workflows import WorkflowState

_PAGE = 5_000


def cancel(engine: Engine, id_: UUID) -> bool:
    """Ask for a cancel; return False if the workflow is over or does not exist.

    The promoter carries it out: what waits becomes CANCELLED, and what runs is told.
    """
    running = workflows(engine).filter(pk=id_, state=WorkflowState.RUNNING)
    return bool(running.update(cancel_requested=True))


def pause(engine: Engine, id_: UUID) -> bool:
    """Open no node and promote no member from now on; return False if that changed nothing."""
    running = workflows(engine).filter(pk=id_, state=WorkflowState.RUNNING, is_paused=False)
    return bool(running.update(is_paused=True))


def resume(engine: Engine, id_: UUID) -> bool:
    """Undo a pause; return False if that changed nothing."""
    return bool(workflows(engine).filter(pk=id_, is_paused=True).update(is_paused=False))


def retry(engine: Engine, id_: UUID) -> int:
    """Send the members that did not succeed back to their nodes' doors; return how many.

    FAILED and SKIPPED nodes are PENDING again. What succeeded or runs stays, and so does a workflow
    that has succeeded as a whole. Raises InvalidWorkflow, and changes nothing, if there is no such
    workflow or a unique key is taken.
    """
    try:
        with transaction.atomic(using=engine.database):
            if lock(engine, id_).state == WorkflowState.SUCCESSFUL:
                return 0
            return revive_workflow(engine, id_, revival(engine, {}))
    except IntegrityError as error:
        raise InvalidWorkflow(
            f"Workflow {id_} cannot be retried: another live task or running workflow holds one of "
            f"its unique keys. Nothing was changed."
        ) from error


def lock(engine: Engine, id_: UUID) -> WorkflowRecord:
    """Return the workflow, locked, so that no promoter decides by what was before."""
    rows = workflows(engine).filter(pk=id_, is_pruned=False)
    features = connections[engine.database].features
    if features.has_select_for_update:
        rows = rows.select_for_update(no_key=features.has_select_for_no_key_update)
    found: WorkflowRecord | None = rows.first()
    if found is None:
        raise InvalidWorkflow(f"There is no workflow {id_}.")
    return found


def discard(engine: Engine, id_: UUID) -> bool:
    """Delete a workflow that is over, its members first; return False if it does not exist.

    If the process dies halfway, the pruner deletes the rest. Raises InvalidWorkflow if it runs.
    """
    over = workflows(engine).filter(pk=id_).exclude(state=WorkflowState.RUNNING)
    if not over.update(is_pruned=True):
        if workflows(engine).filter(pk=id_).exists():
            raise InvalidWorkflow(f"Workflow {id_} is running: cancel it first.")
        return False
    members = TaskRecord.objects.using(engine.database).filter(workflow=id_)
    while ids := list(members.values_list("pk", flat=True)[:_PAGE]):
        members.filter(pk__in=ids)._raw_delete(engine.database)  # noqa: SLF001 - no relations
    for model in (WorkflowEdge, WorkflowNode):
        model.objects.using(engine.database).filter(workflow=id_).delete()
    workflows(engine).filter(pk=id_, is_pruned=True).delete()
    return True
