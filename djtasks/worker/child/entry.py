"""Where a child process begins: it becomes a worker, or tells the supervisor why it cannot.

This module needs no settings and no apps, so that it can be imported whatever is wrong with them.
"""

import os
import traceback
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import django

from djtasks.worker.messages import CannotStart

CANNOT_START = 1


def enter(
    pipe: Connection, memory: Any, stacks: int | None, failure: str | None = None
) -> NoReturn:
    """Run the child, or report the `failure` that prevents it. Never returns.

    `memory` is a buffer that it shares with the supervisor, as shared_memory.py divides it.
    `stacks` is the descriptor of the file for its stacks; None where there is no SIGUSR1.
    """
    pipe.send(CannotStart(failure or _run(pipe, memory, stacks)))
    os._exit(CANNOT_START)


def enter_alone(pipe: Connection, memory: Any) -> NoReturn:
    """Load the project and run the child, in a program of its own. Never returns."""
    failure = failure_to_load()
    enter(pipe, memory, None, failure)


def failure_to_load() -> str | None:
    """Set Django up, load the project and leave nothing open; return a traceback if that fails."""
    try:
        django.setup()
        from djtasks.worker import loading  # noqa: PLC0415 - it needs settings and apps

        loading.load()
        loading.prepare_to_fork()
    except BaseException:  # noqa: BLE001 - any module of the project may even exit
        return traceback.format_exc()
    return None


def _run(pipe: Connection, memory: Any, stacks: int | None) -> str:
    """Run the child until it ends its process; return the traceback of what prevents it."""
    try:
        from djtasks.worker.child.process import main  # noqa: PLC0415 - it needs settings and apps

        main(pipe, memory, stacks)
    except BaseException:  # noqa: BLE001 - the supervisor decides what follows
        return traceback.format_exc()
