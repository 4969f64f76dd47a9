"""Workflows on the backend that runs nothing, for tests of how they are built."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings

from djtasks import Workflow
from djtasks.compat import task_backends
from djtasks.testing.kept_workflows import KeptWorkflow

DUMMY = {
    "default": {"BACKEND": "djtasks.testing.DummyBackend", "QUEUES": ["default", "mail"]},
    "other": {"BACKEND": "djtasks.testing.DummyBackend", "QUEUES": []},
    "immediate": {"BACKEND": "djtasks.testing.ImmediateBackend"},
}


@pytest.fixture
def kept() -> Iterator[list[KeptWorkflow]]:
    """The workflows that the test enqueues."""
    with override_settings(TASKS=DUMMY):
        backend: Any = task_backends["default"]
        yield backend.workflows.kept


def enqueue(fill: Callable[[Workflow], object], **options: Any) -> Workflow:
    """Enqueue a workflow with the nodes that `fill` adds."""
    with Workflow("import", **options) as flow:
        fill(flow)
    return flow
