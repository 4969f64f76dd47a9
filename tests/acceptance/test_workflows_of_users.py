"""Workflows from their first line to their results, with real workers."""

import pytest

from djtasks import Workflow, chain, chord
from djtasks.models import TaskRecord, WorkflowNode
from djtasks.protocol.states import State
from djtasks.protocol.workflows import WorkflowState
from tests.acceptance.processes import worker
from tests.waiting import eventually
from tests.workflows import tasks


@pytest.fixture
def one_worker(live_engine):
    with worker("--processes", "1") as running:
        yield running


def test_results_pass_through_maps_functions_and_coroutines(one_worker):
    with Workflow("import") as flow:
        names = flow.add(tasks.names, 3)
        parts = flow.map(tasks.length, over=names, kwargs={"more": 10})
        letters = flow.map(tasks.length, ((letter,) for letter in "abc"))
        sums = flow.add(tasks.total, parts, start=100)
        last = flow.add(tasks.total_async, letters, start=sums)
        told = flow.add(tasks.tell, after=flow, when="failure")

    assert flow.wait(30).state is WorkflowState.SUCCESSFUL
    assert flow.results(parts) == [11, 12, 13]
    assert flow.result(last) == 139
    with pytest.raises(ValueError, match="has no result"):
        flow.result(told)


def test_a_task_adds_nodes_while_it_runs(one_worker):
    with Workflow("import") as flow:
        flow.add(tasks.split.using(max_attempts=2), 3, fails=True)
        flow.add(tasks.report, after=flow, name="last")

    # The second attempt is due after the default backoff.
    eventually(lambda: TaskRecord.objects.filter(attempt=1, state=State.READY).exists())
    TaskRecord.objects.filter(attempt=1, state=State.READY).update(run_after="2020-01-01T00:00Z")
    assert flow.wait(30).state is WorkflowState.SUCCESSFUL
    assert WorkflowNode.objects.filter(workflow=flow.id).count() == 4
    assert flow.result("sum") == 3


def test_a_failure_is_told_mended_and_retried(one_worker):
    flow = chain(tasks.names.bind(2), tasks.total)  # the sum of texts fails
    assert flow.wait(30).state is WorkflowState.FAILED
    ((node, message),) = [(one.node, one.message) for one in flow.failures()]
    assert (node, message[:11]) == ("total", "unsupported")

    TaskRecord.objects.filter(workflow=flow.id, state=State.FAILED).update(inputs=None, args=[[1]])
    assert flow.retry() == 1
    assert flow.wait(30).state is WorkflowState.SUCCESSFUL
    assert flow.result("total") == 1


def test_a_cancelled_workflow_ends(one_worker):
    paused = chord([tasks.names.bind(1), tasks.names.bind(2)], tasks.report)
    assert paused.wait(30).result("report") == [[[["x"], ["x", "xx"]]], {}]

    with Workflow("import", queue_name="reports") as flow:
        flow.map(tasks.names, ((1,) for _ in range(2_000)))
        flow.add(tasks.report, after=flow)
    flow.cancel()

    assert flow.wait(30).state in {WorkflowState.CANCELLED, WorkflowState.SUCCESSFUL}
    assert not TaskRecord.objects.filter(state=State.WAITING).exists()
