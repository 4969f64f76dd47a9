"""A member adds nodes to its own workflow: what is refused, and what is found again."""

from typing import Any
from uuid import UUID

import pytest

from djtasks import Workflow
from djtasks.engine import engine_of
from djtasks.errors import InvalidWorkflow, LeaseLost
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.operations.workflows import growing
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState
from djtasks.testing.promoting import promote
from djtasks.workflows.growing import GrowingWorkflow
from djtasks.workflows.home import Member, home_of
from tests.workflows import tasks

pytestmark = pytest.mark.django_db(databases="__all__")

WORKER = new_id()


def running_member(flow: Workflow) -> GrowingWorkflow:
    """Claim the one member of a workflow that is due, and return its view of the workflow."""
    engine = engine_of("default")
    promote(engine)
    (claim,) = engine.store.claim_due(engine.store.scan().lanes, worker=WORKER, limit=1)
    return again(flow, claim.id, claim.fence)


def again(flow: Workflow, id_: UUID, fence: int) -> GrowingWorkflow:
    member = Member(workflow=flow.id, record=id_, fence=fence, worker=WORKER)
    return GrowingWorkflow(home_of("default"), member)


@pytest.fixture
def flow(database: str) -> Workflow:
    with Workflow("import") as flow:
        flow.add(tasks.names, 1)
        flow.add(tasks.report, after=flow, name="last")
    return flow


def nodes(flow: Workflow) -> dict[str, WorkflowNode]:
    return {node.name: node for node in WorkflowNode.objects.filter(workflow=flow.id)}


def test_a_node_is_added_with_its_edges_and_members(flow: Workflow) -> None:
    inside = running_member(flow)

    parts = inside.map(tasks.length, [("a",), ("b",)], name="parts")
    inside.add(tasks.total, parts, after=["names"], name="sum")

    found = nodes(flow)
    assert (found["parts"].number, found["parts"].state, found["parts"].size) == (
        2,
        NodeState.OPEN,
        2,
    )
    assert found["sum"].state == NodeState.PENDING
    edges = WorkflowEdge.objects.filter(workflow=flow.id, after=found["sum"].number)
    assert set(edges.values_list("before", flat=True)) == {0, 2}
    assert set(WorkflowNode.objects.exclude(added_by=None).values_list("name", flat=True)) == {
        "parts",
        "sum",
    }


def test_names_that_nobody_gives_are_the_same_in_each_attempt(flow: Workflow) -> None:
    inside = running_member(flow)
    record = TaskRecord.objects.get(state=State.RUNNING)
    first = [inside.add(tasks.names, 1).name, inside.add(tasks.names, 2).name]

    later = again(flow, record.pk, record.fence)
    second = [later.add(tasks.names, 1).name, later.add(tasks.names, 2).name]

    assert first == second
    assert len(nodes(flow)) == 4
    with pytest.raises(InvalidWorkflow, match="named 'x' already"):
        later.add(tasks.report, later.add(tasks.names, 1, name="x"), name="x")


def test_an_execution_that_lost_its_record_adds_nothing(flow: Workflow) -> None:
    inside = running_member(flow)
    TaskRecord.objects.filter(state=State.RUNNING).update(fence=9)

    with pytest.raises(LeaseLost):
        inside.add(tasks.names, 1)

    assert len(nodes(flow)) == 2


def test_the_name_of_another_node_is_taken(flow: Workflow) -> None:
    inside = running_member(flow)

    with pytest.raises(InvalidWorkflow, match="named 'last' already"):
        inside.add(tasks.report, name="last")


@pytest.mark.parametrize(
    ("after", "message"),
    [
        ("none", "has no node 'none'"),
        (["last"], "wait for each other"),
        (7, "must be a node of this workflow, its name"),
    ],
)
def test_what_it_comes_after_must_be_there(flow: Workflow, after: Any, message: str) -> None:
    inside = running_member(flow)

    with pytest.raises(InvalidWorkflow, match=message):
        inside.add(tasks.report, after=after)

    assert len(nodes(flow)) == 2


def test_no_node_comes_before_one_that_has_begun(flow: Workflow) -> None:
    inside = running_member(flow)
    WorkflowNode.objects.filter(name="last").update(state=NodeState.OPEN)

    with pytest.raises(InvalidWorkflow, match="'last' comes after all other nodes and has begun"):
        inside.add(tasks.report)
    inside.add(tasks.report, after=inside, name="one more at the end")


def test_caps_hold_for_nodes_that_are_added(flow: Workflow, monkeypatch: Any) -> None:
    inside = running_member(flow)
    monkeypatch.setattr(growing, "MOST_NODES", 2)
    with pytest.raises(InvalidWorkflow, match="has 3 nodes"):
        inside.add(tasks.report)
    monkeypatch.undo()
    monkeypatch.setattr(growing, "MOST_EDGES", 0)
    with pytest.raises(InvalidWorkflow, match="more than 0 edges"):
        inside.add(tasks.report, after="names")


def test_a_workflow_that_is_gone_does_not_grow(flow: Workflow) -> None:
    inside = running_member(flow)
    WorkflowRecord.objects.all().delete()

    with pytest.raises(InvalidWorkflow, match="There is no workflow"):
        inside.add(tasks.report)


def test_results_are_read_by_name(flow: Workflow) -> None:
    inside = running_member(flow)

    assert list(inside.results("names")) == []
    assert list(inside.failures()) == []
    with pytest.raises(InvalidWorkflow, match="has no node 'none'"):
        inside.results("none")
