"""A workflow in the middle of its work: a catalogue is imported, as in a shop."""

from typing import Any

from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import WorkerRecord, WorkflowRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.workflow_rows import MINUTE, Node, flow

NAME = "import of catalogue 2026-11"
DONE, OPEN = NodeState.SUCCESSFUL, NodeState.OPEN


def nodes() -> list[Node]:
    """Return nodes that are over, running, skipped and waiting, with a diamond between them."""
    return [
        Node(name="download", state=DONE, began=18 * MINUTE, ended=17 * MINUTE),
        Node(name="split", state=DONE, after=["download"], began=17 * MINUTE, ended=16 * MINUTE),
        Node(
            name="fetch_prices",
            state=DONE,
            after=["download"],
            began=17 * MINUTE,
            ended=15 * MINUTE,
        ),
        Node(
            name="import_product",
            state=OPEN,
            over="split",
            began=16.5 * MINUTE,
            members={
                State.SUCCESSFUL: 612, State.FAILED: 4, State.RUNNING: 37, State.READY: 3,
                State.WAITING: 584,
            },
            columns={"tolerate": "1%"},
        ),
        Node(
            name="price_supplier",
            state=DONE,
            over="fetch_prices",
            began=15 * MINUTE,
            ended=9 * MINUTE,
            members={State.SUCCESSFUL: 86},
        ),
        Node(
            name="fallback_prices",
            state=NodeState.SKIPPED,
            after=["fetch_prices"],
            columns={"when": "failure"},
        ),
        Node(
            name="merge",
            after=["import_product", "price_supplier"],
            columns={"inputs": {"0": 3, "1": 4}},
        ),
        Node(name="render_page", over="merge", members={}),
        Node(name="announce", after=["render_page"]),
    ]  # fmt: skip


def import_catalogue(engine: Engine, **columns: Any) -> WorkflowRecord:
    """Insert the workflow, after one that succeeded, with a worker that serves its queue."""
    before = [
        Node(name=node.name, state=DONE, began=30 * MINUTE, ended=27 * MINUTE) for node in nodes()
    ]
    flow(engine, NAME, before, state=WorkflowState.SUCCESSFUL, began=31 * MINUTE)
    WorkerRecord.objects.using(engine.database).create(
        backend=engine.alias, supervisor=new_id(), host="jobs-1", pid=4711, slots=64
    )
    return flow(engine, NAME, nodes(), target="shop.catalogue:11", began=18 * MINUTE, **columns)


def data_mart(engine: Engine, size: int = 96) -> WorkflowRecord:
    """Insert a workflow of many nodes, which are folded by stage."""
    found = [Node(name="lock", state=DONE)]
    for stage, state in (("extract", DONE), ("load", DONE), ("aggregate", OPEN)):
        last = [node.name for node in found if node.name.startswith(("lock", "extract", "load"))]
        for number in range(size):
            before = found[0].name if stage == "extract" else f"{_before(stage)}_{number}"
            found.append(
                Node(
                    name=f"{stage}_{number}",
                    state=_state(stage, number, state),
                    after=[before] if before in last else [],
                    task=f"mart.{stage}",
                )
            )
    ends = [f"aggregate_{number}" for number in range(size)]
    found.append(Node(name="publish", after=ends, task="mart.publish"))
    found.append(Node(name="unlock", columns={"after_all": True, "when": "done"}))
    return flow(engine, "rebuild of the data mart 2026-11-30", found, began=25 * MINUTE)


def _before(stage: str) -> str:
    return {"load": "extract", "aggregate": "load"}[stage]


def _state(stage: str, number: int, state: NodeState) -> NodeState:
    if stage != "aggregate":
        return state
    if number == 0:
        return NodeState.FAILED
    return NodeState.SUCCESSFUL if number < 60 else OPEN if number < 64 else NodeState.PENDING
