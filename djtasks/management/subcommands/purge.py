"""`djtasks purge QUEUE`"""

from argparse import ArgumentParser
from typing import Any

from djtasks import operations
from djtasks.engine import Engine
from djtasks.inspection import COUNT_LIMIT, queues_of, workers_of
from djtasks.management.rendering import counted
from djtasks.management.subcommands.base import (
    add_queue,
    add_reason,
    confirm,
    log_action,
    queues_named,
)
from djtasks.management.terminal import Terminal

HELP = "delete the tasks that wait in a queue for good, due or not; running tasks finish"
EXAMPLES = ("mail", "mail --yes")


def add_arguments(parser: ArgumentParser) -> None:
    add_queue(parser)
    add_reason(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def handle(options: dict[str, Any], out: Terminal) -> None:
    queue = options["queue"]
    waiting = [(engine, _waiting(engine, queue)) for engine in queues_named(queue, options)]
    for engine, count in waiting:
        where = f"queue {queue} of TASKS[{engine.alias!r}]"
        if not count:
            out.write(f"No task waits in {where}.")
            continue
        number = counted(count, is_capped=count >= COUNT_LIMIT)
        tasks = "task" if count == 1 else "tasks"
        confirm(out, f"Delete {number} {tasks} of {where} for good?", yes=options["yes"])
        deleted = operations.purge_queue(engine, queue)
        log_action("purge", f"{deleted} tasks of {where}", options)
        out.write(f"{deleted:,} {'task' if deleted == 1 else 'tasks'} of {where} deleted.")


def _waiting(engine: Engine, queue: str) -> int:
    found = (one for one in queues_of(engine, workers_of(engine)) if one.name == queue)
    return sum(one.due + one.delayed for one in found)
