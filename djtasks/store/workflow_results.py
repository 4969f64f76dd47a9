"""Read what the members of a workflow's nodes returned, in pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from djtasks.errors import InvalidWorkflow
from djtasks.formats.json_values import encode
from djtasks.models import TaskRecord, WorkflowNode
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState

PAGE = 1_000
MOST_RESULTS = 10_000
MOST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """What is read of a node before its results."""

    id: int
    number: int
    name: str
    is_map: bool
    state: NodeState


def nodes_of(database: str, workflow: UUID, **conditions: Any) -> list[NodeRow]:
    """Return the nodes of a workflow, by number; `conditions` are those of Django's filter()."""
    rows = WorkflowNode.objects.using(database).filter(workflow=workflow, **conditions)
    columns = ("id", "number", "name", "is_map", "state")
    return [
        NodeRow(**{**row, "state": NodeState(row["state"])})
        for row in rows.order_by("number").values(*columns)
    ]


def values_of(database: str, node: int) -> Iterator[Any]:
    """Yield what the successful members of a node returned, by place, a page at a time."""
    members = TaskRecord.objects.using(database).filter(node=node, state=State.SUCCESSFUL)
    page = members.order_by("place").values_list("place", "return_value")
    found: list[Any] = list(page[:PAGE])
    while found:
        yield from (value for _place, value in found)
        found = list(page.filter(place__gt=found[-1][0])[:PAGE])


def results_for(
    database: str, workflow: UUID, inputs: Mapping[str, int | list[int]]
) -> dict[str, bytes]:
    """Return the arguments that are results of other nodes, as JSON texts.

    A node that has not succeeded gives None, and a map the list of what its successful members
    returned. Raises InvalidWorkflow for more than 10,000 results or 16 MB for one argument, and for
    a result whose record was deleted.
    """
    found: dict[str, bytes] = {}
    for argument, numbers in inputs.items():
        several = numbers if isinstance(numbers, list) else [numbers]
        nodes = {row.number: row for row in nodes_of(database, workflow, number__in=several)}
        texts = [_text_of(database, nodes.get(number), number) for number in several]
        found[argument] = _joined(texts) if isinstance(numbers, list) else texts[0]
    return found


def _text_of(database: str, node: NodeRow | None, number: int) -> bytes:
    if node is None:
        raise InvalidWorkflow(f"The result of node {number} is gone: its row was deleted.")
    if node.is_map:
        return _joined(_encoded(database, node))
    for text in _encoded(database, node):
        return text
    if node.state is NodeState.SUCCESSFUL:
        raise InvalidWorkflow(
            f"The result of node {node.name!r} is gone: the record of its task was deleted."
        )
    return b"null"


def _encoded(database: str, node: NodeRow) -> Iterator[bytes]:
    size = 0
    for count, value in enumerate(values_of(database, node.id), start=1):
        text = encode(value, "result")
        size += len(text)
        if count > MOST_RESULTS or size > MOST_BYTES:
            raise InvalidWorkflow(
                f"Node {node.name!r} has more than {MOST_RESULTS:,} results or "
                f"{MOST_BYTES // 1_000_000} MB of them, too many for one argument. Add it to "
                f"after= instead, and read them in the task, a page at a time, with "
                f"context.workflow.results({node.name!r})."
            )
        yield text


def _joined(texts: Iterator[bytes] | Sequence[bytes]) -> bytes:
    return b"[" + b",".join(texts) + b"]"
