"""What failed in a workflow."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from djtasks.models import TaskRecord, WorkflowNode
from djtasks.protocol.states import State
from djtasks.store.workflow_results import PAGE
from djtasks.workflows.home import NodeFailure

_FAILED = (State.FAILED, State.EXPIRED, State.CANCELLED)


def failures_of(database: str, workflow: UUID) -> Iterator[NodeFailure]:
    """Yield what failed, by node and place, a page at a time.

    Members that were cancelled because their node was skipped did not fail.
    """
    nodes = WorkflowNode.objects.using(database).filter(workflow=workflow, opened_at__isnull=False)
    for id_, name, error in nodes.order_by("number").values_list("id", "name", "error"):
        if error:
            yield _failure(name, None, None, error)
        yield from _members(database, id_, name)


def _members(database: str, node: int, name: str) -> Iterator[NodeFailure]:
    failed = TaskRecord.objects.using(database).filter(node=node, state__in=_FAILED)
    page = failed.order_by("place").values_list("place", "id", "errors")
    found: list[Any] = list(page[:PAGE])
    while found:
        for place, id_, errors in found:
            yield _failure(name, id_, place, errors[-1] if errors else {})
        found = list(page.filter(place__gt=found[-1][0])[:PAGE])


def _failure(
    node: str, task: UUID | None, place: int | None, entry: Mapping[str, Any]
) -> NodeFailure:
    return NodeFailure(
        node=node,
        task=task,
        place=place,
        exception=entry.get("class", ""),
        message=entry.get("message", ""),
    )
