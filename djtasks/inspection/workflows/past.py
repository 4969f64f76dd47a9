"""The last workflows of a name: how long they and their nodes took."""

from datetime import timedelta

from djtasks.engine import Engine
from djtasks.inspection.workflows.facts import PastWorkflow
from djtasks.models import WorkflowNode, WorkflowRecord
from djtasks.protocol.workflows import WORKFLOWS_OVER, NodeState, WorkflowState

MOST_PAST = 20


def past_workflows(engine: Engine, row: WorkflowRecord) -> list[PastWorkflow]:
    """Return the last 20 of the same name that were enqueued before, the newest first."""
    rows = WorkflowRecord.objects.using(engine.database)
    same = rows.filter(name=row.name, pk__lt=row.pk, backend=row.backend).order_by("-pk")
    return [
        PastWorkflow(
            id=one.pk,
            name=one.name,
            state=WorkflowState(one.state),
            enqueued_at=one.enqueued_at,
            took=one.finished_at - one.enqueued_at
            if one.finished_at and one.state in WORKFLOWS_OVER
            else None,
        )
        for one in same[:MOST_PAST]
    ]


def usual_spans(engine: Engine, past: list[PastWorkflow]) -> dict[str, timedelta]:
    """Return how long each node took in the last of these that succeeded, by the node's name."""
    last = next((one for one in past if one.state is WorkflowState.SUCCESSFUL), None)
    if last is None:
        return {}
    nodes = WorkflowNode.objects.using(engine.database).filter(
        workflow=last.id, state=NodeState.SUCCESSFUL, opened_at__isnull=False
    )
    return {
        name: finished_at - opened_at
        for name, opened_at, finished_at in nodes.values_list("name", "opened_at", "finished_at")
        if opened_at is not None and finished_at is not None
    }
