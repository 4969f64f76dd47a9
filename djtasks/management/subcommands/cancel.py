"""`djtasks cancel ID...`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from djtasks import operations
from djtasks.management.subcommands.base import add_ids, any_engine
from djtasks.management.terminal import Terminal

HELP = "cancel waiting tasks and stop running ones"


def add_arguments(parser: ArgumentParser) -> None:
    add_ids(parser)


def handle(options: dict[str, Any], out: Terminal) -> None:
    ids = options["ids"]
    count = operations.cancel(any_engine(), ids)
    out.write(f"{count} of {len(ids)} cancelled.")
    if count < len(ids):
        raise CommandError("The others are already final, or do not exist.")
