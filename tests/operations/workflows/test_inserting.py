"""A workflow becomes rows, in the caller's transaction, or none at all."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from djtasks import Workflow
from djtasks.context import current_task
from djtasks.engine import Engine
from djtasks.errors import (
    InvalidArguments,
    InvalidWorkflow,
    WorkflowDoesNotExist,
    WouldWaitForever,
)
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.operations.workflows import rows
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from tests.workflows import tasks
from tests.workflows.kept import enqueue

pytestmark = pytest.mark.django_db(databases="__all__")


def nodes_of(flow: Workflow) -> dict[str, WorkflowNode]:
    nodes = WorkflowNode.objects.filter(workflow=flow.id).order_by("number")
    return {node.name: node for node in nodes}


def members_of(node: WorkflowNode) -> list[TaskRecord]:
    return list(TaskRecord.objects.filter(node=node.pk).order_by("place"))


def an_import(**options: Any) -> Workflow:
    with Workflow("import", **options) as flow:
        names = flow.add(tasks.names, 2)
        parts = flow.map(tasks.length, over=names, kwargs={"more": 1}, tolerate="5%")
        flow.map(tasks.length, ((text,) for text in "abc"), name="letters")
        flow.add(tasks.total, parts, start=3, name="sum")
        flow.add(tasks.tell, after=flow, when="failure", may_fail=True)
    return flow


def test_nodes_edges_and_members_are_rows(database: str) -> None:
    flow = an_import(tags=["a"], unique="7")

    row = WorkflowRecord.objects.get(pk=flow.id)
    assert (row.name, row.state, row.tags) == ("import", WorkflowState.RUNNING, ["a"])
    assert (row.key, row.unique_key, row.backend) == ("import:7", "import:7", "default")
    nodes = nodes_of(flow)
    assert [node.state for node in nodes.values()] == [
        NodeState.OPEN,
        NodeState.PENDING,
        NodeState.OPEN,
        NodeState.PENDING,
        NodeState.PENDING,
    ]
    assert [node.size for node in nodes.values()] == [1, 0, 3, 1, 1]
    mapped = nodes["length"]
    assert (mapped.over, mapped.kwargs, mapped.tolerate) == (0, {"more": 1}, "5%")
    assert (nodes["tell"].after_all, nodes["tell"].when, nodes["tell"].may_fail) == (
        True,
        "failure",
        True,
    )
    edges = WorkflowEdge.objects.filter(workflow=flow.id).values_list("before", "after")
    assert set(edges) == {(0, 1), (1, 3)}


def test_members_wait_at_the_doors_of_their_nodes(database: str) -> None:
    flow = an_import(queue_name="mail", priority=4)

    nodes = nodes_of(flow)
    letters = members_of(nodes["letters"])
    assert [(one.args, one.place) for one in letters] == [(["a"], 0), (["b"], 1), (["c"], 2)]
    for one in letters:
        assert (one.state, one.waits_for) == (State.WAITING, f"node:{nodes['letters'].pk}")
        assert (one.workflow, one.queue, one.priority) == (flow.id, "mail", 4)
    (last,) = members_of(nodes["sum"])
    assert (last.args, last.kwargs, last.inputs) == ([None], {"start": 3}, {"0": 1})
    assert nodes["sum"].options["queue"] == "mail"
    assert nodes["sum"].options["priority"] == 4


def test_rolled_back_means_there_is_no_workflow(database: str) -> None:
    with transaction.atomic(using=database):
        flow = an_import()
        transaction.set_rollback(True, using=database)

    assert not WorkflowRecord.objects.filter(pk=flow.id).exists()
    with pytest.raises(WorkflowDoesNotExist):
        Workflow.get(flow.id)


def test_an_item_that_does_not_fit_leaves_nothing(database: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(rows, "ROWS_A_STATEMENT", 2)

    with pytest.raises(InvalidArguments, match="Item 4"), Workflow("import") as flow:
        flow.map(tasks.length, ((text,) for text in ["a", "b", "c", "d", object()]))

    for model in (WorkflowRecord, WorkflowNode, TaskRecord):
        assert not model.objects.exists()


def test_members_go_in_by_pages(database: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(rows, "ROWS_A_STATEMENT", 2)

    with Workflow("import") as flow:
        flow.add(tasks.names, 1)
        flow.map(tasks.length, ((text,) for text in "abcde"))
        flow.add(tasks.names, 2)

    nodes = nodes_of(flow)
    assert [node.size for node in nodes.values()] == [1, 5, 1]
    assert [one.args for one in members_of(nodes["length"])] == [[text] for text in "abcde"]


def test_while_one_with_its_key_runs_another_is_that_one(database: str) -> None:
    first, second = an_import(unique="7"), an_import(unique="7")
    other = an_import(unique="8")

    assert (second.id, second.created) == (first.id, False)
    assert other.id != first.id
    assert WorkflowRecord.objects.count() == 2
    assert TaskRecord.objects.filter(workflow=first.id).count() == 6
    WorkflowRecord.objects.update(unique_key=None, state=WorkflowState.FAILED)
    assert an_import(unique="7").created


def test_a_unique_task_whose_key_is_taken_is_refused_as_a_whole(database: str) -> None:
    holder = tasks.only_one.enqueue()

    with pytest.raises(InvalidWorkflow, match=f"live task {holder.id} holds its key"):
        enqueue(lambda flow: (flow.add(tasks.names, 1), flow.add(tasks.only_one)))

    assert not WorkflowRecord.objects.exists()
    same = tasks.only_one.using(unique="x")
    with pytest.raises(InvalidWorkflow, match="'only_one-2' is unique"):
        enqueue(lambda flow: (flow.add(same), flow.add(same)))


def test_expires_counts_for_the_workflow_and_its_members(database: str) -> None:
    flow = an_import(expires=timedelta(hours=1))

    row = WorkflowRecord.objects.get(pk=flow.id)
    assert row.expires_at == row.enqueued_at + timedelta(hours=1)
    (last,) = members_of(nodes_of(flow)["sum"])
    assert last.expires_at is not None
    assert abs(last.expires_at - row.expires_at) < timedelta(minutes=1)


def test_a_workflow_remembers_the_task_that_enqueued_it(database: str) -> None:
    parent = new_id()
    current_task.set(parent)

    flow = an_import()

    assert WorkflowRecord.objects.get(pk=flow.id).parent == parent


def test_waiting_inside_the_transaction_is_refused(database: str) -> None:
    flow = an_import()

    with pytest.raises(WouldWaitForever, match=f"Workflow {flow.id} was enqueued in the trans"):
        flow.wait(timeout=5)


@pytest.mark.django_db(transaction=True)
def test_one_hint_tells_workers_of_a_workflow(live_engine: Engine) -> None:
    flow = an_import()

    assert live_engine.broker is not None
    hints = live_engine.broker.pop(["default"], limit=10, wait=timedelta(0))
    assert hints == [members_of(nodes_of(flow)["names"])[0].id]
