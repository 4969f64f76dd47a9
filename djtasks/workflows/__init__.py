"""Workflows: graphs of tasks that are enqueued as one thing. See docs/guides/workflows.md."""

from djtasks.workflows.canvas import chain, chord, group
from djtasks.workflows.nodes import MapNode, Node
from djtasks.workflows.workflow import Workflow

__all__ = ["MapNode", "Node", "Workflow", "chain", "chord", "group"]
