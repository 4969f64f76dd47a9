"""Build the records of a node's members."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from djtasks.definitions.task import Task
from djtasks.enqueueing.building import build_record
from djtasks.errors import InvalidArguments, InvalidWorkflow
from djtasks.protocol.records import NewRecord
from djtasks.workflows.graph import MOST_MEMBERS
from djtasks.workflows.home import WorkflowHome
from djtasks.workflows.nodes import NODES, NodeSpec
from djtasks.workflows.references import refuse_nested


def members_of(home: WorkflowHome, spec: NodeSpec) -> Iterator[NewRecord]:
    """Yield the members of a node, in constant memory; an error names the item's index.

    Yields none for a map over a result, whose members are made once that is known.
    """
    if spec.record is not None:
        yield spec.record
        return
    for index, item in enumerate(spec.items or ()):
        if index == MOST_MEMBERS:
            raise InvalidWorkflow(
                f"Node {spec.name!r} has more than {MOST_MEMBERS:,} members. Split the calls "
                f"between several nodes, or let each member do more than one of them."
            )
        try:
            refuse_bare(item)
            args, kwargs = ((), item) if isinstance(item, Mapping) else (item, {})
            yield build_member(
                home, spec.task, args, _joined(spec.kwargs, kwargs), has_inputs=bool(spec.inputs)
            )
        except InvalidArguments as error:
            raise type(error)(f"Item {index}: {error} Nothing was enqueued.") from error


def build_member(
    home: WorkflowHome,
    task: Task[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    has_inputs: bool,
) -> NewRecord:
    """Return the record of one member, with None where a result will be.

    Raises InvalidArguments for arguments that do not fit, InvalidWorkflow for a node among them.
    """
    if has_inputs and (task.unique is True or callable(task.unique)):
        raise InvalidWorkflow(
            f"Task {task.module_path!r} is unique by its arguments, but one of them is a result "
            f"that is not known yet. Use using(unique='...') or using(unique=None)."
        )
    try:
        return build_record(
            task,
            args,
            kwargs,
            backend=home.backend,
            limit=home.limit,
            cipher=home.cipher,
            is_whole=not has_inputs,
        )
    except InvalidArguments:
        refuse_nested([*args, *kwargs.values()])
        raise


def refuse_bare(item: Any) -> None:
    """Raise InvalidArguments for an item of a map that is not the arguments of a call."""
    if not isinstance(item, list | tuple | Mapping):
        raise InvalidArguments(
            f"an item must be a tuple of positional or a dict of keyword arguments, got "
            f"{type(item).__name__}. For one argument each, write [(path,) for path in paths]."
        )
    values = item.values() if isinstance(item, Mapping) else item
    node = next((value for value in values if isinstance(value, NODES)), None)
    if node is not None:
        raise InvalidArguments(f"{node!r} is in an item. Pass it to all members with kwargs={{}}.")


def _joined(shared: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    twice = shared.keys() & own.keys()
    if twice:
        raise InvalidArguments(f"{min(twice)!r} is in the item and in kwargs.")
    return {**shared, **own} if shared else own
