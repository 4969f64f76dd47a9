"""Workflows as text for a terminal."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from djtasks.formats.durations import in_words
from djtasks.inspection import ListedWorkflow, NodeFacts, WorkflowFacts, WorkflowFailure
from djtasks.inspection.visibility import Visibility
from djtasks.management.rendering import moment_in_words, table
from djtasks.management.terminal import in_a_cell
from djtasks.protocol.workflows import NodeState

_MOST_NODES, _MOST_FAILED = 100, 5
_WIDTH = 30
_STATES = {NodeState.PENDING: "waiting", NodeState.OPEN: "running"}


def render_workflows(rows: Sequence[ListedWorkflow], now: datetime) -> str:
    """Return workflows as a table."""
    head = ("id", "state", "progress", "failed", "began", "took", "workflow")
    return table(head, [_cells(row, now) for row in rows], left=("state", "workflow"))


def _cells(row: ListedWorkflow, now: datetime) -> tuple[str, ...]:
    about = f" (about {row.target})" if row.target else ""
    return (
        str(row.id),
        row.phase,
        f"{'about ' if row.is_estimate else ''}{row.over:,} of {row.size:,}"
        + ("+" if row.unsized else ""),
        f"{row.counts.failed:,}" if row.counts.failed else "-",
        moment_in_words(row.enqueued_at, now),
        in_words(row.took),
        f"{row.name}{about}",
    )


def render_workflow(
    facts: WorkflowFacts, failures: Sequence[WorkflowFailure], visibility: Visibility
) -> str:
    """Return everything about one workflow."""
    parts = [
        "\n".join([in_a_cell(facts.name), "", *_figures(facts)]),
        "\n".join(_why(facts)),
        _nodes(facts),
        "\n".join(_failures(facts, failures, visibility)),
    ]
    return "\n\n".join(part for part in parts if part)


def render_progress(facts: WorkflowFacts) -> str:
    """Return how far a workflow is, on one line."""
    if facts.counts is None:
        return f"{facts.phase}, too many tasks to count in 2 s"
    counts = facts.counts
    share = counts.over / counts.total if counts.total else float(facts.is_over)
    bar = "#" * int(_WIDTH * share)
    parts = [
        f"[{bar:.<{_WIDTH}}] {int(100 * share)} %",
        f"{counts.over:,} of {counts.total:,}{'+' if facts.unsized else ''} tasks",
    ]
    parts += [f"{counts.failed:,} failed"] if counts.failed else []
    parts += [f"{counts.running:,} running"] if counts.running else []
    if facts.done_at is not None:
        parts.append(f"done in about {in_words(facts.done_at - facts.now)}")
    return in_a_cell(f"{facts.phase} " + ", ".join(parts))


def _figures(facts: WorkflowFacts) -> Iterator[str]:
    values = {
        "id": str(facts.id),
        "progress": render_progress(facts),
        "about": facts.target or "",
        "began": f"{facts.enqueued_at} ({moment_in_words(facts.enqueued_at, facts.now)})",
        "took" if facts.is_over else "runs for": in_words(facts.took),
        "pace": f"{facts.per_minute:,.0f} tasks a minute" if facts.per_minute else "",
        "done": _done(facts),
        "the last": _last(facts),
    }
    for name, value in values.items():
        if value:
            yield f"{name + ':':<12}{in_a_cell(value)}"


def _done(facts: WorkflowFacts) -> str:
    if facts.done_at is not None:
        return f"about {facts.done_at}"
    return f"not known: {facts.unknown_because}" if facts.unknown_because else ""


def _last(facts: WorkflowFacts) -> str:
    last = next((one for one in facts.before if one.took is not None), None)
    if last is None or last.took is None:
        return ""
    return f"{last.state.name.lower()}, in {in_words(last.took)} ({last.id})"


def _why(facts: WorkflowFacts) -> Iterator[str]:
    for cause in facts.why:
        yield f"{'*' if cause.is_bad else ' '} {in_a_cell(cause.text)}"


def _nodes(facts: WorkflowFacts) -> str:
    names = {node.number: node.name for node in facts.nodes}
    shown = facts.nodes
    if len(shown) > _MOST_NODES:
        # What needs a look comes first.
        shown = sorted(shown, key=_ranks)[:_MOST_NODES]
    head = ("node", "state", "tasks", "failed", "took", "after")
    found = table(
        head, [_node_cells(node, names, facts) for node in shown], left=("state", "after")
    )
    rest = len(facts.nodes) - len(shown)
    return found + (f"\n… and {rest:,} other nodes: --json has all" if rest else "")


def _ranks(node: NodeFacts) -> tuple[int, int]:
    order = (NodeState.FAILED, NodeState.OPEN, NodeState.PENDING)
    return order.index(node.state) if node.state in order else len(order), node.number


def _node_cells(node: NodeFacts, names: dict[int, str], facts: WorkflowFacts) -> tuple[str, ...]:
    tasks = "-" if node.size is None else f"{node.counts.over:,} of {node.counts.total:,}"
    if facts.counts is None:
        tasks = f"{node.size:,}" if node.size is not None else "-"
    return (
        ("* " if node.number in facts.critical else "  ") + node.name,
        _STATES.get(node.state, node.state.name.lower()),
        tasks,
        f"{node.counts.failed:,}" if node.counts.failed else "-",
        in_words(node.took) if node.took is not None else "-",
        ", ".join(names[number] for number in node.before[:5])
        + (" …" if len(node.before) > 5 else ""),
    )


def _failures(
    facts: WorkflowFacts, failures: Sequence[WorkflowFailure], visibility: Visibility
) -> Iterator[str]:
    failed = [node for node in facts.nodes if node.error]
    if failures or failed:
        yield "Failures"
    for node in failed[:_MOST_FAILED]:
        text = f"{node.error}: {node.message}" if node.message else node.error
        yield in_a_cell(f"  {node.name}: {text}")
    for group in failures:
        message = visibility.message(group.message).strip().partition("\n")[0][:100]
        text = f"{group.exception}: {message}" if message else group.exception
        yield in_a_cell(f"  {group.count:,} of {text}")
        where = f"{group.node} ({group.task_path})" + (f", {group.place}" if group.place else "")
        yield in_a_cell(f"      {where}; the last: manage.py djtasks show {group.task}")
