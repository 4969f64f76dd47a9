"""`djtasks discard ID...`"""

from argparse import ArgumentParser
from typing import Any

from djtasks import operations
from djtasks.management.subcommands.base import add_ids, any_engine, report
from djtasks.management.terminal import Terminal

HELP = "delete tasks for good, unless they are running"


def add_arguments(parser: ArgumentParser) -> None:
    add_ids(parser)


def handle(options: dict[str, Any], out: Terminal) -> None:
    report(out, operations.discard(any_engine(), options["ids"]), options["ids"], "deleted")
