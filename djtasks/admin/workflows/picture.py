"""The picture of a workflow: boxes of nodes, or of stages where there are too many nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from djtasks.admin.workflows.boxes import DEEPEST, Box, Group, box_of
from djtasks.admin.workflows.layout import Layout, layout_of
from djtasks.inspection import NodeFacts, WorkflowFacts
from djtasks.inspection.workflows.graph import layers_of
from djtasks.protocol.workflows import NodeState

MOST_NODES, MOST_BOXES, MOST_LINKS, MOST_STAGES = 40, 40, 120, 60


@dataclass(frozen=True, slots=True)
class Line:
    """A link between two boxes."""

    css: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Boxes and lines in pixels. `labels`: of the stages, if nodes are folded into them.

    `is_drawn` False: there is too much to draw, and `boxes` is empty.
    """

    boxes: Sequence[Box] = ()
    lines: Sequence[Line] = ()
    labels: Sequence[tuple[int, str]] = ()
    width: int = 0
    height: int = 0
    box_width: int = 0
    is_folded: bool = False
    is_drawn: bool = True
    stages: int = 0


def picture_of(facts: WorkflowFacts) -> Picture | None:
    """Return the picture of a workflow, or None for a single node, which is not drawn."""
    layers = layers_of(facts.graph)
    if len(facts.nodes) < 2:
        return None
    by_number = {node.number: node for node in facts.nodes}
    columns = [[by_number[number] for number in layer] for layer in layers]
    is_folded = len(facts.nodes) > MOST_NODES
    groups = [_groups(column, is_folded=is_folded) for column in columns]
    if sum(map(len, groups)) > MOST_BOXES:
        groups = [[Group(f"s-{number}", column)] for number, column in enumerate(columns)]
    links = _links(facts, groups)
    if len(layers) > MOST_STAGES or len(links) > MOST_LINKS:
        return Picture(is_drawn=False, is_folded=True, stages=len(layers))
    return _drawn(facts, groups, links, is_folded=is_folded)


def _groups(column: Sequence[NodeFacts], *, is_folded: bool) -> list[Group]:
    """Return the boxes of a layer: its nodes, or one for each task and a few that failed."""
    if not is_folded:
        return [Group(f"n-{node.number}", [node]) for node in column]
    by_task: dict[str, list[NodeFacts]] = {}
    for node in column:
        by_task.setdefault(node.task_path, []).append(node)
    first = column[0].number
    return [Group(f"s-{first}-{place}", nodes) for place, nodes in enumerate(by_task.values())]


def _links(
    facts: WorkflowFacts, groups: Sequence[Sequence[Group]]
) -> dict[tuple[str, str], list[tuple[NodeFacts, NodeFacts]]]:
    """Return which pairs of nodes each link between two boxes stands for."""
    owner = {
        node.number: group.key for column in groups for group in column for node in group.nodes
    }
    by_number = {node.number: node for node in facts.nodes}
    found: dict[tuple[str, str], list[tuple[NodeFacts, NodeFacts]]] = {}
    for node in facts.nodes:
        for before in node.before:
            pair = owner[before], owner[node.number]
            if pair[0] != pair[1]:
                found.setdefault(pair, []).append((by_number[before], node))
    return found


def _drawn(
    facts: WorkflowFacts,
    groups: Sequence[Sequence[Group]],
    links: Mapping[tuple[str, str], list[tuple[NodeFacts, NodeFacts]]],
    *,
    is_folded: bool,
) -> Picture:
    top = 22 if is_folded else 0
    layout = layout_of([[one.key for one in column] for column in groups], list(links), top=top)
    labels = [
        (x, _("Stage %(number)s") % {"number": place + 1}) for place, x in enumerate(layout.columns)
    ]
    return Picture(
        boxes=_boxes(facts, groups, layout),
        lines=_lines(facts, links, layout),
        labels=labels if is_folded else [],
        width=layout.width,
        height=layout.height,
        box_width=layout.box_width,
        is_folded=is_folded,
        stages=len(groups),
    )


def _boxes(facts: WorkflowFacts, groups: Sequence[Sequence[Group]], layout: Layout) -> list[Box]:
    names = {node.number: node.name for node in facts.nodes}
    critical = set(facts.critical)
    return [
        replace(
            box_of(group, names, critical, layout.box_width),
            depth=min(depth, DEEPEST),
            x=layout.places[group.key].x,
            y=layout.places[group.key].y,
        )
        for depth, column in enumerate(groups)
        for group in column
    ]


def _lines(
    facts: WorkflowFacts,
    links: Mapping[tuple[str, str], list[tuple[NodeFacts, NodeFacts]]],
    layout: Layout,
) -> list[Line]:
    """Return the lines; what decides the end is drawn above the others."""
    steps = set(zip(facts.critical, facts.critical[1:], strict=False))
    lines = [
        Line(_line_css(pairs, steps), layout.paths[pair])
        for pair, pairs in links.items()
        if pair in layout.paths
    ]
    return sorted(lines, key=lambda line: line.css.endswith("crit"))


def _line_css(pairs: Sequence[tuple[NodeFacts, NodeFacts]], steps: set[tuple[int, int]]) -> str:
    if any((one.number, two.number) in steps for one, two in pairs):
        return "djt-edge--crit"
    if all(two.state is NodeState.SKIPPED for _one, two in pairs):
        return "djt-edge--skip"
    return "" if any(one.is_over for one, _two in pairs) else "djt-edge--next"
