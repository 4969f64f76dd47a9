"""The boxes of a picture: what they say, in the room they have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from django.utils.translation import gettext as _

from djtasks.admin.workflows.words import NODES, Standing, share_of, standing_of
from djtasks.inspection import NodeCounts, NodeFacts
from djtasks.inspection.workflows.counts import sum_of
from djtasks.protocol.workflows import NodeState
from djtasks.templatetags.djtasks_pages import duration, number

# On a phone, boxes are a list that is indented by their layer, at most so often.
DEEPEST = 5
_PER_CHARACTER, _PADDING = 7.2, 20
# Of a text that fits beside another one on the second line of a box.
_SHORT = 6
_CSS = {"wait": "n-wait", "running": "n-run", "ok": "n-ok", "failed": "n-bad", "off": "n-skip"}


@dataclass(frozen=True, slots=True)
class Group:
    """The nodes of one box: one, or those of a stage that run the same task."""

    key: str
    nodes: Sequence[NodeFacts]

    @property
    def is_stage(self) -> bool:
        """Return whether it stands for a stage."""
        return self.key.startswith("s-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node or a stage: where it stands, and what it says."""

    key: str
    name: str
    short: str
    words: str
    title: str
    standing: Standing
    css: str
    is_pile: bool
    is_critical: bool
    after: str
    bars: list[tuple[str, str, str]]
    depth: int = 0
    x: int = 0
    y: int = 0


def box_of(group: Group, names: Mapping[int, str], critical: set[int], width: int) -> Box:
    """Return a box of this width, at no place yet."""
    name = group.nodes[0].name if not group.is_stage else _task_of(group)
    standing = standing_of(NODES[_state_of(group.nodes)])
    counts = _counts_of(group)
    words = (
        _stage_words(group)
        if group.is_stage
        else _node_words(group.nodes[0], names, width - _PADDING)
    )
    earlier = [names[one] for one in group.nodes[0].before] if not group.is_stage else []
    has_bar = counts.total > 1
    return Box(
        key=group.key,
        name=name,
        short=shortened(name, width - _PADDING),
        words=words,
        title=f"{name}: {standing.word}, {words}",
        standing=standing,
        css=_CSS[standing.css],
        is_pile=group.is_stage or group.nodes[0].is_map,
        is_critical=any(node.number in critical for node in group.nodes),
        after=", ".join(earlier[:5]) + (" …" if len(earlier) > 5 else ""),
        bars=_bars(counts, width - _PADDING - 1) if has_bar else [],
    )


def _task_of(group: Group) -> str:
    tasks = {node.task_path for node in group.nodes}
    name = group.nodes[0].task_path.rpartition(".")[2]
    return name if len(tasks) == 1 else _("%(name)s and others") % {"name": name}


def _state_of(nodes: Sequence[NodeFacts]) -> NodeState:
    """Return the state that a box shows: what needs a look comes first."""
    states = {node.state for node in nodes}
    for state in (NodeState.FAILED, NodeState.OPEN):
        if state in states:
            return state
    if len(states) == 1:
        return next(iter(states))
    return NodeState.PENDING if NodeState.PENDING in states else NodeState.SUCCESSFUL


def _counts_of(group: Group) -> NodeCounts:
    """Return what the bar of a box counts: tasks, or the nodes of a stage."""
    if not group.is_stage:
        return group.nodes[0].counts
    return sum_of(
        NodeCounts(
            successful=node.state is NodeState.SUCCESSFUL,
            failed=node.state is NodeState.FAILED,
            cancelled=node.state is NodeState.SKIPPED,
            running=node.state is NodeState.OPEN,
            waiting=node.state is NodeState.PENDING,
        )
        for node in group.nodes
    )


def _stage_words(group: Group) -> str:
    counts = _counts_of(group)
    words = _("%(nodes)s nodes") % {"nodes": share_of(counts)}
    return f"{words}, {number(counts.failed)} ✗" if counts.failed else words


def _node_words(node: NodeFacts, names: Mapping[int, str], room: float) -> str:
    if node.state is NodeState.SKIPPED:
        return _("skipped")
    if node.state is NodeState.PENDING:
        if not node.before:
            return _("waits")
        first = names[node.before[0]]
        if len(node.before) == 1:
            return shortened(_("after %(node)s") % {"node": first}, room)
        return _("after %(count)s nodes") % {"count": number(len(node.before))}
    took = duration(node.took)
    if node.counts.total < 2:
        return took
    share = share_of(node.counts)
    return share if len(took) > _SHORT or len(share) > 2 * _SHORT else f"{share}, {took}"


def _bars(counts: NodeCounts, width: float) -> list[tuple[str, str, str]]:
    parts = (("k-ok", counts.successful), ("k-bad", counts.failed), ("k-run", counts.running))
    found: list[tuple[str, str, str]] = []
    x = 10.5
    for css, count in parts:
        if count:
            size = min(max(width * count / counts.total, 2.0), 10.5 + width - x)
            found.append((css, f"{x:.1f}", f"{size:.1f}"))
            x += size
    return found


def shortened(name: str, width: float) -> str:
    """Cut a name in the middle to what fits; a wide character takes the room of two."""
    room = int(width / _PER_CHARACTER)
    if _room(name) <= room:
        return name
    ends = (room - 1) // 2
    return f"{_start(name, room - 1 - ends)}…{_start(name[::-1], ends)[::-1]}"


def _room(text: str) -> int:
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _start(text: str, room: int) -> str:
    found = ""
    for one in text:
        room -= _room(one)
        if room < 0:
            break
        found += one
    return found
