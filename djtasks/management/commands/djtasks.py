"""`manage.py djtasks ...`: look at tasks and do something about them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from djtasks.management.subcommands import ALL


class Command(BaseCommand):
    """Parses and calls the subcommands; what they do is in inspection and operations."""

    help = (
        "Look at background tasks and schedules, and retry, cancel, discard, prune or enqueue "
        "them. `djtasks doctor` says what is wrong with an installation, and what to do."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        for name, subcommand in ALL.items():
            subcommand.add_arguments(commands.add_parser(name, help=subcommand.HELP))

    def execute(self, *args: Any, **options: Any) -> Any:
        """Leave the checks to a doctor, who explains them among the rest."""
        if options["command"] == "doctor":
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def handle(self, *_args: Any, **options: Any) -> None:
        ALL[options["command"]].handle(options, self.stdout)
