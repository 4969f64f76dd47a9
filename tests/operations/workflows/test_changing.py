"""Cancel, retry, pause, resume and discard workflows."""

import pytest

from djtasks import Workflow, chain
from djtasks.engine import engine_of
from djtasks.errors import InvalidWorkflow, WorkflowDoesNotExist
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord, WorkflowNode, WorkflowRecord
from djtasks.operations.workflows import changing
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, WorkflowState
from djtasks.testing import run_due
from tests.workflows import tasks
from tests.workflows.running import finished, states

pytestmark = pytest.mark.django_db(databases="__all__")


def test_retry_is_refused_while_a_task_holds_a_members_key(database: str) -> None:
    unique = tasks.fail.using(unique="x")
    with Workflow("import") as flow:
        flow.add(tasks.fail)
        flow.add(unique)
    run_due()
    unique.enqueue()

    with pytest.raises(InvalidWorkflow, match="Nothing was changed"):
        flow.retry()

    assert not TaskRecord.objects.filter(state=State.WAITING).exists()
    flow.refresh()
    assert flow.state is WorkflowState.FAILED


def test_retry_while_it_runs_sends_back_what_failed_so_far(database: str) -> None:
    with Workflow("import") as flow:
        flow.map(tasks.length, [("a",), ("b",), ("c",)])
    states = (State.FAILED, State.RUNNING, State.SUCCESSFUL)
    for place, state in enumerate(states):
        TaskRecord.objects.filter(place=place).update(state=state, waits_for=None)
    WorkflowNode.objects.update(cursor=2)

    assert flow.retry() == 1

    rows = TaskRecord.objects.order_by("place").values_list("state", flat=True)
    assert list(rows) == [State.WAITING, State.RUNNING, State.SUCCESSFUL]
    node = WorkflowNode.objects.get()
    assert (node.state, node.cursor) == (NodeState.OPEN, 0)


def test_retry_takes_a_cancel_back(database: str) -> None:
    with Workflow("import") as flow:
        flow.map(tasks.length, [("a",), ("b",)])
    flow.cancel()
    run_due()

    assert flow.retry() == 2

    row = WorkflowRecord.objects.get()
    assert (row.cancel_requested, row.finished_at) == (False, None)
    run_due()
    assert flow.results("length") == [1, 1]


def test_what_does_not_exist_is_not_changed(database: str) -> None:
    engine, id_ = engine_of("default"), new_id()

    assert not changing.cancel(engine, id_)
    assert not changing.pause(engine, id_)
    assert not changing.resume(engine, id_)
    assert not changing.discard(engine, id_)
    with pytest.raises(InvalidWorkflow, match="There is no workflow"):
        changing.retry(engine, id_)


def test_a_large_workflow_is_discarded_in_pages(database: str, monkeypatch) -> None:
    monkeypatch.setattr(changing, "_PAGE", 2)
    with Workflow("import") as flow:
        flow.map(tasks.length, [("a",)] * 5)
    run_due()

    assert flow.discard()

    assert not TaskRecord.objects.exists()


def test_cancel_lets_nothing_run(database: str) -> None:
    flow = chain(tasks.names.bind(2), tasks.report)

    assert flow.cancel()
    assert finished(flow).state is WorkflowState.CANCELLED
    assert set(TaskRecord.objects.values_list("state", flat=True)) == {State.CANCELLED}
    assert not flow.cancel()


def test_while_paused_nothing_opens(database: str) -> None:
    flow = chain(tasks.names.bind(2), tasks.report)

    assert flow.pause()
    assert not flow.pause()
    assert run_due() == []
    flow.refresh()
    assert flow.is_paused
    assert flow.resume()
    assert not flow.resume()
    assert finished(flow).state is WorkflowState.SUCCESSFUL


def test_retry_runs_what_failed_and_what_was_skipped_and_nothing_else(database: str) -> None:
    with Workflow("import", unique="7") as flow:
        good = flow.add(tasks.names, 1)
        bad = flow.map(tasks.length, [("a",), (5,), ("bb",)], after=good)
        flow.add(tasks.total, bad)
        flow.add(tasks.tell, after=bad, when="failure")
    assert finished(flow).state is WorkflowState.FAILED
    TaskRecord.objects.filter(state=State.FAILED).update(args=["ccc"])
    ran = TaskRecord.objects.filter(state=State.SUCCESSFUL)
    before = dict(ran.values_list("pk", "finished_at"))

    assert flow.retry() == 2

    assert WorkflowRecord.objects.get(pk=flow.id).unique_key == "import:7"
    assert finished(flow).state is WorkflowState.SUCCESSFUL
    assert flow.result("total") == 6
    after = dict(ran.filter(pk__in=before).values_list("pk", "finished_at"))
    assert before == after
    assert flow.result("tell") == [["length", 1, "object of type 'int' has no len()"]]


def test_retry_is_refused_as_a_whole_while_a_key_is_taken(database: str) -> None:
    with Workflow("import", unique="7") as flow:
        flow.add(tasks.fail)
    finished(flow)
    with Workflow("import", unique="7") as other:
        other.add(tasks.names, 1)

    with pytest.raises(InvalidWorkflow, match="holds one of its unique keys"):
        flow.retry()

    flow.refresh()
    assert flow.state is WorkflowState.FAILED
    assert states(flow) == {"fail": NodeState.FAILED}


def test_discard_deletes_a_workflow_that_is_over(database: str) -> None:
    flow = chain(tasks.names.bind(2), tasks.report)

    with pytest.raises(InvalidWorkflow, match="is running: cancel it first"):
        flow.discard()
    finished(flow)
    assert flow.discard()

    assert not flow.discard()
    for model in (WorkflowRecord, WorkflowNode, TaskRecord):
        assert not model.objects.exists()
    with pytest.raises(WorkflowDoesNotExist):
        flow.refresh()


def test_what_does_not_exist_is_said(database: str) -> None:
    for id_ in ("0" * 32, "nonsense"):
        with pytest.raises(WorkflowDoesNotExist, match="There is no workflow"):
            Workflow.get(id_)
    flow = chain(tasks.names.bind(2))
    with pytest.raises(InvalidWorkflow, match="has no node 'none'"):
        flow.results("none")


def test_what_succeeded_is_not_retried(database: str) -> None:
    with Workflow("import") as flow:
        flow.add(tasks.tell, after=flow.add(tasks.names, 1), when="failure")
    finished(flow)

    assert flow.retry() == 0

    flow.refresh()
    assert flow.state is WorkflowState.SUCCESSFUL
