"""`djtasks cancel ID...` and `djtasks cancel --all SEARCH`"""

from argparse import ArgumentParser
from typing import Any

from djtasks import operations
from djtasks.management.acting import act_on_all, add_tasks, is_for_all
from djtasks.management.subcommands.base import EXAMPLE_ID, any_engine, report
from djtasks.management.terminal import Terminal
from djtasks.operations import ACTIONS, OperationResult

HELP = "cancel waiting tasks and stop running ones"
EXAMPLES = (EXAMPLE_ID, "--all 'state:ready queue:mail'")


def add_arguments(parser: ArgumentParser) -> None:
    add_tasks(parser, ACTIONS["cancel"])


def handle(options: dict[str, Any], out: Terminal) -> None:
    if is_for_all(options, ACTIONS["cancel"]):
        act_on_all(options, out, ACTIONS["cancel"])
        return
    engine, done = any_engine(), OperationResult()
    for id_ in dict.fromkeys(options["ids"]):
        if operations.cancel(engine, [id_]):
            done.changed.append(id_)
        else:
            done.refused[id_] = "It is already final, or does not exist."
    report(out, done, options, "cancelled")
