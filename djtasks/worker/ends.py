"""Tell the project of workflows that are over."""

from collections.abc import Sequence

from djtasks.signals import workflow_finished
from djtasks.worker.promoter import WorkflowEnd


def announce_ends(sender: type, backend: str, ends: Sequence[WorkflowEnd]) -> None:
    """Send `workflow_finished` for each; what a receiver raises is logged."""
    for end in ends:
        workflow_finished.send_robust(
            sender, backend=backend, workflow=end.workflow, state=end.state
        )
