"""The nodes of a workflow, as the code that builds it sees them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from djtasks.definitions.task import Task
from djtasks.protocol.records import NewRecord
from djtasks.protocol.workflows import When

T = TypeVar("T")

# The arguments that are results, by position or keyword: the number of a node, or of several whose
# results become one list.
Inputs = Mapping[str, int | list[int]]


@dataclass(eq=False, slots=True, kw_only=True)
class NodeSpec:
    """One node as it will be inserted.

    `record` is the member of a node that is no map. `items` are the calls of a map, read once, and
    None for a map over a result. `kwargs` are keyword arguments of each member of a map. `after`
    are the numbers of the nodes before it, those of `inputs` and `over` included.
    """

    workflow: UUID
    number: int
    name: str
    task: Task[..., Any]
    record: NewRecord | None = None
    items: Iterable[Any] | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    inputs: Inputs = field(default_factory=dict)
    after: frozenset[int] = frozenset()
    after_all: bool = False
    when: When = When.SUCCESS
    tolerate: str = ""
    may_fail: bool = False
    over: int | None = None

    @property
    def is_map(self) -> bool:
        return self.record is None

    @property
    def is_root(self) -> bool:
        """Whether it comes after nothing, so that its members may run at once."""
        return not self.after and not self.after_all


class Node(Generic[T]):
    """One task of a workflow. As an argument of another node, it stands for what it returns."""

    __slots__ = ("spec",)

    def __init__(self, spec: NodeSpec) -> None:
        self.spec = spec

    def __repr__(self) -> str:
        return f"<Node {self.spec.name!r}>"

    @property
    def name(self) -> str:
        """The name in the workflow."""
        return self.spec.name

    @property
    def result(self) -> T:
        """This node as an argument of another one, typed as the value that its task returns."""
        return cast("T", self)


class MapNode(Generic[T]):
    """Many calls of one task. As an argument, it stands for the list of what they return."""

    __slots__ = ("spec",)

    def __init__(self, spec: NodeSpec) -> None:
        self.spec = spec

    def __repr__(self) -> str:
        return f"<MapNode {self.spec.name!r}>"

    @property
    def name(self) -> str:
        """The name in the workflow."""
        return self.spec.name

    @property
    def results(self) -> list[T]:
        """This node as an argument of another one, typed as the list of its members' values."""
        return cast("list[T]", self)


AnyNode = Node[Any] | MapNode[Any]
NODES = (Node, MapNode)


def numbers_in(inputs: Inputs) -> set[int]:
    """Return the numbers of all nodes whose results are arguments."""
    return {
        number
        for value in inputs.values()
        for number in (value if isinstance(value, list) else (value,))
    }
