"""Make the members of a `map(over=...)` from what the other node returned."""

import json
from datetime import timedelta
from typing import Any

from djtasks.errors import CannotMap
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord, WorkflowNode
from djtasks.protocol.records import NewRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import Membership
from djtasks.store.base import Store
from djtasks.store.promotion.graph import Graph

MOST_RESULT = 256 * 1024


def insert_members(store: Store, graph: Graph, node: WorkflowNode) -> int:
    """Insert a member for each element of the other node's result; return how many.

    Raises CannotMap if there is no list to make them from. The options are in the node's row, so
    this needs no code of the task.
    """
    elements = _elements(store, graph, node)
    options: dict[str, Any] = node.options
    limit = options.get("timeout")
    kwargs, inputs = json.dumps(node.kwargs or {}), json.dumps(node.inputs) if node.inputs else None
    expires_at = graph.workflows.values_list("expires_at", flat=True).get(pk=node.workflow)
    store.insert_many(
        [
            NewRecord(
                id=new_id(),
                backend=store.backend,
                task_path=node.task_path,
                queue=options["queue"],
                priority=options.get("priority", 0),
                args=json.dumps([element]),
                kwargs=kwargs,
                max_attempts=options.get("max_attempts", 1),
                max_crashes=options.get("max_crashes", 3),
                timeout=timedelta(seconds=limit) if limit is not None else None,
                expires=expires_at,
                tags=json.dumps(options["tags"]) if options.get("tags") else None,
                metadata=json.dumps(options["metadata"]) if options.get("metadata") else None,
                target=options.get("target"),
                member=Membership(workflow=node.workflow, node=node.pk, place=place, inputs=inputs),
            )
            for place, element in enumerate(elements)
        ]
    )
    return len(elements)


def _elements(store: Store, graph: Graph, node: WorkflowNode) -> list[Any]:
    other = graph.nodes.filter(workflow=node.workflow, number=node.over).first()
    rows: Any = TaskRecord.objects.using(store.database)
    row = rows.filter(node=other.pk, place=0).first() if other is not None else None
    if other is None or row is None:
        raise CannotMap(f"The result that {node.name!r} is made from was deleted.")
    if row.state != State.SUCCESSFUL:
        raise CannotMap(f"{node.name!r} is made from what {other.name!r} returns, but it failed.")
    if not isinstance(row.return_value, list):
        raise CannotMap(
            f"{node.name!r} needs a list to make its tasks from, but {other.name!r} returned "
            f"{_kind(row.return_value)}."
        )
    size = len(json.dumps(row.return_value))
    if size > MOST_RESULT:
        raise CannotMap(
            f"{other.name!r} returned {size:,} bytes, but map(over=...) takes at most "
            f"{MOST_RESULT:,}. Return keys, and let each task load what it needs."
        )
    return row.return_value


def _kind(value: Any) -> str:
    names = {dict: "an object", str: "a text", bool: "a boolean", int: "a number"}
    return "nothing" if value is None else names.get(type(value), "a number")
