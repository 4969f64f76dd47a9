"""`djtasks workflow ID`"""

import json
import threading
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.utils.translation import override

from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.errors import InvalidWorkflow
from djtasks.inspection import WorkflowFacts, facts_seen, failures_in, workflow_facts
from djtasks.inspection.visibility import visibility_if
from djtasks.management.subcommands.base import EXAMPLE_ID, add_reason, log_action, plain, task_id
from djtasks.management.terminal import Terminal
from djtasks.management.workflow_rendering import render_progress, render_workflow
from djtasks.operations.workflows import changing
from djtasks.protocol.workflows import WorkflowState

HELP = "show a workflow: how far it is, what holds it, its nodes and failures; or change it"
EXAMPLES = (EXAMPLE_ID, f"{EXAMPLE_ID} --watch", f"{EXAMPLE_ID} --retry")
WATCH_SECONDS = 2.0
_never = threading.Event()


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", type=task_id, metavar="ID", help="id of a workflow")
    changes = parser.add_mutually_exclusive_group()
    for name, text in (
        ("retry", "run again what failed and what was skipped"),
        ("cancel", "cancel it: what waits never runs, what runs is told"),
        ("pause", "start nothing more; what is ready or runs goes on"),
        ("resume", "undo a pause"),
    ):
        changes.add_argument(
            f"--{name}", action="store_const", const=name, dest="change", help=text
        )
    parser.add_argument(
        "--watch", action="store_true",
        help="follow its progress until it is over; exit code 1 unless it succeeds",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    add_reason(parser)


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
    engine, facts = _find(options["id"])
    if options["change"]:
        out.write(_change(engine, facts, options))
        if not options["watch"]:
            return
    if options["watch"]:
        facts = _watch(engine, facts.id, out)
    visibility = visibility_if(engine, may_see=False)
    facts = facts_seen(facts, visibility)
    if options["json"]:
        out.write(json.dumps(_for_scripts(facts), default=plain, indent=2))
    else:
        out.write(render_workflow(facts, failures_in(engine, facts), visibility))
    if options["watch"] and facts.state is not WorkflowState.SUCCESSFUL:
        raise CommandError(f"Workflow {facts.id} is {facts.phase}.")


def _find(id_: UUID) -> tuple[Engine, WorkflowFacts]:
    for alias in our_aliases():
        engine = engine_of(alias)
        facts = workflow_facts(engine, id_)
        if facts is not None:
            return engine, facts
    raise CommandError(
        f"There is no workflow {id_}: its record was deleted, pruned, rolled back, or never "
        f"existed. To list them: manage.py djtasks workflows"
    )


def _change(engine: Engine, facts: WorkflowFacts, options: dict[str, Any]) -> str:
    """Change a workflow, and return what was done; raise CommandError if nothing was."""
    done: int
    change: str = options["change"]
    try:
        done = getattr(changing, change)(engine, facts.id)
    except InvalidWorkflow as error:
        raise CommandError(str(error)) from error
    if change == "retry" and not done and facts.state is WorkflowState.SUCCESSFUL:
        raise CommandError("It succeeded: there is nothing to retry.")
    if change != "retry" and not done:
        raise CommandError(_REFUSED[change] % facts.phase)
    log_action(change, f"workflow {facts.id}", options)
    return _DONE[change] % f"{done:,}" if change == "retry" else _DONE[change]


_DONE = {
    "retry": "%s tasks go back to their nodes, and run again when it is their turn.",
    "cancel": "It is cancelled: what waits never runs, and what runs is told within a heartbeat.",
    "pause": "It is paused: what is ready or runs goes on, and nothing else starts.",
    "resume": "It goes on.",
}
_REFUSED = {
    "cancel": "It is %s, so there is nothing to cancel.",
    "pause": "It is %s, so it cannot be paused.",
    "resume": "It is %s, and not paused.",
}


def _watch(engine: Engine, id_: UUID, out: Terminal) -> WorkflowFacts:
    """Show the progress until the workflow is over, and return its last facts."""
    last = ""
    while True:
        facts = workflow_facts(engine, id_)
        if facts is None:
            raise CommandError(f"Workflow {id_} was deleted.")
        out.progress(render_progress(facts))
        if facts.is_over:
            out.progress("")
            return facts
        if not out.is_watched and (line := render_progress(facts)) != last:
            out.write(last := line)
        _never.wait(WATCH_SECONDS)


def _for_scripts(facts: WorkflowFacts) -> dict[str, Any]:
    found = asdict(facts)
    names = {node.number: node.name for node in facts.nodes}
    del found["graph"]
    for node in found["nodes"]:
        node["before"] = [names[number] for number in node["before"]]
        node["state"] = node["state"].name.lower()
    found["spans"] = {names[number]: span for number, span in found["spans"].items()}
    found["critical"] = [names[number] for number in facts.critical]
    return found | {"state": facts.state.name.lower(), "phase": facts.phase}
