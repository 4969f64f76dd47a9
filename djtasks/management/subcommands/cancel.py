"""`djtasks cancel ID...` and `djtasks cancel --all SEARCH`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from djtasks import operations
from djtasks.management.acting import act_on_all, add_tasks, is_for_all
from djtasks.management.subcommands.base import EXAMPLE_ID, any_engine, log_action
from djtasks.management.terminal import Terminal
from djtasks.operations import ACTIONS

HELP = "cancel waiting tasks and stop running ones"
EXAMPLES = (EXAMPLE_ID, "--all 'state:ready queue:mail'")


def add_arguments(parser: ArgumentParser) -> None:
    add_tasks(parser, ACTIONS["cancel"])


def handle(options: dict[str, Any], out: Terminal) -> None:
    if is_for_all(options, ACTIONS["cancel"]):
        act_on_all(options, out, ACTIONS["cancel"])
        return
    ids = options["ids"]
    count = operations.cancel(any_engine(), ids)
    out.write(f"{count} of {len(ids)} cancelled.")
    log_action("cancel", f"{count} of {', '.join(map(str, ids))}")
    if count < len(ids):
        raise CommandError("The others are already final, or do not exist.")
