"""Why is a workflow not done? A pure function over its facts: causes first, then what follows."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from djtasks.formats.durations import in_words
from djtasks.inspection.workflows.facts import Cause, NodeFacts, WorkflowFacts
from djtasks.inspection.workflows.holding import Holding
from djtasks.protocol.workflows import NodeState, WorkflowState

MOST_CAUSES = 6
_NAMED = 3
# What somebody must see first comes first.
_RANKS = (
    "over", "failing", "cancelling", "paused", "no_worker", "queue_paused", "opening", "retrying",
    "running", "ready", "released", "tolerated", "after",
)  # fmt: skip


def causes_of(facts: WorkflowFacts, holding: Holding) -> list[Cause]:
    """Return what a workflow waits for, the most important first; at most six sentences."""
    if facts.is_over:
        return [_over(facts)]
    found = [*_of_workflow(facts), *_of_nodes(facts, holding)]
    found.sort(key=lambda cause: _RANKS.index(cause.kind))
    return found[:MOST_CAUSES]


def _over(facts: WorkflowFacts) -> Cause:
    words = {
        WorkflowState.SUCCESSFUL: _("It succeeded, in %(span)s."),
        WorkflowState.FAILED: _("It failed, after %(span)s."),
        WorkflowState.CANCELLED: _("It was cancelled, after %(span)s."),
    }
    text = words[facts.state] % {"span": in_words(facts.took)}
    failed = [node for node in facts.nodes if node.will_fail and not node.may_fail]
    if facts.state is WorkflowState.FAILED and failed:
        text = f"{text} {_failed_nodes(failed)}"
    return Cause(kind="over", text=text, is_bad=facts.state is WorkflowState.FAILED)


def _failed_nodes(failed: Sequence[NodeFacts]) -> str:
    first = failed[0]
    if first.error:
        return _("Node %(node)s failed with %(error)s.") % {
            "node": first.name,
            "error": first.error,
        }
    return _("Failed nodes: %(nodes)s.") % {"nodes": _names(failed)}


def _of_workflow(facts: WorkflowFacts) -> Iterator[Cause]:
    if facts.cancel_requested:
        running = facts.counts.running if facts.counts else 0
        text = _("Somebody cancelled it. What waits is being cancelled.")
        if running:
            text = ngettext(
                "Somebody cancelled it. %(count)s task still runs; its worker is told.",
                "Somebody cancelled it. %(count)s tasks still run; their workers are told.",
                running,
            ) % {"count": f"{running:,}"}
        yield Cause(kind="cancelling", text=text)
    elif facts.is_paused:
        text = _("It is paused: what is ready or runs goes on, and nothing else starts.")
        yield Cause(kind="paused", text=text)
    if not facts.nodes:
        yield Cause(kind="opening", text=_("It has no nodes: it succeeds within 10 seconds."))


def _of_nodes(facts: WorkflowFacts, holding: Holding) -> Iterator[Cause]:
    known = {node.number: node for node in facts.nodes}
    is_held = facts.is_paused or facts.cancel_requested
    for node in facts.nodes:
        if node.state is NodeState.OPEN:
            yield _open(facts, node, holding, is_held=is_held)
        if node.will_fail and not node.may_fail:
            yield _failing(node, holding)
        elif node.state is NodeState.OPEN and node.counts.not_successful:
            yield _tolerated(node)
    pending = [node for node in facts.nodes if node.state is NodeState.PENDING]
    free = [node for node in pending if all(known[one].is_over for one in node.before)]
    if free and not is_held:
        yield _opening(free, holding)
    if later := [node for node in pending if node not in free]:
        text = ngettext("%(nodes)s comes after that.", "%(nodes)s come after that.", len(later)) % {
            "nodes": _names(later)
        }
        yield Cause(kind="after", text=text)


def _failing(node: NodeFacts, holding: Holding) -> Cause:
    error = node.error or holding.errors.get(node.id, "")
    said = {"node": node.name, "error": error}
    text = (
        _("It will fail: %(node)s failed with %(error)s.")
        if error
        else _("It will fail: %(node)s failed.")
    )
    return Cause(kind="failing", text=text % said, node=node.number, is_bad=True)


def _tolerated(node: NodeFacts) -> Cause:
    failed = node.counts.not_successful
    text = ngettext(
        "%(count)s task of %(node)s failed; up to %(most)s may.",
        "%(count)s tasks of %(node)s failed; up to %(most)s may.",
        failed,
    )
    said = {"count": f"{failed:,}", "node": node.name, "most": f"{node.tolerated:,}"}
    return Cause(kind="tolerated", text=text % said, node=node.number)


def _open(facts: WorkflowFacts, node: NodeFacts, holding: Holding, *, is_held: bool) -> Cause:
    """Return the one sentence about an open node."""
    if node.counts.running or facts.counts is None:
        kind, text = "running", _running(facts, node)
    elif (stopped := _stopped(facts, node, holding)) is not None:
        kind, text = stopped
    elif node.counts.ready:
        kind = "ready"
        text = _("%(node)s is ready: %(over)s of %(size)s are over, the next wait for a worker.")
    elif is_held:
        kind, text = "released", _("%(node)s starts nothing more: %(over)s of %(size)s are over.")
    else:
        kind = "released"
        text = _("%(node)s goes on within 10 seconds: a worker looks at it each second.")
    is_bad = kind in ("queue_paused", "no_worker")
    return Cause(
        kind=kind, text=text % _said(facts, node, holding), node=node.number, is_bad=is_bad
    )


def _running(facts: WorkflowFacts, node: NodeFacts) -> str:
    if facts.counts is None:
        return _("%(node)s is open, for %(took)s.")
    if not node.is_map:
        return _("%(node)s runs now, for %(took)s.")
    return _("%(node)s runs: %(over)s of %(size)s are over, %(running)s run now.")


def _stopped(facts: WorkflowFacts, node: NodeFacts, holding: Holding) -> tuple[str, str] | None:
    """Return what holds an open node of which nothing runs, or None if nothing does."""
    pause, due = holding.pauses.get(node.queue), holding.due.get(node.id)
    if pause is not None:
        return "queue_paused", _("%(node)s stands still: its queue %(queue)s was paused by %(by)s.")
    if not holding.serving.get(node.queue) and node.counts.live:
        return "no_worker", _("%(node)s stands still: no live worker serves its queue %(queue)s.")
    if due is not None and due > facts.now:
        return "retrying", _("%(node)s waits for its next attempt, due in %(span)s.")
    return None


def _said(facts: WorkflowFacts, node: NodeFacts, holding: Holding) -> dict[str, str]:
    pause, due = holding.pauses.get(node.queue), holding.due.get(node.id)
    return {
        "node": node.name,
        "queue": node.queue,
        "over": f"{node.counts.over:,}",
        "size": f"{node.counts.total:,}",
        "running": f"{node.counts.running:,}",
        "took": in_words(node.took or timedelta(0)),
        "by": (pause.by if pause else "") or _("somebody"),
        "span": in_words(due - facts.now) if due else "",
    }


def _opening(free: Sequence[NodeFacts], holding: Holding) -> Cause:
    said = {"nodes": _names(free)}
    if not holding.has_worker:
        text = _("Nothing opens %(nodes)s: no worker is alive. Start one: manage.py runworker")
        return Cause(kind="no_worker", text=text % said, node=free[0].number, is_bad=True)
    text = ngettext(
        "%(nodes)s opens within 10 seconds: all that it comes after is over.",
        "%(nodes)s open within 10 seconds: all that they come after is over.",
        len(free),
    )
    return Cause(kind="opening", text=text % said, node=free[0].number)


def _names(nodes: Sequence[NodeFacts]) -> str:
    """Return a few names, and how many more there are."""
    named = ", ".join(node.name for node in nodes[:_NAMED])
    rest = len(nodes) - _NAMED
    if rest <= 0:
        return named
    said = {"nodes": named, "count": f"{rest:,}"}
    return ngettext("%(nodes)s and %(count)s other", "%(nodes)s and %(count)s others", rest) % said
