"""`djtasks resume QUEUE`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from djtasks import operations
from djtasks.management.subcommands.base import add_queue, add_reason, log_action, queues_named
from djtasks.management.terminal import Terminal

HELP = "let workers take tasks of a paused queue again"
EXAMPLES = ("mail",)


def add_arguments(parser: ArgumentParser) -> None:
    add_queue(parser)
    add_reason(parser)


def handle(options: dict[str, Any], out: Terminal) -> None:
    queue = options["queue"]
    resumed = [e for e in queues_named(queue, options) if operations.resume_queue(e, queue)]
    if not resumed:
        raise CommandError(f"Queue {queue} is not paused.")
    for engine in resumed:
        log_action("resume", f"queue {queue} of TASKS[{engine.alias!r}]", options)
        out.write(f"Queue {queue} of TASKS[{engine.alias!r}] is open again.")
