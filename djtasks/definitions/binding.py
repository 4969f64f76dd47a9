"""A call that is kept for later: see `Task.bind`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from djtasks.definitions.task import Task

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BoundTask(Generic[T]):
    """A task with the arguments of one call, for a node of a workflow.

    The arguments are checked when it is added to a workflow, since a result may still join them.
    """

    task: "Task[..., T]"
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
