"""`djtasks prune`"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from djtasks import operations
from djtasks.formats.durations import LONGEST
from djtasks.management.subcommands.base import add_backend, add_reason, engines, log_action
from djtasks.management.terminal import Terminal

HELP = "delete finished tasks that are past their retention"
EXAMPLES = ("", "--older-than 30")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--older-than", type=float, metavar="DAYS",
        help="keep only this many days, instead of OPTIONS['retention']",
    )  # fmt: skip
    add_reason(parser)
    add_backend(parser)


def handle(options: dict[str, Any], out: Terminal) -> None:
    older_than = _duration(options["older_than"])
    total = 0
    for engine in engines(options):
        before = total
        for count in operations.prune(engine, older_than=older_than):
            total += count
            out.progress(f"{total:,} deleted")
        log_action("prune", f"{total - before} tasks of TASKS[{engine.alias!r}]", options)
    out.progress("")
    out.write(f"{total:,} finished tasks deleted.")


def _duration(days: float | None) -> timedelta | None:
    if days is None:
        return None
    if not 0 <= days <= LONGEST.days:
        raise CommandError(f"--older-than must be from 0 to {LONGEST.days:,} days, got {days:g}.")
    return timedelta(days=days)
