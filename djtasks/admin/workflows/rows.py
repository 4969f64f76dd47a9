"""Workflows, their nodes and failures as rows of the pages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from djtasks.admin.workflows.timeline import shown_first
from djtasks.admin.workflows.words import (
    NODES,
    WORKFLOWS,
    Part,
    Standing,
    call_of,
    parts_of,
    share_of,
    standing_of,
)
from djtasks.inspection import ListedWorkflow, NodeFacts, WorkflowFacts, WorkflowFailure
from djtasks.inspection.visibility import Visibility
from djtasks.protocol.workflows import NodeState
from djtasks.templatetags.djtasks_pages import number

MOST_NODES = 100
_FEW = 3
_SYMBOLS = {
    "over": "info", "failing": "failed", "cancelling": "cancelled", "paused": "paused",
    "no_worker": "failed", "queue_paused": "paused", "opening": "waiting", "retrying": "retrying",
    "running": "running", "ready": "ready", "released": "waiting", "tolerated": "info",
    "after": "waiting",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowLine:
    """One workflow in the list, or on the overview. `note`: what is worth to be known of it."""

    facts: ListedWorkflow
    standing: Standing
    parts: list[Part]
    progress: str
    percent: str
    note: str
    is_bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One node in the table of the workflow's page."""

    facts: NodeFacts
    key: str
    standing: Standing
    call: str
    parts: list[Part]
    progress: str
    after: str


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence about what holds the workflow."""

    css: str
    symbol: str
    text: str
    key: str


def workflow_lines(rows: Sequence[ListedWorkflow]) -> list[WorkflowLine]:
    """Return workflows as rows, in the order they came."""
    return [_line(row) for row in rows]


def _line(row: ListedWorkflow) -> WorkflowLine:
    share = row.over / row.size if row.size else float(row.finished_at is not None)
    return WorkflowLine(
        facts=row,
        standing=standing_of(WORKFLOWS[row.phase]),
        parts=parts_of(row.counts),
        progress=_progress(row),
        percent=f"{int(100 * share)} %",
        note=_note(row),
        is_bad=bool(row.failing) and row.finished_at is None,
    )


def _progress(row: ListedWorkflow) -> str:
    said = {"over": number(row.over), "size": number(row.size)}
    text = _("%(over)s of %(size)s")
    if row.is_estimate:
        text = _("about %(over)s of %(size)s")
    parts = [text % said]
    if row.counts.failed:
        parts.append(_("%(count)s failed") % {"count": number(row.counts.failed)})
    if row.unsized:
        parts.append(_("more to come"))
    return ", ".join(parts)


def _note(row: ListedWorkflow) -> str:
    if row.failing:
        said = {"nodes": _few(row.failing)}
        text = _("It will fail: %(nodes)s failed.")
        return (text if row.finished_at is None else _("Failed: %(nodes)s")) % said
    if row.phase == "paused":
        return _("Nothing more starts until somebody resumes it.")
    if row.finished_at is None and row.open:
        return _("Open: %(nodes)s") % {"nodes": _few(row.open)}
    return ""


def _few(names: Sequence[str]) -> str:
    more = len(names) - _FEW
    named = ", ".join(names[:_FEW])
    if more <= 0:
        return named
    said = {"names": named, "count": number(more)}
    return ngettext("%(names)s and %(count)s other", "%(names)s and %(count)s others", more) % said


def node_rows(facts: WorkflowFacts) -> list[NodeRow]:
    """Return at most 100 nodes, in the order in which they were added."""
    names = {node.number: node.name for node in facts.nodes}
    return [_node_row(node, facts, names) for node in shown_first(facts.nodes, MOST_NODES)]


def _node_row(node: NodeFacts, facts: WorkflowFacts, names: dict[int, str]) -> NodeRow:
    is_counted = facts.counts is not None
    return NodeRow(
        facts=node,
        key=f"n-{node.number}",
        standing=standing_of(NODES[node.state]),
        call=call_of(node, names),
        parts=parts_of(node.counts) if is_counted and node.counts.total > 1 else [],
        progress=_node_progress(node, is_counted=is_counted),
        after=_after(node, names),
    )


def _node_progress(node: NodeFacts, *, is_counted: bool) -> str:
    if node.size is None:
        return _("not known yet")
    if node.state is NodeState.SKIPPED:
        return _("never run")
    return share_of(node.counts) if is_counted else number(node.size)


def _after(node: NodeFacts, names: dict[int, str]) -> str:
    if node.state is NodeState.SKIPPED and node.because_of in names:
        return _("because %(node)s failed") % {"node": names[node.because_of]}
    if node.error or node.message:
        return f"{node.error}: {node.message}" if node.message else node.error
    if node.state is not NodeState.PENDING or not node.before:
        return ""
    return _("after %(nodes)s") % {"nodes": _few([names[one] for one in node.before])}


def checks_of(facts: WorkflowFacts) -> list[Check]:
    """Return what holds a workflow, the most important first."""
    return [
        Check(
            css="no" if cause.is_bad else "info",
            symbol=_SYMBOLS[cause.kind],
            text=cause.text,
            key="" if cause.node is None else f"n-{cause.node}",
        )
        for cause in facts.why
    ]


def failures_seen(
    groups: Sequence[WorkflowFailure], visibility: Visibility
) -> list[WorkflowFailure]:
    """Return failures as a user may see them."""
    return [replace(one, message=visibility.message(one.message)) for one in groups]
