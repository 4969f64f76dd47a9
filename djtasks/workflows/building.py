"""The block of a `Workflow`: it collects nodes until the block ends."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from djtasks.definitions.options import shape_option, target_of
from djtasks.errors import InvalidWorkflow
from djtasks.formats.ids import new_id
from djtasks.formats.json_values import encode
from djtasks.workflows.graph import MOST_NODES, too_many_nodes
from djtasks.workflows.home import WorkflowDraft, WorkflowHome
from djtasks.workflows.making import NodeMaker, NodeOptions, bound, options_given
from djtasks.workflows.nodes import NODES, AnyNode, NodeSpec
from djtasks.workflows.options import LONGEST_KEY, LONGEST_NAME, NodeNames, require_text


def shape_draft(
    name: str,
    *,
    backend: str,
    target: Any,
    tags: Collection[str],
    unique: str | None,
    expires: datetime | timedelta | float | None,
) -> WorkflowDraft:
    """Return a new workflow without nodes; raise InvalidWorkflow or InvalidTask for an option."""
    require_text("The name of a workflow", name, LONGEST_NAME)
    owner = f"workflow {name!r}"
    key = None
    if unique is not None:
        require_text(f"'unique' of {owner}", unique, LONGEST_KEY - len(name) - 1)
        encode(unique, f"'unique' of {owner}")
        key = f"{name}:{unique}"
    return WorkflowDraft(
        id=new_id(),
        backend=backend,
        name=name,
        key=key,
        target=None if target is None else target_of(target),
        tags=shape_option("tags", tags, owner=owner),
        expires=shape_option("expires", expires, owner=owner),
    )


class WorkflowBuilder:
    """Collects the nodes of one workflow, in the order in which they are added."""

    def __init__(
        self, draft: WorkflowDraft, home: WorkflowHome, defaults: Mapping[str, Any]
    ) -> None:
        self.draft = draft
        self._home = home
        self._nodes: list[NodeSpec] = []
        self._flow: Any = None
        self._is_open = False
        self._maker = NodeMaker(
            workflow=draft.id,
            home=home,
            number_of=self._number_of,
            take_name=NodeNames().take,
            defaults={name: value for name, value in defaults.items() if value is not None},
            expires=draft.expires,
        )

    @property
    def is_open(self) -> bool:
        """Whether its block has not ended."""
        return self._is_open

    def open(self, flow: Any) -> None:
        """Begin the block of `flow`; raise InvalidWorkflow the second time."""
        if self._flow is not None:
            raise InvalidWorkflow(f"Workflow {self.draft.name!r} has had its `with` block already.")
        self._flow, self._is_open = flow, True

    def close(self) -> WorkflowDraft:
        """End the block, and return the workflow with its nodes."""
        self._is_open = False
        return replace(self.draft, nodes=tuple(self._nodes))

    def add(
        self, call: Any, args: Sequence[Any], kwargs: Mapping[str, Any], options: NodeOptions
    ) -> NodeSpec:
        """Add a node of one member."""
        self._require_open()
        one = bound(call, args, kwargs, options_given(options))
        return self._keep(self._maker.single(one, len(self._nodes), options))

    def map(
        self,
        task: Any,
        options: NodeOptions,
        *,
        items: Iterable[Any] | None,
        over: AnyNode | None,
        kwargs: Mapping[str, Any] | None,
    ) -> NodeSpec:
        """Add a node of many members."""
        self._require_open()
        return self._keep(
            self._maker.many(
                task, len(self._nodes), options, items=items, over=over, kwargs=kwargs or {}
            )
        )

    def _keep(self, spec: NodeSpec) -> NodeSpec:
        if len(self._nodes) == MOST_NODES:
            raise too_many_nodes(self.draft.name, MOST_NODES + 1)
        self._nodes.append(spec)
        return spec

    def _require_open(self) -> None:
        if self._is_open:
            return
        if self._flow is None:
            raise InvalidWorkflow(
                f"Add nodes inside the block: with Workflow({self.draft.name!r}) as flow: ..."
            )
        raise InvalidWorkflow(
            f"The block of workflow {self.draft.name!r} has ended. Its tasks can add nodes with "
            f"context.workflow.add(...)."
        )

    def _number_of(self, named: Any) -> int | None:
        if named is self._flow:
            return None
        if not isinstance(named, NODES):
            raise InvalidWorkflow(
                f"'after' must be a node of this workflow, several in a list, or the workflow "
                f"itself, got {named!r}."
            )
        if named.spec.workflow != self.draft.id:
            raise InvalidWorkflow(f"{named!r} is a node of another workflow.")
        return named.spec.number
