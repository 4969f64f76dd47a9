"""`djtasks why ID`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.utils.translation import override

from djtasks import inspection
from djtasks.definitions import registry
from djtasks.engine import engine_of, our_aliases
from djtasks.management.subcommands.base import task_id

HELP = "explain why a task is not running"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", type=task_id, metavar="ID", help="id of a task")


@override(None)  # terminal output is always in English
def handle(options: dict[str, Any], out: OutputWrapper) -> None:
    for alias in our_aliases():
        engine = engine_of(alias)
        registry.import_tasks(engine.options.imports)
        facts = inspection.facts_for_why(engine, options["id"])
        if facts is not None:
            for reason in inspection.why_not_running(facts):
                out.write(f"{'*' if reason.holds else ' '} {reason.text}")
            return
    raise CommandError(
        f"There is no task {options['id']}: its record was deleted, pruned, rolled back, or "
        f"never existed."
    )
