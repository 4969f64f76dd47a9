"""What the page of an order says that it will do."""

from djtasks.admin.workflows.changes import CHANGES, effects_of
from djtasks.engine import Engine
from djtasks.inspection import workflow_facts
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.workflow_rows import Node, flow


def test_a_retry_promises_nothing_that_a_node_has_tolerated(engine: Engine) -> None:
    nodes = [
        Node(
            name="parse",
            state=NodeState.SUCCESSFUL,
            members={State.SUCCESSFUL: 8, State.FAILED: 2},
            columns={"tolerate": "2"},
        ),
        Node(name="merge", state=NodeState.FAILED, after=["parse"], members={State.FAILED: 1}),
    ]
    row = flow(engine, "import", nodes, state=WorkflowState.FAILED)
    facts = workflow_facts(engine, row.pk)
    assert facts is not None

    said = effects_of(CHANGES["retry"], facts)

    assert said[0].endswith(": merge.")
    assert said[1].startswith("1 task goes back")
