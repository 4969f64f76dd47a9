"""`manage.py runbeat`: fire schedules until told to stop."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from djtasks.compat import DEFAULT_TASK_BACKEND_ALIAS
from djtasks.errors import CannotListen
from djtasks.management.examples import add_examples
from djtasks.management.serving import add_probes, engine_for, probes_of, refuse_transactions
from djtasks.management.terminal import quiet_end
from djtasks.worker.os_signals import Wakeup
from djtasks.worker.supervisor.scheduling import run_scheduler

EXAMPLES = ("", "--backend default --health-file /run/shop/beat")


class Command(BaseCommand):
    """Parse the flags; the work is in djtasks.scheduler."""

    help = (
        "Enqueue the tasks of due schedules until SIGTERM or Ctrl-C. Workers do the same unless "
        "they run with --no-beat. You can run any number at once: each due time fires once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--backend", metavar="ALIAS", default=DEFAULT_TASK_BACKEND_ALIAS,
            help="the TASKS alias whose schedules to fire (default: %(default)s)")  # fmt: skip
        add_probes(parser)
        add("--held", action="store_true", help="also stop when standard input closes")
        add_examples(parser, "runbeat", EXAMPLES)

    def run_from_argv(self, argv: list[str]) -> None:
        """Show no traceback after Ctrl-C, or when the output goes to a pipe that is closed."""
        with quiet_end():
            super().run_from_argv(argv)

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_transactions("runbeat")
        engine = engine_for(options["backend"])
        probing = probes_of(options)
        wakeup = Wakeup(
            held_by=sys.stdin.fileno() if options["held"] else None,
            is_program=getattr(self, "_called_from_command_line", False),
        )
        is_verbose = settings.DEBUG or options["verbosity"] > 1
        try:
            code = run_scheduler(engine, wakeup, probing, is_verbose=is_verbose)
        except CannotListen as error:
            raise CommandError(str(error)) from error
        if code:
            sys.exit(code)
