"""What people do to a workflow: the buttons, the effects of each, and the order itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from djtasks.engine import Engine
from djtasks.errors import InvalidWorkflow
from djtasks.inspection import WorkflowFacts
from djtasks.inspection.workflows.facts import NodeFacts
from djtasks.operations.workflows import changing
from djtasks.protocol.workflows import NodeState, WorkflowState
from djtasks.templatetags.djtasks_pages import number


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChange:
    """One order; `change` is what the log says of it."""

    name: str
    label: str | Promise
    permission: str
    change: str
    css: str = ""


CHANGES = {
    one.name: one
    for one in (
        WorkflowChange(
            name="retry",
            label=gettext_lazy("Retry what failed"),
            permission="retry_workflow",
            change="retried",
            css="primary",
        ),
        WorkflowChange(
            name="resume",
            label=gettext_lazy("Resume"),
            permission="pause_workflow",
            change="paused → running",
            css="primary",
        ),
        WorkflowChange(
            name="pause",
            label=gettext_lazy("Pause"),
            permission="pause_workflow",
            change="running → paused",
        ),
        WorkflowChange(
            name="cancel",
            label=gettext_lazy("Cancel"),
            permission="cancel_workflow",
            change="running → asked to stop",
            css="danger",
        ),
    )
}


def offered(request: HttpRequest, facts: WorkflowFacts) -> list[WorkflowChange]:
    """Return what this user may do to a workflow as it is; only the most likely is filled."""
    found = [
        one
        for one in CHANGES.values()
        if is_possible(one, facts) and request.user.has_perm(f"djtasks.{one.permission}")
    ]
    return [
        replace(one, css="") if place and one.css == "primary" else one
        for place, one in enumerate(found)
    ]


def is_possible(change: WorkflowChange, facts: WorkflowFacts) -> bool:
    """Return whether a change would do anything."""
    if change.name == "retry":
        return facts.state is not WorkflowState.SUCCESSFUL and bool(_again(facts))
    if facts.is_over:
        return False
    if change.name == "cancel":
        return not facts.cancel_requested
    return facts.is_paused is (change.name == "resume")


def _again(facts: WorkflowFacts) -> Sequence[NodeFacts]:
    """Return the nodes that a retry runs again, at least in part; not what a node tolerated."""
    return [
        node
        for node in facts.nodes
        if node.state in (NodeState.FAILED, NodeState.SKIPPED)
        or (node.state is NodeState.OPEN and node.counts.not_successful)
    ]


def missing_of(request: HttpRequest, facts: WorkflowFacts) -> list[str]:
    """Return the permissions of what would be possible, and this user may not do."""
    possible = [one for one in CHANGES.values() if is_possible(one, facts)]
    return [
        f"djtasks.{one.permission}"
        for one in possible
        if not request.user.has_perm(f"djtasks.{one.permission}")
    ]


def effects_of(change: WorkflowChange, facts: WorkflowFacts) -> list[str]:
    """Return what a change does, in sentences."""
    match change.name:
        case "retry":
            return _retrying(facts)
        case "pause":
            return [
                _("What is ready or runs goes on. Nothing else starts until somebody resumes it."),
                _("Nothing is lost, and no attempt is spent."),
            ]
        case "resume":
            return [_("Nodes open again, and their tasks run, within a few seconds.")]
    counts = facts.counts
    running = counts.running if counts else 0
    return [
        _("Everything that waits is cancelled, and never runs."),
        ngettext(
            "%(count)s running task is told within a heartbeat.",
            "%(count)s running tasks are told within a heartbeat.",
            running,
        )
        % {"count": number(running)},
        _("What succeeded stays. Retry runs the rest later, if you want it."),
    ]


def _retrying(facts: WorkflowFacts) -> list[str]:
    found = _again(facts)
    names = ", ".join(node.name for node in found[:5])
    said = {"nodes": names + (" …" if len(found) > 5 else "")}
    texts = [_("These nodes run again, as far as they did not succeed: %(nodes)s.") % said]
    if facts.counts is not None:
        count = sum(node.counts.not_successful for node in found)
        text = ngettext(
            "%(count)s task goes back to its node, with all its attempts.",
            "%(count)s tasks go back to their nodes, with all their attempts.",
            count,
        )
        texts.append(text % {"count": number(count)})
    return [*texts, _("Nothing that succeeded runs twice.")]


def perform(engine: Engine, change: WorkflowChange, facts: WorkflowFacts) -> tuple[bool, str]:
    """Change a workflow; return whether it did, and what to say."""
    match change.name:
        case "retry":
            return _retry(engine, facts)
        case "pause":
            return changing.pause(engine, facts.id), _("It is paused.")
        case "resume":
            return changing.resume(engine, facts.id), _("It goes on.")
    return changing.cancel(engine, facts.id), _("It is being cancelled.")


def _retry(engine: Engine, facts: WorkflowFacts) -> tuple[bool, str]:
    try:
        count = changing.retry(engine, facts.id)
    except InvalidWorkflow as error:
        return False, str(error)
    text = ngettext("%(count)s task goes back.", "%(count)s tasks go back.", count)
    return facts.state is not WorkflowState.SUCCESSFUL, text % {"count": number(count)}
