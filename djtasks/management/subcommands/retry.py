"""`djtasks retry ID...` and `djtasks retry --all SEARCH`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from djtasks import operations
from djtasks.management.acting import act_on_all, add_tasks, is_for_all
from djtasks.management.subcommands.base import EXAMPLE_ID, any_engine, minutes, report
from djtasks.management.terminal import Terminal
from djtasks.operations import ACTIONS

HELP = "make FAILED, CANCELLED or EXPIRED tasks ready again"
EXAMPLES = (
    EXAMPLE_ID,
    "--all 'state:failed task:send_invoice' --spread 30",
)


def add_arguments(parser: ArgumentParser) -> None:
    add_tasks(parser, ACTIONS["retry"])
    parser.add_argument(
        "--spread", type=minutes, metavar="MINUTES",
        help="with --all: spread the retries evenly over this time (default: all at once)",
    )  # fmt: skip


def handle(options: dict[str, Any], out: Terminal) -> None:
    ids, spread = options["ids"], options["spread"]
    if is_for_all(options, ACTIONS["retry"]):
        act_on_all(options, out, ACTIONS["retry"], {"spread": spread})
        return
    if spread is not None:
        raise CommandError("--spread is for --all SEARCH.")
    report(out, operations.retry(any_engine(), ids), options, "ready again")
