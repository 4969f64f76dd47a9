"""`manage.py djtasks ...`: inspect tasks and act on them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from djtasks.management.examples import add_examples
from djtasks.management.subcommands import ALL
from djtasks.management.terminal import Terminal, explained_errors, quiet_end


class Command(BaseCommand):
    """Parse and call the subcommands; the work is in inspection and operations."""

    help = (
        "Inspect background tasks and schedules; retry, cancel, discard, prune or enqueue tasks. "
        "`djtasks doctor` says what is wrong with your installation and how to fix it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        for name, subcommand in ALL.items():
            parser = commands.add_parser(name, help=subcommand.HELP)
            subcommand.add_arguments(parser)
            add_examples(parser, f"djtasks {name}", subcommand.EXAMPLES)

    def execute(self, *args: Any, **options: Any) -> Any:
        """Skip the system checks for `doctor`, which runs and explains them itself."""
        if options["command"] == "doctor":
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def run_from_argv(self, argv: list[str]) -> None:
        """Show no traceback after Ctrl-C, or when the output goes to a pipe that is closed."""
        with quiet_end():
            super().run_from_argv(argv)

    def handle(self, *_args: Any, **options: Any) -> None:
        with explained_errors():
            ALL[options["command"]].handle(options, Terminal(self.stdout))
