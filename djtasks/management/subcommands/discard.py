"""`djtasks discard ID...`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from djtasks import operations
from djtasks.management.subcommands.base import add_ids, any_engine, report

HELP = "delete tasks for good, unless they are running"


def add_arguments(parser: ArgumentParser) -> None:
    add_ids(parser)


def handle(options: dict[str, Any], out: OutputWrapper) -> None:
    report(out, operations.discard(any_engine(), options["ids"]), options["ids"], "deleted")
