"""Tell the project of workflows that are over."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from djtasks.protocol.workflows import WorkflowState
from djtasks.signals import workflow_finished


class WorkflowEnd(NamedTuple):
    """A workflow that is over."""

    workflow: UUID
    state: WorkflowState


def announce_ends(sender: type, backend: str, ends: Sequence[WorkflowEnd]) -> None:
    """Send `workflow_finished` for each; what a receiver raises is logged."""
    for end in ends:
        workflow_finished.send_robust(
            sender, backend=backend, workflow=end.workflow, state=end.state
        )
