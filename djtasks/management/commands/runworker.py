"""`manage.py runworker`: run tasks until told to stop."""

import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from djtasks.compat import DEFAULT_TASK_BACKEND_ALIAS
from djtasks.engine import Engine
from djtasks.errors import CannotListen
from djtasks.management.examples import add_examples
from djtasks.management.serving import add_probes, engine_for, probes_of, refuse_transactions
from djtasks.management.terminal import quiet_end
from djtasks.worker.config import ProbeConfig, WorkerConfig
from djtasks.worker.os_signals import Wakeup
from djtasks.worker.start import default_processes, run, run_reloading

MOST_SLOTS = 1_000
LONGEST_GRACE = 86_400
EXAMPLES = (
    "",
    "--queues mail,default --processes 2 --threads 16",
    "--burst --no-beat",
    "--health-port 8080 --max-memory 512",
)
_MEGABYTE = 1024 * 1024


class Command(BaseCommand):
    """Parse the flags; the work is in djtasks.worker."""

    help = (
        "Run background tasks until SIGTERM or Ctrl-C. The worker then starts no new task, lets "
        "running tasks finish within --grace, and returns the others to the queue. A second "
        "Ctrl-C does not wait. SIGUSR1 prints all stacks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--backend", metavar="ALIAS", default=DEFAULT_TASK_BACKEND_ALIAS,
            help="the TASKS alias whose tasks to run (default: %(default)s)")  # fmt: skip
        add("--queues", metavar="A,B",
            help="serve only these queues, in this order of preference: always the first that "
            "has work (default: all queues of the alias, in turn)")  # fmt: skip
        add("--processes", type=int, metavar="N",
            help="the number of child processes; 0 runs tasks in this process, for a debugger "
            "(default: one per core, at most 4)")  # fmt: skip
        add("--threads", type=int, default=8, metavar="N",
            help="plain functions that a process runs at once (default: %(default)s)")  # fmt: skip
        add("--async-slots", type=int, default=100, metavar="N",
            help="coroutines that a process runs at once (default: %(default)s)")  # fmt: skip
        add("--burst", action="store_true",
            help="exit with code 0 as soon as nothing is due or running")  # fmt: skip
        add("--grace", type=float, default=25, metavar="SECONDS",
            help="how long tasks may continue after a stop (default: %(default)s)")  # fmt: skip
        add("--max-tasks", type=int, metavar="N",
            help="replace a process after it has run this many tasks")  # fmt: skip
        add("--max-memory", type=int, metavar="MB",
            help="replace a process that uses more than this many megabytes")  # fmt: skip
        _add_switch(parser, "beat", default=True, text="also fire due schedules (the default)")
        _add_switch(parser, "reload", default=None,
                    text="restart when code changes (default: if DEBUG is on)")  # fmt: skip
        add_probes(parser)
        add("--held", action="store_true",
            help="also stop when standard input closes (used by --reload)")  # fmt: skip
        add_examples(parser, "runworker", EXAMPLES)

    def run_from_argv(self, argv: list[str]) -> None:
        """Show no traceback after Ctrl-C, or when the output goes to a pipe that is closed."""
        with quiet_end():
            super().run_from_argv(argv)

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_transactions("runworker")
        engine = engine_for(options["backend"])
        config = self._config(engine, options)
        reloads = settings.DEBUG if options["reload"] is None else options["reload"]
        if reloads and not options["burst"]:
            run_reloading(sys.argv[1:])
            return
        wakeup = Wakeup(
            held_by=sys.stdin.fileno() if options["held"] else None,
            is_program=getattr(self, "_called_from_command_line", False),
        )
        try:
            code = run(engine, config, wakeup)
        except CannotListen as error:
            raise CommandError(str(error)) from error
        if code:
            sys.exit(code)

    def _config(self, engine: Engine, options: dict[str, Any]) -> WorkerConfig:
        processes = options["processes"]
        if processes is None:
            processes = default_processes(engine)
        _require("processes", processes, 0, MOST_SLOTS)
        _require("threads", options["threads"], 1, MOST_SLOTS)
        _require("async-slots", options["async_slots"], 1, MOST_SLOTS)
        _require("grace", options["grace"], 0, LONGEST_GRACE)
        _require("max-tasks", options["max_tasks"], 1)
        _require("max-memory", options["max_memory"], 1)
        memory, probes = options["max_memory"], probes_of(options)
        if not processes and probes != ProbeConfig():
            raise CommandError(
                "--health-file and --health-port report on child processes, and --processes 0 "
                "starts none. Use --processes 1."
            )
        return WorkerConfig(
            backend=engine.alias,
            queues=self._queues(engine, options["queues"]),
            processes=processes,
            threads=options["threads"],
            async_slots=options["async_slots"],
            burst=options["burst"],
            grace=timedelta(seconds=options["grace"]),
            max_tasks=options["max_tasks"],
            max_memory=memory * _MEGABYTE if memory else None,
            beat=options["beat"],
            verbose=settings.DEBUG or options["verbosity"] > 1,
            probes=probes,
        )

    def _queues(self, engine: Engine, asked: str | None) -> tuple[str, ...] | None:
        if asked is None:
            return None
        names = [name.strip() for name in asked.split(",")]
        queues = tuple(dict.fromkeys(name for name in names if name))
        unknown = [name for name in queues if engine.queues and name not in engine.queues]
        if unknown or not queues:
            raise CommandError(
                f"--queues names {', '.join(unknown) or 'nothing'}, but the QUEUES of "
                f"TASKS[{engine.alias!r}] are {', '.join(engine.queues)}."
            )
        return queues


def _require(flag: str, value: float | None, least: int, most: int | None = None) -> None:
    if value is None or least <= value <= (value if most is None else most):
        return
    allowed = f"from {least} to {most:,}" if most is not None else f"at least {least}"
    raise CommandError(f"--{flag} must be {allowed}, got {value:g}.")


def _add_switch(parser: ArgumentParser, name: str, *, default: bool | None, text: str) -> None:
    parser.add_argument(f"--{name}", action="store_true", dest=name, default=default, help=text)
    parser.add_argument(f"--no-{name}", action="store_false", dest=name, help=f"turn off --{name}")
