"""Arguments of a call that are results of other nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from djtasks.errors import InvalidWorkflow
from djtasks.formats.json_values import MAX_NODES
from djtasks.workflows.nodes import NODES, AnyNode

Call = tuple[list[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ResultList:
    """An argument that is the list of what several nodes return."""

    nodes: Sequence[AnyNode]


_REFERENCES = (*NODES, ResultList)


def split(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Call, dict[str, Any]]:
    """Return the call with None for each result, and the results by position or keyword.

    Raises InvalidWorkflow for a keyword that looks like a position.
    """
    found = {str(place): value for place, value in enumerate(args) if _is_reference(value)}
    for name, value in kwargs.items():
        if _is_reference(value):
            if name.isdecimal():
                raise InvalidWorkflow(f"The keyword {name!r} cannot stand for a result: rename it.")
            found[name] = value
    call = (
        [None if _is_reference(value) else value for value in args],
        {name: None if _is_reference(value) else value for name, value in kwargs.items()},
    )
    return call, found


def _is_reference(value: Any) -> bool:
    return isinstance(value, _REFERENCES)


def refuse_nested(values: Sequence[Any]) -> None:
    """Raise InvalidWorkflow if a list or dict among the values holds a node."""
    left, seen = list(values), 0
    while left and seen < MAX_NODES:
        value, seen = left.pop(), seen + 1
        if isinstance(value, NODES):
            raise InvalidWorkflow(
                f"{value!r} is inside a list or a dict. Only a whole argument can be a result: "
                f"pass the node itself, and put its value into the list inside the task."
            )
        if isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, list | tuple):
            left.extend(value)
