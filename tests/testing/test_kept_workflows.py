"""Workflows on the backend that runs nothing."""

from typing import Any

import pytest

from djtasks import Workflow
from djtasks.compat import task_backends
from djtasks.errors import InvalidWorkflow, WorkflowDoesNotExist
from djtasks.protocol.workflows import WorkflowState
from djtasks.testing import assert_enqueued
from tests.workflows import tasks
from tests.workflows.kept import kept as kept

pytestmark = [pytest.mark.usefixtures("kept"), pytest.mark.django_db]


def two_nodes() -> Workflow:
    with Workflow("import") as flow:
        flow.map(tasks.length, [("a",), ("b",)], kwargs={"more": 2})
        flow.add(tasks.total, [1], after=flow)
    return flow


def test_members_are_found_like_other_tasks() -> None:
    two_nodes()

    assert_enqueued(tasks.length, args=["b"], kwargs={"more": 2}, count=1)
    assert_enqueued(tasks.total, count=1)


def test_it_is_found_again_and_cancelled() -> None:
    flow = two_nodes()

    assert Workflow.get(flow.id).state is WorkflowState.RUNNING
    assert flow.cancel()
    assert not flow.cancel()
    flow.refresh()
    assert flow.state is WorkflowState.CANCELLED


def test_what_needs_rows_is_refused() -> None:
    flow = two_nodes()

    for use in (flow.retry, flow.pause, flow.discard, flow.failures, lambda: flow.results("total")):
        with pytest.raises(InvalidWorkflow, match="keeps workflows and runs nothing"):
            use()


def test_clear_forgets_workflows() -> None:
    flow = two_nodes()
    backend: Any = task_backends["default"]

    backend.clear()

    with pytest.raises(WorkflowDoesNotExist):
        flow.refresh()
