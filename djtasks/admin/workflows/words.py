"""The words, tints and symbols of workflows and nodes."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from djtasks.inspection import NodeCounts, NodeFacts
from djtasks.protocol.workflows import NodeState
from djtasks.templatetags.djtasks_pages import NOTHING, number

_Badge = tuple[str, str, str | Promise]
WORKFLOWS: dict[str, _Badge] = {
    "running": ("running", "running", gettext_lazy("Running")),
    "paused": ("warn", "paused", gettext_lazy("Paused")),
    "cancelling": ("warn", "cancelled", gettext_lazy("Cancelling")),
    "failed": ("failed", "failed", gettext_lazy("Failed")),
    "successful": ("ok", "ok", gettext_lazy("Succeeded")),
    "cancelled": ("off", "cancelled", gettext_lazy("Cancelled")),
}
NODES: dict[NodeState, _Badge] = {
    NodeState.PENDING: ("wait", "waiting", gettext_lazy("Waiting")),
    NodeState.OPEN: ("running", "running", gettext_lazy("Running")),
    NodeState.SUCCESSFUL: ("ok", "ok", gettext_lazy("Succeeded")),
    NodeState.FAILED: ("failed", "failed", gettext_lazy("Failed")),
    NodeState.SKIPPED: ("off", "skip", gettext_lazy("Skipped")),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A state as a badge: a tint, a symbol and a word."""

    css: str
    symbol: str
    word: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar, in percent. `css` is empty for what has not begun."""

    css: str
    x: str
    width: str
    count: int
    word: str


def standing_of(badge: _Badge) -> Standing:
    """Return a badge in the language of the page."""
    css, symbol, word = badge
    return Standing(css, symbol, str(word))


def parts_of(counts: NodeCounts, *, waiting: int = 0) -> list[Part]:
    """Return how tasks stand, as the parts of a bar; `waiting` more do not exist yet.

    A part that is there is at least 0.8 % wide.
    """
    total = counts.total + waiting
    found: list[Part] = []
    x = 0.0
    for css, count, word in _pieces(counts, waiting):
        width = min(max(100 * count / total, 0.8), 100 - x)
        found.append(Part(css, f"{x:.1f}%", f"{width:.1f}%", count, word))
        x += width
    return found


def _pieces(counts: NodeCounts, waiting: int) -> Iterator[tuple[str, int, str]]:
    pieces = (
        ("k-ok", counts.successful, _("succeeded")),
        ("k-bad", counts.failed, _("failed")),
        ("k-skip", counts.cancelled + counts.expired, _("cancelled or expired")),
        ("k-run", counts.running, _("running")),
        ("", counts.ready, _("ready")),
        ("", counts.waiting + waiting, _("waiting")),
    )
    return (piece for piece in pieces if piece[1])


def share_of(counts: NodeCounts) -> str:
    """Return how many tasks are over: `616 of 1,240`."""
    said = {"over": number(counts.over), "total": number(counts.total)}
    return _("%(over)s of %(total)s") % said


def call_of(node: NodeFacts, names: dict[int, str]) -> str:
    """Return in words what a node runs, besides its task, and when."""
    parts = []
    if node.over is not None:
        parts.append(_("maps the result of %(node)s") % {"node": names.get(node.over, NOTHING)})
    elif node.is_map:
        parts.append(_("a map"))
    gets = [names[one] for one in node.inputs if one in names and one != node.over]
    if gets:
        parts.append(_("gets the results of %(nodes)s") % {"nodes": ", ".join(gets[:5])})
    if node.tolerate not in ("", "0"):
        parts.append(_("up to %(most)s may fail") % {"most": node.tolerate})
    if node.may_fail:
        parts.append(_("the workflow does not fail with it"))
    when = {"failure": _("if something before it fails"), "done": _("however that ends")}
    if node.when in when:
        parts.append(when[node.when])
    if node.after_all:
        parts.append(_("after all others"))
    return ", ".join(parts)
