"""`djtasks discard ID...` and `djtasks discard --all SEARCH`"""

from argparse import ArgumentParser
from typing import Any

from djtasks import operations
from djtasks.management.acting import act_on_all, add_tasks, is_for_all
from djtasks.management.subcommands.base import EXAMPLE_ID, any_engine, report
from djtasks.management.terminal import Terminal
from djtasks.operations import ACTIONS

HELP = "delete tasks for good, unless they are running"
EXAMPLES = (EXAMPLE_ID, "--all 'state:cancelled before:7d' --yes")


def add_arguments(parser: ArgumentParser) -> None:
    add_tasks(parser, ACTIONS["discard"])


def handle(options: dict[str, Any], out: Terminal) -> None:
    if is_for_all(options, ACTIONS["discard"]):
        act_on_all(options, out, ACTIONS["discard"])
    else:
        report(out, operations.discard(any_engine(), options["ids"]), options, "deleted")
