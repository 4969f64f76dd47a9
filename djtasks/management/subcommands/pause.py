"""`djtasks pause QUEUE`"""

from argparse import ArgumentParser
from typing import Any

from djtasks import operations
from djtasks.formats.durations import in_words
from djtasks.management.subcommands.base import (
    add_queue,
    add_reason,
    log_action,
    minutes,
    queues_named,
    this_person,
)
from djtasks.management.terminal import Terminal

HELP = "stop workers from taking tasks of a queue; running tasks finish"
EXAMPLES = ("mail --reason 'The mail server is down' --minutes 30", "mail --backend default")


def add_arguments(parser: ArgumentParser) -> None:
    add_queue(parser)
    add_reason(parser, "shown to everybody who asks")
    parser.add_argument(
        "--minutes", type=minutes, metavar="N",
        help="resume by itself after N minutes (default: when somebody resumes it)",
    )  # fmt: skip


def handle(options: dict[str, Any], out: Terminal) -> None:
    queue, pause = options["queue"], options["minutes"]
    for engine in queues_named(queue, options):
        until = None if pause is None else engine.now() + pause
        operations.pause_queue(
            engine, queue, by=this_person(), reason=options["reason"], until=until
        )
        log_action("pause", f"queue {queue} of TASKS[{engine.alias!r}]", options)
        end = "somebody resumes it" if pause is None else f"{in_words(pause)} are over"
        out.write(f"Queue {queue} of TASKS[{engine.alias!r}] is paused until {end}.")
