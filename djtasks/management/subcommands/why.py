"""`djtasks why ID`"""

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import override

from djtasks import inspection
from djtasks.management.subcommands.base import EXAMPLE_ID, find_task, task_id
from djtasks.management.terminal import Terminal
from djtasks.protocol.states import FINAL

HELP = "explain why a task is not running"
EXAMPLES = (EXAMPLE_ID,)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", type=task_id, metavar="ID", help="id of a task")


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: Terminal) -> None:
    engine, facts = find_task(options["id"], inspection.facts_for_why)
    for reason in inspection.why_not_running(facts):
        out.write(f"{'*' if reason.holds else ' '} {reason.text}")
    task = inspection.task_facts(engine, facts.id) if facts.state in FINAL else None
    failures = [one for one in task.attempts if one.exception] if task else []
    if failures and facts.last_error and task and task.phase != "successful":
        last = failures[-1]
        place = last.frames[-1] if last.frames else None
        out.write(f"  {last.exception.removeprefix('builtins.')}: {last.message}")
        if place:
            out.write(f"  {place.file}:{place.line} in {place.function}")
        out.write(f"  Its tracebacks: manage.py djtasks show {facts.id}")
