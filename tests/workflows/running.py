"""Run a workflow to its end in a test, and read how its nodes ended."""

from djtasks import Workflow
from djtasks.models import WorkflowNode
from djtasks.protocol.workflows import NodeState
from djtasks.testing import run_due


def states(flow: Workflow) -> dict[str, NodeState]:
    rows = WorkflowNode.objects.filter(workflow=flow.id).order_by("number")
    return {name: NodeState(state) for name, state in rows.values_list("name", "state")}


def finished(flow: Workflow) -> Workflow:
    run_due()
    flow.refresh()
    assert flow.is_finished
    return flow
